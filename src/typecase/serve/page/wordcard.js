// The card of a word: how sure it is, what else it may be, and the field to correct it.

import { byId, make } from "./dom.js";
import { placement } from "./geometry.js";
import { percent, t } from "./strings.js";
import { otherReadings } from "./page.js";

const NARROW = matchMedia("(max-width: 720px)");

export class WordCard {
  /** @param listeners `onSave(word, text)`, `onNext(word)`, `onClose(word)` */
  constructor(listeners) {
    this.listeners = listeners;
    this.card = byId("card");
    this.field = byId("card-text");
    this.word = null;
    byId("card-form").addEventListener("submit", (event) => {
      event.preventDefault();
      listeners.onSave(this.word, this.field.value);
    });
    byId("card-close").addEventListener("click", () => this.close());
    byId("card-next").addEventListener("click", () => listeners.onNext(this.word));
    this.card.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        this.close();
      }
    });
    document.addEventListener("pointerdown", (event) => {
      if (!this.card.hidden && !this.card.contains(event.target) && !event.target.closest(".word")) this.close(false);
    });
    addEventListener("resize", () => this.anchor && this.place());
  }

  open(word, anchor, image) {
    this.word = word;
    this.anchor = anchor;
    this.field.value = word.text;
    const sure = byId("card-sure");
    sure.textContent = t("sure", { percent: percent(word.confidence) });
    sure.classList.toggle("low", word.unsure);
    this.showOthers(word);
    this.showCrop(word, image);
    this.card.hidden = false;
    this.place();
    this.field.focus({ preventScroll: true });
    this.field.select();
  }

  close(back = true) {
    if (this.card.hidden) return;
    this.card.hidden = true;
    this.anchor = null;
    this.listeners.onClose(this.word, back);
  }

  showOthers(word) {
    const buttons = otherReadings(word, 6).map((other) => {
      const share = percent(other.confidence);
      const button = make("button", {
        type: "button",
        className: "other",
        attributes: { "aria-label": t("card-other", { was: other.was, other: other.text, percent: share }) },
      }, make("span", { textContent: other.whole }), make("small", { textContent: `${share} %` }));
      button.addEventListener("click", () => {
        this.field.value = other.whole;
        this.field.focus();
      });
      return button;
    });
    byId("card-others").replaceChildren(...buttons);
    byId("card-others").hidden = !buttons.length;
  }

  showCrop(word, image) {
    const canvas = byId("card-crop");
    const place = placement(word.box, word.polygon);
    canvas.hidden = !image?.complete || !image.naturalWidth;
    if (canvas.hidden) return;
    const margin = place.height * 0.25;
    const ratio = devicePixelRatio || 1;
    const scale = Math.min((40 * ratio) / (place.height + 2 * margin), (260 * ratio) / (place.width + 2 * margin));
    canvas.width = Math.max(1, Math.round((place.width + 2 * margin) * scale));
    canvas.height = Math.max(1, Math.round((place.height + 2 * margin) * scale));
    canvas.style.width = `${canvas.width / ratio}px`;
    canvas.style.height = `${canvas.height / ratio}px`;
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.scale(scale, scale);
    context.translate(margin, margin);
    context.rotate((-place.slope * Math.PI) / 180);
    context.translate(-place.x, -place.y);
    context.drawImage(image, 0, 0);
  }

  place() {
    const style = this.card.style;
    if (NARROW.matches) {
      style.left = style.top = "";
      return;
    }
    const [anchor, own] = [this.anchor.getBoundingClientRect(), this.card.getBoundingClientRect()];
    const left = Math.min(innerWidth - own.width - 12, Math.max(12, anchor.left));
    const below = anchor.bottom + 8;
    const top = below + own.height < innerHeight - 8 ? below : Math.max(8, anchor.top - own.height - 8);
    style.left = `${left}px`;
    style.top = `${top}px`;
  }
}
