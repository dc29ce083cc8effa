// Starts the page: the two views, the theme, and what is brought in.

import { byId, complain, forgive } from "./dom.js";
import { startDrawing } from "./drawing.js";
import { startIntake } from "./intake.js";
import { fill, t } from "./strings.js";
import { startWorkbench } from "./workbench.js";

fill(document);

const THEME = "typecase-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function showTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
}

byId("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  localStorage.setItem(THEME, next);
  showTheme(next);
});
showTheme(localStorage.getItem(THEME));

function showView(name) {
  for (const one of ["read", "draw"]) {
    byId(`${one}-view`).hidden = one !== name;
    byId(`show-${one}`).setAttribute("aria-pressed", String(one === name));
  }
  document.title = `${t(`view-${name}`)} – typecase`;
  history.replaceState(null, "", name === "draw" ? "#draw" : location.pathname);
}

byId("show-read").addEventListener("click", () => showView("read"));
byId("show-draw").addEventListener("click", () => showView("draw"));

const workbench = startWorkbench();
startIntake(async (files) => {
  showView("read");
  forgive();
  for (const file of files) {
    try {
      await workbench.open(file);
    } catch (error) {
      const named = error.message.includes(file.name);
      complain(named ? error.message : t("failed", { name: file.name, detail: error.message }));
    }
  }
});
startDrawing();
showView(location.hash === "#draw" ? "draw" : "read");
document.documentElement.dataset.ready = "true";
