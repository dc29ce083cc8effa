// The text of a page in reading order. It is one stop for the Tab key; arrow keys go from word to word.

import { byId, make } from "./dom.js";
import { percent, t } from "./strings.js";

export class TextPane {
  /** @param listeners `onWord(word, element)`, `onHover(word or null, element)`, `onFocus(word, element)` */
  constructor(listeners) {
    this.listeners = listeners;
    this.root = byId("text");
    this.words = [];
    this.elements = [];
    this.current = 0;
    this.root.addEventListener("pointerover", (event) => {
      const word = this.wordAt(event.target);
      if (word && event.pointerType === "mouse") listeners.onHover(word, this.elements[word.index]);
    });
    this.root.addEventListener("pointerout", () => listeners.onHover(null));
    this.root.addEventListener("focusin", (event) => {
      const word = this.wordAt(event.target);
      if (!word) return;
      this.makeCurrent(word.index);
      listeners.onFocus(word, this.elements[word.index]);
    });
    this.root.addEventListener("focusout", () => listeners.onHover(null));
    this.root.addEventListener("click", (event) => {
      const word = this.wordAt(event.target);
      if (word && getSelection().isCollapsed) listeners.onWord(word, this.elements[word.index]);
    });
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  show(page, words, corrected) {
    this.words = words;
    this.elements = [];
    const touched = new Set(corrected.map(([block, line]) => `${block},${line}`));
    const paragraphs = [];
    let before = null;
    let line = null;
    for (const word of words) {
      const [b, l] = word.at;
      if (!before || before.at[0] !== b) paragraphs.push(make("p"));
      if (!before || before.at[0] !== b || before.at[1] !== l) {
        line = make("span", { className: touched.has(`${b},${l}`) ? "line corrected" : "line" });
        paragraphs.at(-1).append(line);
      } else {
        line.append(" ");
      }
      const element = make("span", {
        className: word.unsure ? "word unsure" : "word",
        textContent: word.text,
        dataset: { index: word.index },
        tabIndex: -1,
        attributes: { role: "button" },
      });
      if (word.unsure) element.setAttribute("aria-description", t("sure", { percent: percent(word.confidence) }));
      line.append(element);
      this.elements.push(element);
      before = word;
    }
    if (!words.length) paragraphs.push(make("p", { className: "quiet", textContent: t("read-nothing") }));
    this.root.replaceChildren(...paragraphs);
    this.makeCurrent(Math.min(this.current, Math.max(0, words.length - 1)));
  }

  /** Says that the page is still being read. */
  wait() {
    this.clear();
    this.root.replaceChildren(make("p", { className: "quiet", textContent: t("read-soon") }));
  }

  clear() {
    this.words = [];
    this.elements = [];
    this.current = 0;
    this.root.replaceChildren();
  }

  wordAt(target) {
    const element = target.closest?.(".word");
    return element ? this.words[element.dataset.index] : null;
  }

  mark(word, reveal = false) {
    this.root.querySelector(".near")?.classList.remove("near");
    if (!word) return;
    const element = this.elements[word.index];
    element.classList.add("near");
    if (reveal) this.reveal(element);
  }

  // Not scrollIntoView, which would move the whole page on a phone.
  reveal(element) {
    const [inner, outer] = [element.getBoundingClientRect(), this.root.getBoundingClientRect()];
    if (inner.top >= outer.top && inner.bottom <= outer.bottom) return;
    this.root.scrollBy({ top: inner.top - outer.top - outer.height / 2 });
  }

  focus(word) {
    const element = this.elements[word.index];
    element?.focus({ preventScroll: true });
    if (element) this.reveal(element);
  }

  makeCurrent(index) {
    this.elements[this.current]?.setAttribute("tabindex", "-1");
    this.current = index;
    this.elements[index]?.setAttribute("tabindex", "0");
  }

  key(event) {
    const word = this.wordAt(event.target);
    if (!word || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.words.length - 1;
    let next = null;
    if (event.key === "ArrowRight") next = Math.min(last, word.index + 1);
    else if (event.key === "ArrowLeft") next = Math.max(0, word.index - 1);
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = last;
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") next = this.inOtherLine(word, event.key === "ArrowDown");
    else if (event.key === "Enter" || event.key === " " || event.key === "F2") {
      event.preventDefault();
      this.listeners.onWord(word, this.elements[word.index]);
      return;
    } else return;
    event.preventDefault();
    this.focus(this.words[next]);
  }

  inOtherLine(word, down) {
    const here = this.elements[word.index].getBoundingClientRect();
    const middle = (here.left + here.right) / 2;
    const sameLine = (one) => one.at[0] === word.at[0] && one.at[1] === word.at[1];
    const rest = down ? this.words.slice(word.index + 1) : this.words.slice(0, word.index).reverse();
    const first = rest.find((one) => !sameLine(one));
    if (!first) return word.index;
    const line = this.words.filter((one) => one.at[0] === first.at[0] && one.at[1] === first.at[1]);
    const distance = (one) => {
      const box = this.elements[one.index].getBoundingClientRect();
      return Math.abs((box.left + box.right) / 2 - middle);
    };
    return line.reduce((best, one) => (distance(one) < distance(best) ? one : best)).index;
  }
}
