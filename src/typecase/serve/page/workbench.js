// What is being read: the documents that were brought, their pages, and what one does with them.

import { ask, createJob, follow, Refused } from "./api.js";
import { byId, complain, make, save, say } from "./dom.js";
import { otherReadings, textOf, wordsOf } from "./page.js";
import { Rail } from "./rail.js";
import { percent, t } from "./strings.js";
import { TextPane } from "./textpane.js";
import { Viewer } from "./viewer.js";
import { WordCard } from "./wordcard.js";
const KEPT = "typecase-jobs";

export function startWorkbench() {
  const bench = new Workbench();
  bench.restore();
  return { open: (file) => bench.open(file) };
}

class Workbench {
  constructor() {
    this.documents = [];
    this.current = null;
    this.words = [];
    const listeners = {
      onWord: (word, element) => this.openCard(word, element),
      onHover: (word, element) => this.hover(word, element),
      onFocus: (word, element) => this.hover(word, element, true),
      onRegion: (rectangle) => this.attempt(() => this.readPart(rectangle)),
    };
    this.viewer = new Viewer(listeners);
    this.text = new TextPane(listeners);
    this.card = new WordCard({
      onSave: (word, text) => this.attempt(() => this.correct(word, text)),
      onNext: (word) => this.nextUnsure(word.index + 1),
      onClose: (word, back) => this.cardClosed(word, back),
    });
    this.rail = new Rail((document, number) => this.attempt(() => this.showPage(document, number)));
    byId("stop").addEventListener("click", () => this.attempt(() => this.stop()));
    byId("close").addEventListener("click", () => this.attempt(() => this.close()));
    byId("copy").addEventListener("click", () => this.copy(textOf(this.words)));
    byId("part-copy").addEventListener("click", () => this.copy(byId("part-text").textContent));
    byId("part-close").addEventListener("click", () => { byId("part").hidden = true; });
    byId("next-unsure").addEventListener("click", () => this.nextUnsure((this.card.word?.index ?? -1) + 1));
    this.startMenu();
  }

  async attempt(action) {
    try {
      await action();
    } catch (error) {
      complain(error.message);
      if (!(error instanceof Refused)) throw error;
    }
  }

  // Bringing documents and following them.

  async open(file) {
    const query = new URLSearchParams({ mode: byId("option-mode").value, alternatives: "4" });
    if (byId("option-allow").value) query.set("allow", byId("option-allow").value);
    if (byId("option-pages").value.trim()) query.set("pages", byId("option-pages").value.trim());
    const name = file.name || "picture";
    this.showProgress(t("uploading", { name }), 0);
    try {
      const job = await createJob(file, name, byId("option-password").value, query, (share) => this.showProgress(t("uploading", { name }), share));
      await this.adopt(job);
    } finally {
      this.showProgress(null);
    }
  }

  async adopt(job) {
    const document = { job, pages: new Map(), listed: false, stopped: new AbortController() };
    this.documents.push(document);
    this.keep();
    try {
      await follow(job.id, (event, data) => this.onEvent(document, event, data), document.stopped.signal);
    } catch (error) {
      this.drop(document);
      throw error;
    }
    if (document.job.state === "failed") {
      this.drop(document);
      throw new Refused(422, document.job.problem?.detail ?? "");
    }
    if (document.job.state === "cancelled") say(t("stopped"));
  }

  async onEvent(document, event, data) {
    if (event === "page") {
      document.pages.set(data.number, { ...document.pages.get(data.number), ...data });
      this.rail.update(document);
      if (this.current?.document === document && this.current.number === data.number) {
        await this.showPage(document, data.number);
      }
      return;
    }
    document.job = data;
    if (!document.listed && data.pages !== null) {
      document.listed = true;
      for (const page of await (await ask(`v1/jobs/${data.id}/pages`)).json()) {
        document.pages.set(page.number, { ...document.pages.get(page.number), ...page });
      }
      this.rail.update(document);
      // Its first page is shown at once, and its words as soon as they are read.
      await this.showPage(document, Math.min(...document.pages.keys()));
    }
    this.showJob(document.job);
  }

  showJob(job) {
    if (["done", "failed", "cancelled"].includes(job.state)) {
      this.showProgress(null);
      return;
    }
    const done = job.done + job.failed;
    const words = { name: job.name, next: Math.min(done + 1, job.pages ?? 1), pages: job.pages };
    const key = job.state === "waiting" ? "waiting" : job.pages === null ? "counting" : job.pages === 1 ? "reading-one" : "reading";
    this.showProgress(t(key, words), job.pages ? done / job.pages : undefined, true);
  }

  showProgress(text, share, stoppable = false) {
    byId("progress").hidden = text === null;
    byId("stop").hidden = !stoppable;
    if (text === null) return;
    byId("progress-text").textContent = text;
    if (share === undefined) byId("progress-bar").removeAttribute("value");
    else byId("progress-bar").value = share;
  }

  async stop() {
    const running = this.documents.find((one) => !["done", "failed", "cancelled"].includes(one.job.state));
    if (running) await ask(`v1/jobs/${running.job.id}/cancel`, { method: "POST" });
  }

  /** Remembers the documents in this tab, so that loading the page anew loses none. */
  keep() {
    sessionStorage.setItem(KEPT, JSON.stringify(this.documents.map((one) => one.job.id)));
  }

  async restore() {
    let jobs = [];
    try { jobs = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"); } catch { /* Nothing that can be used. */ }
    for (const id of jobs) {
      try {
        await this.adopt(await (await ask(`v1/jobs/${id}`)).json());
      } catch {
        // It was forgotten meanwhile.
        this.keep();
      }
    }
  }

  drop(document) {
    this.documents = this.documents.filter((one) => one !== document);
    this.keep();
    this.rail.remove(document);
    for (const page of document.pages.values()) if (page.url) URL.revokeObjectURL(page.url);
    if (this.current?.document !== document) return;
    this.current = null;
    const other = this.documents.at(-1);
    if (other) this.attempt(() => this.showPage(other, [...other.pages.keys()][0]));
    else this.showEmpty();
  }

  async close() {
    const { document } = this.current;
    document.stopped.abort();
    this.card.close(false);
    this.drop(document);
    await ask(`v1/jobs/${document.job.id}`, { method: "DELETE" });
    if (!this.current) byId("choose").focus();
  }

  showEmpty() {
    byId("workbench").hidden = true;
    byId("intake").classList.remove("small");
    this.viewer.clear();
    this.text.clear();
    this.words = [];
  }

  // A page.

  async showPage(document, number) {
    const page = document.pages.get(number);
    this.card.close(false);
    byId("part").hidden = true;
    this.current = { document, number };
    byId("workbench").hidden = false;
    byId("intake").classList.add("small");
    this.rail.mark(document, number);
    const problem = byId("page-problem");
    problem.hidden = true;
    if (page.state === "done" && !page.content) {
      page.content = (await (await ask(`v1/jobs/${document.job.id}/pages/${number}`)).json()).pages[0];
    }
    if (page.state !== "failed" && !page.url) {
      const picture = await ask(`v1/jobs/${document.job.id}/pages/${number}/picture`);
      page.url = URL.createObjectURL(await picture.blob());
    }
    // Another page may have been asked for meanwhile.
    if (this.current.document !== document || this.current.number !== number) return;
    const name = t("picture-alt", { number, name: document.job.name });
    if (page.state === "failed") {
      this.words = [];
      this.viewer.clear();
      this.text.clear();
      problem.hidden = false;
      problem.textContent = page.problem.detail;
      return;
    }
    if (!page.content) {
      this.words = [];
      const [width, height] = await this.viewer.sizeOf(page.url);
      if (!page.content && this.current.document === document && this.current.number === number) {
        this.viewer.show(page.url, name, { width, height }, []);
        this.text.wait();
      }
      return;
    }
    this.words = wordsOf(page.content);
    this.viewer.show(page.url, name, page.content, this.words);
    this.text.current = 0;
    this.text.show(page.content, this.words, page.corrected_lines ?? []);
    this.text.root.scrollTo(0, 0);
    const unsure = this.words.filter((word) => word.unsure).length;
    byId("next-unsure").disabled = !unsure;
    say(t("read-done", { name, words: this.words.length, unsure }));
  }

  refreshPage() {
    const { document, number } = this.current;
    const page = document.pages.get(number);
    this.words = wordsOf(page.content);
    this.viewer.setWords(this.words);
    this.text.show(page.content, this.words, page.corrected_lines ?? []);
    byId("next-unsure").disabled = !this.words.some((word) => word.unsure);
  }

  async readPart(rectangle) {
    const { document, number } = this.current;
    const query = new URLSearchParams({ mode: byId("option-mode").value, region: rectangle.join(",") });
    if (byId("option-allow").value) query.set("allow", byId("option-allow").value);
    const answer = await ask(`v1/jobs/${document.job.id}/pages/${number}/read?${query}`, { method: "POST" });
    const words = wordsOf((await answer.json()).pages[0]);
    const text = words.length ? textOf(words) : t("part-nothing");
    byId("part").hidden = false;
    byId("part-text").textContent = text;
    say(`${t("part-title")}: ${text}`);
  }

  // Words.

  hover(word, element, reveal = false) {
    this.viewer.mark(word, reveal);
    this.text.mark(word);
    const hint = byId("hint");
    hint.hidden = !word || !this.card.card.hidden;
    if (hint.hidden) return;
    if (!reveal && element?.closest("#overlay")) this.text.mark(word, true);
    const others = otherReadings(word).map((one) => one.whole).join(", ");
    hint.replaceChildren(
      make("strong", { textContent: word.text }),
      make("span", { className: word.unsure ? "low" : "", textContent: t("sure", { percent: percent(word.confidence) }) }),
      ...(others ? [make("span", { textContent: t("or", { others }) })] : []),
    );
    const [box, own] = [element.getBoundingClientRect(), hint.getBoundingClientRect()];
    const above = box.top - own.height - 6;
    hint.style.left = `${Math.max(8, Math.min(innerWidth - own.width - 8, box.left))}px`;
    hint.style.top = `${above > 4 ? above : box.bottom + 6}px`;
  }

  openCard(word, element) {
    byId("hint").hidden = true;
    this.viewer.mark(word, true);
    this.text.mark(word, true);
    this.card.open(word, element, byId("picture"));
  }

  cardClosed(word, back) {
    this.viewer.mark(null);
    this.text.mark(null);
    if (back && word && this.words[word.index]) this.text.focus(this.words[word.index]);
  }

  nextUnsure(from) {
    const order = [...this.words.slice(from), ...this.words.slice(0, from)];
    const word = order.find((one) => one.unsure);
    if (!word) {
      this.card.close();
      say(t("no-unsure"));
      return;
    }
    this.text.reveal(this.text.elements[word.index]);
    this.viewer.mark(word, true);
    // Anchored where it is seen: on the picture, unless that is folded away.
    const element = this.viewer.element(word);
    this.openCard(word, element.getClientRects().length ? element : this.text.elements[word.index]);
  }

  async correct(word, text) {
    const { document, number } = this.current;
    const [block, line, place] = word.at;
    const answer = await ask(`v1/jobs/${document.job.id}/pages/${number}`, {
      method: "PATCH",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ corrections: [{ block, line, word: place, was: word.text, text }] }),
    });
    const page = document.pages.get(number);
    page.content = (await answer.json()).pages[0];
    page.corrected_lines = [...(page.corrected_lines ?? []), [block, line]];
    this.refreshPage();
    this.card.close();
    say(text.trim() ? t("saved", { text }) : t("removed"));
  }

  // Taking away what was read.

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without a secure connection there is only the old way.
      const field = make("textarea", { value: text, className: "unseen" });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    say(t("copied"));
    byId("copy").classList.add("did");
    setTimeout(() => byId("copy").classList.remove("did"), 1200);
  }

  async startMenu() {
    const menu = byId("downloads");
    document.addEventListener("pointerdown", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
    let formats = [];
    await this.attempt(async () => { formats = await (await ask("v1/formats")).json(); });
    const item = (label, detail, action) => {
      const button = make("button", { type: "button" }, make("span", { textContent: label }), make("small", { textContent: detail }));
      button.addEventListener("click", () => {
        menu.open = false;
        this.attempt(action);
      });
      return make("li", {}, button);
    };
    byId("formats").replaceChildren(
      ...formats.map((one) => item(one.label, one.suffix, () => this.download(`result?format=${one.name}`, one.suffix))),
      item(t("training"), ".zip", () => this.download("training-data", "-training.zip")),
    );
  }

  async download(path, suffix) {
    const { job } = this.current.document;
    const answer = await ask(`v1/jobs/${job.id}/${path}`);
    const blob = await answer.blob();
    if (!blob.size) {
      // A document without tables has no CSV.
      complain(t("nothing-to-save"));
      return;
    }
    save(blob, job.name.replace(/\.[^.]*$/, "") + suffix);
  }
}
