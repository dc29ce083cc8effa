// What people bring: files that they choose, drop, paste or photograph.

import { byId, complain } from "./dom.js";
import { t } from "./strings.js";

/** Calls back with the files whenever some are brought. */
export function startIntake(onFiles) {
  for (const id of ["choose", "photograph"]) {
    const input = byId(id);
    input.addEventListener("change", () => {
      const files = [...input.files];
      // So that the same file can be chosen once more.
      input.value = "";
      if (files.length) onFiles(files);
    });
  }

  const veil = byId("veil");
  let inside = 0;
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    inside += 1;
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    inside = Math.max(0, inside - 1);
    veil.hidden = inside === 0;
  });
  addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    inside = 0;
    veil.hidden = true;
    if (!carriesFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length) onFiles([...event.dataTransfer.files]);
  });

  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) {
      event.preventDefault();
      onFiles(files);
    }
  });
  byId("paste").addEventListener("click", async () => {
    let items;
    try {
      items = await navigator.clipboard.read();
    } catch {
      complain(t("paste-refused"));
      return;
    }
    for (const item of items) {
      const type = item.types.find((one) => one.startsWith("image/"));
      if (type) {
        const blob = await item.getType(type);
        onFiles([new File([blob], `clipboard.${type.slice(6)}`, { type })]);
        return;
      }
    }
    complain(t("paste-nothing"));
  });
}
