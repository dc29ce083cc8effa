// The picture of a page with its words over it: zoom, turn, marks, selection of text, and a frame for a part.

import { byId, make, say } from "./dom.js";
import { placement, rectangleToPicture, turnedSize } from "./geometry.js";
import { textOf } from "./page.js";
import { t } from "./strings.js";

const LEAST = 0.05;
const MOST = 8;
const measure = document.createElement("canvas").getContext("2d");
measure.font = "100px sans-serif";

export class Viewer {
  /** @param listeners `onWord(word, element)`, `onHover(word or null, element)`, `onRegion(rectangle)` */
  constructor(listeners) {
    this.listeners = listeners;
    this.viewport = byId("viewport");
    this.frame = byId("frame");
    this.sheet = byId("sheet");
    this.image = byId("picture");
    this.overlay = byId("overlay");
    this.selection = byId("selection");
    this.size = [1, 1];
    this.words = [];
    this.elements = [];
    this.turn = 0;
    this.scale = 1;
    this.fits = true;
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.fits && this.fit()).observe(this.viewport);
  }

  listen() {
    byId("zoom-in").addEventListener("click", () => this.zoom(1.25));
    byId("zoom-out").addEventListener("click", () => this.zoom(0.8));
    byId("fit").addEventListener("click", () => this.fit());
    byId("rotate").addEventListener("click", () => this.rotate());
    byId("region").addEventListener("click", (event) => {
      this.setFraming(!this.framing);
      // Pressed by a key, it gives a frame that keys can move.
      if (this.framing && event.detail === 0) this.setFrame(this.rectangle);
    });
    byId("marks").addEventListener("click", () => {
      const shown = byId("marks").getAttribute("aria-pressed") !== "true";
      byId("marks").setAttribute("aria-pressed", String(shown));
      this.overlay.classList.toggle("bare", !shown);
    });
    this.viewport.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
    }, { passive: false });
    this.overlay.addEventListener("pointerover", (event) => {
      const element = event.target.closest(".word");
      if (event.pointerType === "mouse" && element) this.listeners.onHover(this.words[element.dataset.index], element);
    });
    this.overlay.addEventListener("pointerout", () => this.listeners.onHover(null));
    this.overlay.addEventListener("click", (event) => {
      const element = event.target.closest(".word");
      // A click that ends a selection of text is none.
      if (element && getSelection().isCollapsed) this.listeners.onWord(this.words[element.dataset.index], element);
    });
    document.addEventListener("copy", (event) => this.copySelection(event));
    this.viewport.addEventListener("pointerdown", (event) => this.pointerDown(event));
    this.viewport.addEventListener("pointermove", (event) => this.pointerMove(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.viewport.addEventListener(name, (event) => this.pointerUp(event));
    }
    this.viewport.addEventListener("keydown", (event) => this.key(event));
  }

  /** Shows a page: its picture's address, size in pixels, how it must be turned, and its words. */
  show(url, name, page, words) {
    this.setFraming(false);
    this.size = [page.width, page.height];
    this.turn = page.rotation ?? 0;
    this.image.src = url;
    this.image.alt = name;
    this.frame.hidden = false;
    this.sheet.style.width = `${page.width}px`;
    this.sheet.style.height = `${page.height}px`;
    this.setWords(words);
    this.fit();
    this.viewport.scrollTo(0, 0);
  }

  /** Width and height in pixels of a picture at an address. */
  async sizeOf(url) {
    const image = new Image();
    image.src = url;
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
  }

  clear() {
    this.frame.hidden = true;
    this.image.removeAttribute("src");
    this.setWords([]);
  }

  setWords(words) {
    this.words = words;
    this.elements = words.map((word) => {
      const place = placement(word.box, word.polygon);
      const text = make("span", { textContent: word.text });
      const element = make("span", { className: word.unsure ? "word unsure" : "word", dataset: { index: word.index } }, text);
      Object.assign(element.style, {
        left: `${place.x}px`,
        top: `${place.y}px`,
        width: `${place.width}px`,
        height: `${place.height}px`,
        transform: place.slope ? `rotate(${place.slope}deg)` : "",
      });
      // The unseen text is stretched over the word, so that what one selects is what one sees.
      const natural = Math.max(1, measure.measureText(word.text).width / 100);
      const size = Math.max(1, place.height * 0.8);
      text.style.fontSize = `${size}px`;
      text.style.lineHeight = `${place.height}px`;
      text.style.transform = `scaleX(${place.width / (natural * size)})`;
      return element;
    });
    this.overlay.replaceChildren(...this.elements);
  }

  element(word) {
    return this.elements[word.index];
  }

  /** Marks a word, or none, and brings it into view if asked to. */
  mark(word, reveal = false) {
    this.overlay.querySelector(".near")?.classList.remove("near");
    if (!word) return;
    const element = this.element(word);
    element.classList.add("near");
    if (reveal) this.reveal(element);
  }

  reveal(element) {
    const [inner, outer] = [element.getBoundingClientRect(), this.viewport.getBoundingClientRect()];
    const beyond = inner.left < outer.left || inner.right > outer.right || inner.top < outer.top || inner.bottom > outer.bottom;
    if (!beyond) return;
    this.viewport.scrollBy({
      left: inner.left - outer.left - (outer.width - inner.width) / 2,
      top: inner.top - outer.top - (outer.height - inner.height) / 2,
    });
  }

  fit() {
    const [width] = turnedSize(...this.size, this.turn);
    const style = getComputedStyle(this.viewport);
    const room = this.viewport.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (room <= 0) return;
    this.fits = true;
    // Small pictures are not blown up beyond twice their size.
    this.scale = Math.min(2, room / width);
    this.layOut();
  }

  zoom(factor, x, y) {
    const bounds = this.viewport.getBoundingClientRect();
    const [cx, cy] = [(x ?? bounds.left + bounds.width / 2) - bounds.left, (y ?? bounds.top + bounds.height / 2) - bounds.top];
    const before = this.scale;
    this.scale = Math.min(MOST, Math.max(LEAST, this.scale * factor));
    const change = this.scale / before;
    const [left, top] = [(this.viewport.scrollLeft + cx) * change - cx, (this.viewport.scrollTop + cy) * change - cy];
    this.fits = false;
    this.layOut();
    this.viewport.scrollTo(left, top);
  }

  rotate() {
    this.turn = (this.turn + 90) % 360;
    this.fits ? this.fit() : this.layOut();
  }

  layOut() {
    const [width, height] = turnedSize(...this.size, this.turn).map((side) => side * this.scale);
    this.frame.style.width = `${width}px`;
    this.frame.style.height = `${height}px`;
    const shift = { 0: "0, 0", 90: `${width}px, 0`, 180: `${width}px, ${height}px`, 270: `0, ${height}px` }[this.turn];
    this.sheet.style.transform = `translate(${shift}) rotate(${this.turn}deg) scale(${this.scale})`;
    // Lines that are one pixel wide whatever the scale.
    this.overlay.style.setProperty("--hair", `${1 / this.scale}px`);
    byId("zoom").textContent = `${Math.round(this.scale * 100)} %`;
  }

  copySelection(event) {
    const selection = getSelection();
    if (selection.isCollapsed || !this.overlay.contains(selection.anchorNode)) return;
    const range = selection.getRangeAt(0);
    const chosen = this.words.filter((word) => range.intersectsNode(this.element(word)));
    if (!chosen.length) return;
    event.clipboardData.setData("text/plain", textOf(chosen));
    event.preventDefault();
  }

  // Two fingers zoom; one draws the frame of a part where that is asked for.

  pointerDown(event) {
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size === 2) this.spread = this.distance();
    if (!this.framing || event.button !== 0) return;
    event.preventDefault();
    this.viewport.setPointerCapture(event.pointerId);
    const [x, y] = this.onFrame(event);
    this.start = [x, y];
    this.setFrame([x, y, 0, 0]);
  }

  pointerMove(event) {
    if (!this.pointers.has(event.pointerId)) return;
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size === 2 && event.pointerType === "touch") {
      const distance = this.distance();
      const [one, other] = [...this.pointers.values()];
      this.zoom(distance / this.spread, (one.clientX + other.clientX) / 2, (one.clientY + other.clientY) / 2);
      this.spread = distance;
    } else if (this.framing && this.start) {
      const [x, y] = this.onFrame(event);
      const [left, top] = [Math.min(x, this.start[0]), Math.min(y, this.start[1])];
      this.setFrame([left, top, Math.abs(x - this.start[0]), Math.abs(y - this.start[1])]);
    }
  }

  pointerUp(event) {
    this.pointers.delete(event.pointerId);
    if (!this.start) return;
    this.start = null;
    if (event.type === "pointerup" && this.rectangle[2] > 4 && this.rectangle[3] > 4) this.readFrame();
  }

  distance() {
    const [one, other] = [...this.pointers.values()];
    return Math.max(1, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY));
  }

  onFrame(event) {
    const bounds = this.frame.getBoundingClientRect();
    return [
      Math.min(bounds.width, Math.max(0, event.clientX - bounds.left)),
      Math.min(bounds.height, Math.max(0, event.clientY - bounds.top)),
    ];
  }

  setFraming(framing) {
    this.framing = framing;
    byId("region").setAttribute("aria-pressed", String(framing));
    this.viewport.classList.toggle("framing", framing);
    this.selection.hidden = true;
    this.start = null;
    if (!framing) return;
    say(t("region-help"));
    const bounds = this.frame.getBoundingClientRect();
    this.rectangle = [bounds.width / 4, bounds.height / 4, bounds.width / 2, bounds.height / 8];
    this.viewport.focus();
  }

  setFrame(rectangle) {
    this.rectangle = rectangle;
    this.selection.hidden = false;
    const [left, top, width, height] = rectangle.map((value) => `${value}px`);
    Object.assign(this.selection.style, { left, top, width, height });
  }

  readFrame() {
    const rectangle = rectangleToPicture(this.rectangle, ...this.size, this.turn, this.scale);
    this.setFraming(false);
    this.listeners.onRegion(rectangle);
  }

  key(event) {
    if (!this.framing) return;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) {
      const [dx, dy] = step.map((one) => one * 10);
      const [x, y, width, height] = this.rectangle;
      const { width: across, height: down } = this.frame.getBoundingClientRect();
      const within = (value, least, most) => Math.max(least, Math.min(most, value));
      this.setFrame(event.shiftKey
        ? [x, y, within(width + dx, 10, across - x), within(height + dy, 10, down - y)]
        : [within(x + dx, 0, across - width), within(y + dy, 0, down - height), width, height]);
    } else if (event.key === "Enter") {
      this.readFrame();
    } else if (event.key === "Escape") {
      this.setFraming(false);
    } else {
      return;
    }
    event.preventDefault();
  }
}
