// Ordering and the list of orders: the list of services, mistakes of fields, ticked orders, lines of a mass order.
"use strict";

// The services are one stop of the Tab key. The arrow keys, Home and End move among them, and from the search to them.
function stopAt(link) {
  for (const each of document.querySelectorAll("#found .pick > :is(a, button)"))
    each.tabIndex = each.parentElement === link.parentElement ? 0 : -1;
}

function stopAtOneService() {
  const focused = document.activeElement.closest("#found .pick")?.querySelector("a");
  const link =
    focused ?? document.querySelector("#found .pick.chosen > a") ?? document.querySelector("#found .pick > a");
  if (link) stopAt(link);
}

function showChosenService() {
  const found = document.getElementById("found");
  const chosen = found?.querySelector(".pick.chosen");
  if (!chosen) return;
  const heading = found.querySelector("h3")?.offsetHeight ?? 0; // headings stay on top of the list
  found.scrollTop += chosen.getBoundingClientRect().top - found.getBoundingClientRect().top - heading;
}

function nextStop(key, stops, at) {
  if (key === "Home") return stops[1];
  if (key === "End") return stops.at(-1);
  return stops[at + (key === "ArrowDown" ? 1 : -1)];
}

document.addEventListener("keydown", (event) => {
  const picker = event.target.closest(".picker");
  const isSearch = event.target.matches("[data-search]");
  const keys = isSearch ? ["ArrowDown"] : ["ArrowDown", "ArrowUp", "Home", "End"];
  if (!picker || event.target.matches("select") || !keys.includes(event.key)) return;
  const stops = [picker.querySelector("[data-search]"), ...picker.querySelectorAll(".pick > a")];
  const at = stops.indexOf(event.target.closest(".pick")?.querySelector("a") ?? event.target);
  const next = nextStop(event.key, stops, at);
  if (next) {
    event.preventDefault();
    next.focus();
  }
});

document.addEventListener("focusin", (event) => {
  const pick = event.target.closest("#found .pick");
  if (pick) stopAt(pick.querySelector("a"));
});

// The chosen service stays marked. The list itself is not loaded again.
document.addEventListener("click", (event) => {
  const picked = event.target.closest(".pick > a");
  if (!picked) return;
  for (const each of document.querySelectorAll("#found .chosen")) {
    each.classList.remove("chosen");
    each.querySelector("a").removeAttribute("aria-current");
  }
  picked.parentElement.classList.add("chosen");
  picked.setAttribute("aria-current", "true");
});

// A search marks the chosen service again.
document.addEventListener("htmx:configRequest", (event) => {
  const chosen = document.querySelector("#order-form [name=service]");
  if (chosen && event.target.matches(".picker > form")) event.detail.parameters.service = chosen.value;
});

// The server sends the sentences below the fields. Screen readers need to know which fields they are about.
function markWrongFields() {
  const mistakes = [...document.querySelectorAll("#order-form .mistake[id^=mistake_]")];
  for (const mistake of mistakes) {
    const input = document.getElementById(mistake.id.replace("mistake_", "id_"));
    const isWrong = mistake.textContent.trim() !== "";
    input.classList.toggle("is-invalid", isWrong);
    if (isWrong) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  const summary = document.getElementById("mistakes");
  if (summary && mistakes.every((mistake) => mistake.textContent.trim() === "")) summary.remove();
}

// Ticked orders.
const ticks = () => [...document.querySelectorAll("#rows .tick")];

function countTicked() {
  const all = document.querySelector("[data-tick-all]");
  if (!all) return;
  const ids = ticks()
    .filter((tick) => tick.checked)
    .map((tick) => tick.value);
  const count = ids.length;
  document.querySelector("[data-ticked]").textContent = count;
  document.getElementById("copy-ids").dataset.copyText = ids.join("\n");
  all.checked = count > 0 && count === ticks().length;
  all.indeterminate = count > 0 && !all.checked;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]"))
    ticks().forEach((tick) => {
      tick.checked = event.target.checked;
    });
  if (event.target.matches("[data-tick-all], .tick")) countTicked();
});

// Numbers beside the lines of a mass order, the wrong lines marked until the text is changed.
function numberLines(box) {
  const wrong = box.dataset.wrong?.split(" ") ?? [];
  const numbers = document.createElement("ol");
  numbers.className = "line-numbers";
  numbers.ariaHidden = "true";
  box.parentElement.prepend(numbers);
  const draw = () => {
    const count = Math.max(box.value.split("\n").length, box.rows);
    numbers.replaceChildren(
      ...Array.from({ length: count }, (_each, index) => {
        const item = document.createElement("li");
        item.textContent = index + 1;
        if (wrong.includes(String(index + 1))) item.className = "bad";
        return item;
      }),
    );
    numbers.scrollTop = box.scrollTop;
  };
  box.addEventListener("input", () => {
    wrong.length = 0;
    draw();
  });
  box.addEventListener("scroll", () => {
    numbers.scrollTop = box.scrollTop;
  });
  draw();
}

document.addEventListener("DOMContentLoaded", () => {
  showChosenService();
  stopAtOneService();
  countTicked();
  document.querySelectorAll("[data-numbered]").forEach(numberLines);
});
document.addEventListener("htmx:oobAfterSwap", markWrongFields);
document.addEventListener("htmx:afterSettle", () => {
  stopAtOneService();
  countTicked();
});
window.addEventListener("pageshow", countTicked); // browsers remember ticks
