// The pages of the documents as small pictures, fetched when they come into view.

import { ask } from "./api.js";
import { byId, make } from "./dom.js";
import { t } from "./strings.js";

const WIDTH = 160;

export class Rail {
  /** @param onChoose called with a document and a page's number */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.root = byId("thumbnails");
    this.items = new Map();
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        this.seen.unobserve(entry.target);
        this.load(entry.target);
      }
    }, { root: byId("rail"), rootMargin: "200px" });
    this.owners = new WeakMap();
  }

  update(document) {
    const items = this.items.get(document) ?? new Map();
    this.items.set(document, items);
    let grown = false;
    for (const [number, page] of [...document.pages].sort(([one], [other]) => one - other)) {
      let item = items.get(number);
      if (!item) {
        const image = make("img", { alt: "" });
        const button = make("button", { type: "button" }, image, make("span", { textContent: String(number) }));
        button.addEventListener("click", () => this.onChoose(document, number));
        item = { element: make("li", {}, button), button, image };
        items.set(number, item);
        this.owners.set(item.element, { document, number, image });
        this.seen.observe(item.element);
        grown = true;
      }
      const key = { failed: "page-failed", done: "page-number" }[page.state] ?? "page-waiting";
      item.button.setAttribute("aria-label", t(key, { number }));
      item.button.title = document.job.name;
      item.button.dataset.state = page.state;
    }
    // Pages may be told of in another order than theirs.
    if (grown) this.root.append(...[...items].sort(([one], [other]) => one - other).map(([, item]) => item.element));
    this.fold();
  }

  async load(element) {
    const { document, number, image } = this.owners.get(element);
    try {
      const answer = await ask(`v1/jobs/${document.job.id}/pages/${number}/picture?width=${WIDTH}`);
      const url = URL.createObjectURL(await answer.blob());
      image.onload = () => URL.revokeObjectURL(url);
      image.src = url;
    } catch {
      // The page itself says why it cannot be shown.
    }
  }

  mark(document, number) {
    for (const [one, items] of this.items) {
      for (const [place, item] of items) {
        if (one === document && place === number) item.button.setAttribute("aria-current", "page");
        else item.button.removeAttribute("aria-current");
      }
    }
    const item = this.items.get(document)?.get(number);
    const rail = byId("rail");
    if (!item || rail.hidden) return;
    const [inner, outer] = [item.element.getBoundingClientRect(), rail.getBoundingClientRect()];
    if (inner.top < outer.top || inner.bottom > outer.bottom) rail.scrollTop += inner.top - outer.top - 20;
    if (inner.left < outer.left || inner.right > outer.right) rail.scrollLeft += inner.left - outer.left - 20;
  }

  remove(document) {
    for (const item of this.items.get(document)?.values() ?? []) item.element.remove();
    this.items.delete(document);
    this.fold();
  }

  /** A single page needs no rail. */
  fold() {
    byId("rail").hidden = this.root.childElementCount < 2;
  }
}
