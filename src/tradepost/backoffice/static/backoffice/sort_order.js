// Staff order rows with a pointer or with keys. The form sends the ids in their order; typed places are plain fields.
"use strict";

(() => {
  const EDGE_PX = 80; // nearer to an edge of the window than this, the page scrolls
  const SCROLL_PX = 14;
  const form = document.querySelector("[data-arranging]");
  const rows = form.querySelector("[data-rows]");
  const said = form.querySelector("[data-said]");
  const first = Number(rows.getAttribute("start"));
  let dragged = null;
  let origin = null; // the row that followed before the drag
  let target = null;
  let isChanged = false;

  const rowOf = (element) => element?.closest("[data-rows] > [data-id]");
  const nameOf = (row) => row.querySelector(".tp-row-name").title;

  function changed(row) {
    const all = [...rows.querySelectorAll("[data-id]")];
    form.elements.order.value = all.map((each) => each.dataset.id).join(",");
    all.forEach((each, index) => {
      each.querySelector(".tp-place").placeholder = first + index;
    });
    said.textContent = `${nameOf(row)}: now at ${first + all.indexOf(row)}. Not saved yet.`;
    isChanged = true;
  }

  function over(element) {
    target?.classList.remove("tp-over");
    target = element?.closest("[data-target]") ?? null;
    target?.classList.add("tp-over");
  }

  function moveTo(element, y) {
    const row = rowOf(element);
    if (!row || row === dragged) return;
    const box = row.getBoundingClientRect();
    row[y < box.top + box.height / 2 ? "before" : "after"](dragged);
  }

  function drop() {
    const row = dragged;
    dragged = null;
    row.classList.remove("tp-dragged");
    if (target) {
      rows.insertBefore(row, origin);
      row.querySelector("input[type=checkbox]").checked = true;
      form.elements.target.value = target.dataset.target;
      said.textContent = `${nameOf(row)} moves to ${target.textContent}. Not saved yet.`;
      isChanged = true;
      over(null);
    } else {
      changed(row);
    }
  }

  rows.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest(".tp-handle");
    if (!handle || event.button !== 0) return;
    dragged = rowOf(handle);
    origin = dragged.nextElementSibling;
    dragged.classList.add("tp-dragged");
  });
  // Listen on the document: a row that moves in the DOM loses its pointer capture.
  document.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    if (event.clientY < EDGE_PX) window.scrollBy(0, -SCROLL_PX);
    if (event.clientY > window.innerHeight - EDGE_PX) window.scrollBy(0, SCROLL_PX);
    const element = document.elementFromPoint(event.clientX, event.clientY);
    over(element);
    if (!target) moveTo(element, event.clientY);
  });
  document.addEventListener("pointerup", () => dragged && drop());
  document.addEventListener("pointercancel", () => dragged && drop());

  rows.addEventListener("keydown", (event) => {
    const row = event.target.closest(".tp-handle") && rowOf(event.target);
    const steps = { ArrowUp: ["previousElementSibling", "before"], ArrowDown: ["nextElementSibling", "after"] }[
      event.key
    ];
    if (!row || !event.altKey || !steps) return;
    event.preventDefault();
    const other = row[steps[0]];
    if (!other) return;
    other[steps[1]](row);
    event.target.focus();
    row.scrollIntoView({ block: "nearest" });
    changed(row);
  });

  form.addEventListener("input", () => {
    isChanged = true;
  });
  form.addEventListener("submit", () => {
    isChanged = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (isChanged) event.preventDefault();
  });
})();
