// Manual work without a mouse: each button and field has a key; j and k move through the rows.
"use strict";

function isTyping(target) {
  return target.matches("input, select, textarea");
}

function walk(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.indexOf(document.activeElement);
  (rows[at + step] ?? rows[0])?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "j" || event.key === "k") {
    walk(event.key === "j" ? 1 : -1);
    return;
  }
  const meant = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!meant) return;
  event.preventDefault();
  if (isTyping(meant)) meant.select();
  else meant.click();
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.asks;
  if (question && !window.confirm(question)) event.preventDefault();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-sends]")) event.target.form.requestSubmit();
});
