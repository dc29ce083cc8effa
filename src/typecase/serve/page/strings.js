// Every text that the page shows, by language. A further language is one more table here.

const TABLES = {
  en: {
    "skip": "Skip to the content",
    "views": "What to do",
    "view-read": "Read",
    "view-draw": "Draw",
    "theme": "Light or dark",
    "title": "Read pictures and documents",
    "lead": "Text from pictures and PDFs, read on this machine.",
    "drop-title": "Drop pictures or PDFs here",
    "drop-more": "or paste one. Photographs, scans, screenshots; PNG, JPEG, TIFF, WebP, PDF and more.",
    "choose": "Choose files",
    "photograph": "Take a photo",
    "paste": "Paste",
    "options": "How to read",
    "option-mode": "It shows",
    "mode-page": "a whole page",
    "mode-block": "one block of text",
    "mode-line": "a single line",
    "mode-word": "a single word",
    "mode-char": "a single character",
    "option-allow": "Only these characters",
    "option-password": "Password of the PDF",
    "option-pages": "Only these pages",
    "kept": "What you bring stays on the server that runs this page until you close it, a day at most.",
    "progress": "Progress",
    "uploading": "Sending {name}",
    "waiting": "{name} waits for its turn",
    "counting": "Opening {name}",
    "reading": "Reading {name}: page {next} of {pages}",
    "reading-one": "Reading {name}",
    "stop": "Stop",
    "read-done": "{name}: {words} words read, {unsure} of them unsure.",
    "read-nothing": "No text was found on this page.",
    "read-soon": "This page is being read.",
    "stopped": "Stopped; what was read until then is here.",
    "pages": "Pages",
    "page-number": "Page {number}",
    "page-waiting": "Page {number}, not read yet",
    "page-failed": "Page {number}, cannot be read",
    "picture": "Picture",
    "picture-tools": "Picture tools",
    "viewport": "The page with its words; arrow keys scroll",
    "picture-alt": "Page {number} of {name}",
    "zoom-out": "Smaller",
    "zoom-in": "Larger",
    "fit": "Fit to the width",
    "rotate": "Turn to the right",
    "region": "Read only a part",
    "region-help": "Draw a frame around the part; or move it with the arrow keys, size it with Shift, and press Enter.",
    "marks": "Show where words are",
    "text": "Text",
    "text-tools": "Text tools",
    "next-unsure": "Next unsure",
    "no-unsure": "No word is unsure.",
    "copy": "Copy",
    "copied": "Copied.",
    "download": "Download",
    "training": "Corrections, to train on",
    "nothing-to-save": "This document has nothing of that kind.",
    "close": "Close",
    "part-title": "This part says",
    "part-close": "Hide this part",
    "part-nothing": "Nothing was found there.",
    "card-title": "Word",
    "card-close": "Close",
    "card-crop": "The word in the picture",
    "card-says": "It says",
    "card-others": "Other readings of its characters",
    "card-other": "{was} may be {other}, {percent} %",
    "card-help": "Save it as it is to confirm it. Spaces divide it, an empty text removes it.",
    "card-save": "Save",
    "card-next": "Next unsure",
    "saved": "Saved: {text}",
    "removed": "Removed.",
    "sure": "{percent} % sure",
    "corrected": "corrected",
    "or": "or {others}",
    "draw-title": "Draw a character",
    "draw-lead": "A letter or a digit, with finger, pen or mouse; what the model takes it for shows while you draw.",
    "pad": "Drawing pad",
    "undo": "Undo",
    "clear": "Clear",
    "guesses": "Best guesses",
    "no-guess": "Nothing drawn yet.",
    "guess": "{label}, {percent} %",
    "key-title": "API key",
    "key-lead": "This service asks for a key. It is kept in this tab until you close it.",
    "key-label": "Key",
    "key-use": "Use it",
    "veil": "Let go to read it",
    "paste-nothing": "There is no picture in the clipboard.",
    "paste-refused": "The browser does not let this page look into the clipboard; press Ctrl+V instead.",
    "offline": "The service does not answer; is it still running?",
    "gone": "The service has forgotten this document; bring it once more.",
    "failed": "{name}: {detail}",
  },
};

const language = [...(navigator.languages ?? []), "en"].map((one) => one.slice(0, 2)).find((one) => one in TABLES);
const table = TABLES[language];
document.documentElement.lang = language;

/** The text of a key, with {names} replaced by values. */
export function t(key, values = {}) {
  const text = table[key] ?? TABLES.en[key];
  if (text === undefined) throw new Error(`no string ${key}`);
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Writes the texts into everything that names one. */
export function fill(root) {
  for (const element of root.querySelectorAll("[data-string]")) element.textContent = t(element.dataset.string);
  for (const element of root.querySelectorAll("[data-label]")) {
    const text = t(element.dataset.label);
    element.setAttribute("aria-label", text);
    if (element.classList.contains("icon")) element.title = text;
  }
}

/** A probability in whole per cent; only certainty is 100, and only impossibility 0. */
export function percent(confidence) {
  if (confidence > 0 && confidence < 0.005) return "< 1";
  return confidence >= 1 ? 100 : Math.min(99, Math.round(100 * confidence));
}
