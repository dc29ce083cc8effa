// The drawing pad: strokes on white paper, sent while they are drawn, and what the model takes them for.

import { ask } from "./api.js";
import { byId, complain, forgive, make } from "./dom.js";
import { percent, t } from "./strings.js";

const PAUSE = 120;
const WIDTH = 0.055;
const SENT = 192;

export function startDrawing() {
  const pad = byId("pad");
  const context = pad.getContext("2d");
  const strokes = [];
  let stroke = null;
  let timer = null;
  let running = null;
  let again = false;

  function paint(target, size) {
    target.fillStyle = "#ffffff";
    target.fillRect(0, 0, size, size);
    target.strokeStyle = target.fillStyle = "#111111";
    target.lineCap = target.lineJoin = "round";
    target.lineWidth = size * WIDTH;
    for (const points of strokes) {
      target.beginPath();
      const [x, y] = points[0];
      target.moveTo(x * size, y * size);
      // A dot is a stroke too.
      if (points.length === 1) target.lineTo(x * size + 0.01, y * size);
      for (let i = 1; i < points.length; i += 1) {
        const [before, here] = [points[i - 1], points[i]];
        target.quadraticCurveTo(
          before[0] * size, before[1] * size, ((before[0] + here[0]) / 2) * size, ((before[1] + here[1]) / 2) * size,
        );
      }
      const end = points.at(-1);
      if (points.length > 1) target.lineTo(end[0] * size, end[1] * size);
      target.stroke();
    }
  }

  function changed() {
    paint(context, pad.width);
    clearTimeout(timer);
    timer = setTimeout(guess, PAUSE);
  }

  async function guess() {
    if (running) {
      again = true;
      return;
    }
    if (!strokes.length) {
      show([]);
      return;
    }
    running = new AbortController();
    try {
      const small = make("canvas", { width: SENT, height: SENT });
      paint(small.getContext("2d"), SENT);
      const blob = await new Promise((resolve) => small.toBlob(resolve, "image/png"));
      const answer = await (await ask("v1/classify?top=5", {
        method: "POST",
        headers: { "Content-Type": "image/png", "X-File-Name": "drawing.png" },
        body: blob,
        signal: running.signal,
      })).json();
      forgive();
      if (strokes.length) show([{ class: answer.class, confidence: answer.confidence }, ...answer.alternatives]);
    } catch (error) {
      if (error.name !== "AbortError") complain(error.message);
    } finally {
      running = null;
      if (again) {
        again = false;
        guess();
      }
    }
  }

  function show(guesses) {
    byId("no-guess").hidden = guesses.length > 0;
    byId("guesses").replaceChildren(...guesses.map((one) => {
      const share = percent(one.confidence);
      const bar = make("span", { className: "bar-fill" });
      bar.style.width = `${100 * one.confidence}%`;
      return make("li", { attributes: { "aria-label": t("guess", { label: one.class, percent: share }) } },
        make("span", { className: "guess-label", textContent: one.class }),
        make("span", { className: "bar-line", attributes: { "aria-hidden": "true" } }, bar),
        make("span", { className: "guess-share", textContent: `${share} %` }));
    }));
  }

  function point(event) {
    const bounds = pad.getBoundingClientRect();
    const within = (value) => Math.min(1, Math.max(0, value));
    return [within((event.clientX - bounds.left) / bounds.width), within((event.clientY - bounds.top) / bounds.height)];
  }

  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    pad.setPointerCapture(event.pointerId);
    stroke = [point(event)];
    strokes.push(stroke);
    changed();
  });
  pad.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) stroke.push(point(one));
    changed();
  });
  for (const name of ["pointerup", "pointercancel"]) pad.addEventListener(name, () => { stroke = null; });
  byId("undo").addEventListener("click", () => { strokes.pop(); changed(); });
  byId("clear").addEventListener("click", () => { strokes.length = 0; changed(); });
  paint(context, pad.width);
}
