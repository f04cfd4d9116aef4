// Orders: copy the ticked ids, all ids on the page, or the text of a field to the clipboard.
"use strict";

const COPIED_MS = 2000;

function shownIds() {
  const boxes = [...document.querySelectorAll("#result_list input.action-select")];
  const ticked = boxes.filter((box) => box.checked);
  return (ticked.length ? ticked : boxes).map((box) => box.value);
}

async function copy(button, copied, told) {
  await navigator.clipboard.writeText(copied);
  const text = button.lastElementChild;
  const was = text.dataset.was ?? text.textContent;
  text.dataset.was = was;
  text.textContent = told;
  setTimeout(() => {
    text.textContent = was;
  }, COPIED_MS);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-ids]");
  if (button) {
    const ids = shownIds();
    await copy(button, ids.join(", "), `${ids.length} copied`);
  }
  const field = event.target.closest("[data-copy-field]");
  if (field) await copy(field, document.getElementById(field.dataset.copyField).value, "Copied");
  const unticks = event.target.closest("[data-unticks]");
  if (unticks)
    unticks.form.querySelectorAll("[name=columns]").forEach((box) => {
      box.checked = false;
    });
});
