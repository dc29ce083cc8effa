// Small helpers around the document. Text is only ever set as text, never as HTML.

export const byId = (id) => document.getElementById(id);

/** Makes an element with properties, `data-` values and children; texts become text nodes. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "attributes") for (const [key, text] of Object.entries(value)) element.setAttribute(key, text);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Tells a screen reader something, and nobody else. */
export function say(text) {
  const status = byId("status");
  // The same words once more are only said when they change.
  status.textContent = "";
  requestAnimationFrame(() => { status.textContent = text; });
}

/** Shows a problem until the next thing is done. */
export function complain(text) {
  byId("problems").replaceChildren(make("p", { className: "notice", textContent: text }));
}

export function forgive() {
  byId("problems").replaceChildren();
}

/** Offers a file to be saved. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
