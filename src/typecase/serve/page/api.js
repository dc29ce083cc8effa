// Asks the service. Every failure is a `Refused` whose message is the service's own sentence.

import { byId } from "./dom.js";
import { t } from "./strings.js";

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

const KEY = "typecase-key";
let asking = null;

function headers(more = {}) {
  const key = sessionStorage.getItem(KEY);
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
}

function askForKey() {
  asking ??= new Promise((resolve) => {
    const dialog = byId("key-dialog");
    dialog.addEventListener("close", () => {
      asking = null;
      if (byId("key").value) sessionStorage.setItem(KEY, byId("key").value.trim());
      byId("key").value = "";
      resolve(dialog.returnValue === "use");
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

async function refusal(response) {
  try {
    return new Refused(response.status, (await response.json()).detail ?? response.statusText);
  } catch {
    return new Refused(response.status, response.statusText);
  }
}

/** A request; its answer is a successful Response. */
export async function ask(path, options = {}) {
  for (;;) {
    let response;
    try {
      response = await fetch(path, { ...options, headers: headers(options.headers) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused(0, t("offline"));
    }
    if (response.ok) return response;
    if (response.status === 401 && (await askForKey())) continue;
    if (response.status === 429 && !options.once) {
      await new Promise((resolve) => setTimeout(resolve, 1000 * Number(response.headers.get("Retry-After") ?? 1)));
      continue;
    }
    throw await refusal(response);
  }
}

/** Makes a job of a file, telling the share that was sent; XMLHttpRequest, for fetch does not tell. */
export async function createJob(file, name, password, query, onSent) {
  const form = new FormData();
  if (password) form.append("password", password);
  form.append("file", file, name);
  for (;;) {
    const request = new XMLHttpRequest();
    await new Promise((resolve, reject) => {
      request.open("POST", `v1/jobs?${query}`);
      for (const [header, value] of Object.entries(headers())) request.setRequestHeader(header, value);
      request.upload.onprogress = (event) => event.lengthComputable && onSent(event.loaded / event.total);
      request.onload = resolve;
      request.onerror = () => reject(new Refused(0, t("offline")));
      request.send(form);
    });
    let answer = null;
    try { answer = JSON.parse(request.responseText); } catch { /* An answer of something before the service. */ }
    if (request.status === 202) return answer;
    if (request.status === 401 && (await askForKey())) continue;
    throw new Refused(request.status, answer?.detail ?? request.statusText);
  }
}

/** Follows a job by server-sent events until it is finished; goes on by itself after an interruption. */
export async function follow(job, onEvent, signal) {
  let last = "0";
  for (let tries = 0; ; tries += 1) {
    try {
      const response = await ask(`v1/jobs/${job}/events`, { headers: { "Last-Event-ID": last }, signal });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        tries = 0;
        const parts = (text + value).split("\n\n");
        text = parts.pop();
        for (const part of parts) {
          const event = {};
          for (const line of part.split("\n")) {
            const colon = line.indexOf(": ");
            if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
          }
          if (!event.data) continue;
          if (event.id) last = event.id;
          if (event.event === "gone") throw new Refused(404, t("gone"));
          const data = JSON.parse(event.data);
          await onEvent(event.event, data);
          if (event.event === "job" && ["done", "failed", "cancelled"].includes(data.state)) return;
        }
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      // The service may be starting anew; it goes on where it was.
      if ((error instanceof Refused && error.status !== 0 && error.status !== 503) || tries > 20) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(5000, 500 * (tries + 1))));
  }
}
