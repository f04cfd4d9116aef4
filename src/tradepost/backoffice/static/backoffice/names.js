// Names for what other people's scripts draw: the boxes of select2, and the signs beside lists of choices.
function nameOf(select) {
  return select.ariaLabel ?? select.labels?.[0]?.textContent.replace("*", "").trim() ?? "Choice";
}

function nameAll() {
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    for (const part of select.parentElement.querySelectorAll(
      ".select2-selection, .select2-selection__rendered, .select2-search__field",
    )) {
      part.setAttribute("aria-label", nameOf(select));
    }
  }
  for (const sign of document.querySelectorAll("span.help-tooltip[aria-label]")) {
    sign.setAttribute("role", "img");
  }
}

addEventListener("load", () => {
  nameAll();
  new MutationObserver(nameAll).observe(document.body, { childList: true, subtree: true });
});
