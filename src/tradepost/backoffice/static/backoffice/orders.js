// The list of orders: copy the ticked ids, or all ids on the page, to the clipboard.
"use strict";

const COPIED_MS = 2000;

function shownIds() {
  const boxes = [...document.querySelectorAll("#result_list input.action-select")];
  const ticked = boxes.filter((box) => box.checked);
  return (ticked.length ? ticked : boxes).map((box) => box.value);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-ids]");
  if (button) {
    const ids = shownIds();
    await navigator.clipboard.writeText(ids.join(", "));
    const text = button.lastElementChild;
    const was = text.dataset.was ?? text.textContent;
    text.dataset.was = was;
    text.textContent = `${ids.length} copied`;
    setTimeout(() => {
      text.textContent = was;
    }, COPIED_MS);
  }
  const unticks = event.target.closest("[data-unticks]");
  if (unticks)
    unticks.form.querySelectorAll("[name=columns]").forEach((box) => {
      box.checked = false;
    });
});
