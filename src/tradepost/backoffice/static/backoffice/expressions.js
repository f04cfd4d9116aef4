// What the expressions in Unfold's templates may call. Alpine's build for strict security policies reads expressions
// without `eval`, and finds names only in data: not Unfold's own functions, nor the window.
"use strict";

document.addEventListener("alpine:init", () => {
  Alpine.data("theme", (chosen) => ({
    ...theme(chosen),
    getCurrentTab,
    sortRecords,
    moveRecords,
    // A form leads to its own address with the tab that is open.
    window: {
      location: {
        get pathname() {
          return location.pathname;
        },
        get search() {
          return location.search;
        },
      },
    },
  }));
  Alpine.data("searchCommand", searchCommand);
});
