// Parts of a page that refresh themselves wait while nobody sees the page, and while the reader is at work in them:
// `data-refresh-unless` is a selector of what the reader would lose.
"use strict";

document.addEventListener("htmx:beforeRequest", (event) => {
  const unless = event.target.dataset.refreshUnless;
  if (unless && (document.hidden || document.querySelector(unless))) event.preventDefault();
});
