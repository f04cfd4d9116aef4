// The menu: from 1180 px it stays, whole or as icons, and the browser remembers which. Below, it opens over the page.
const KEY = "backofficeMenu";
const page = document.documentElement;
const stays = window.matchMedia("(min-width: 1180px)");

page.dataset.menu = localStorage.getItem(KEY) === "icons" ? "icons" : "whole";

function sayState() {
  const isWhole = stays.matches ? page.dataset.menu === "whole" : "menuOpen" in page.dataset;
  for (const button of document.querySelectorAll("[data-menu-toggle]")) {
    button.setAttribute("aria-expanded", String(isWhole));
  }
}

function toggle() {
  if (stays.matches) {
    page.dataset.menu = page.dataset.menu === "icons" ? "whole" : "icons";
    localStorage.setItem(KEY, page.dataset.menu);
  } else if ("menuOpen" in page.dataset) {
    delete page.dataset.menuOpen;
    document.querySelector("header [data-menu-toggle], #header-inner [data-menu-toggle]")?.focus();
  } else {
    page.dataset.menuOpen = "";
    document.querySelector("#nav-sidebar a")?.focus();
  }
  sayState();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-menu-toggle]")) {
    toggle();
  } else if ("menuOpen" in page.dataset && !event.target.closest("#nav-sidebar")) {
    toggle();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && "menuOpen" in page.dataset) {
    toggle();
  }
});
stays.addEventListener("change", () => {
  delete page.dataset.menuOpen;
  sayState();
});
document.addEventListener("DOMContentLoaded", () => {
  sayState();
  for (const link of document.querySelectorAll("#nav-sidebar-apps a")) {
    link.title = link.querySelector("span:not([class])")?.textContent.trim() ?? "";
  }
  document.querySelector("#nav-sidebar-apps a.active")?.scrollIntoView({ block: "nearest" });
});
