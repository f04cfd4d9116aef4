// What pages do beyond HTML and htmx: toasts, copying, confirmation, keyboard shortcuts, each form sent once.
"use strict";

const TOAST_MS = 6000;

// Pages write times in the browser's time zone until the account has one of its own (accounts/time_zones.py).
const SECURE = location.protocol === "https:" ? "; secure" : "";
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
document.cookie = `timezone=${ZONE}; path=/; max-age=31536000; samesite=lax${SECURE}`;

function dismissLater(toast) {
  setTimeout(() => toast.remove(), TOAST_MS);
}

function toast(text, kind = "") {
  const note = document.createElement("div");
  note.className = `toast-note ${kind}`;
  note.textContent = text;
  document.getElementById("toasts").append(note);
  dismissLater(note);
}

// Browsers have no clipboard API on pages without TLS: there the text is selected and copied, as a user would.
async function copyText(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "visually-hidden";
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}

document.addEventListener("click", async (event) => {
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) dismiss.parentElement.remove();
  const copy = event.target.closest("[data-copy], [data-copy-text]");
  if (copy) {
    await copyText(copy.dataset.copyText ?? document.getElementById(copy.dataset.copy).textContent.trim());
    toast(copy.dataset.copied);
  }
  if (event.target.closest("[data-print]")) print();
  const opened = document.querySelector("details.more[open]");
  if (opened && !opened.contains(event.target)) opened.open = false;
});

// A form with data-confirm, or whose button has it, is sent after the user has confirmed.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    const asked = event.submitter?.dataset.confirm ? event.submitter : form;
    if (asked.dataset.confirm && !form.dataset.confirmed) {
      event.preventDefault();
      askBack(form, asked);
      return;
    }
    if (form.method === "post" && !form.hasAttribute("hx-post")) {
      const button = event.submitter ?? form.querySelector("[type=submit]");
      if (button)
        setTimeout(() => {
          button.disabled = true;
        }, 0);
    }
  },
  true,
);

function askBack(form, asked) {
  const dialog = document.createElement("dialog");
  const text = document.createElement("p");
  text.textContent = asked.dataset.confirm;
  const doing = document.createElement("div");
  doing.className = "doing";
  doing.append(button(asked.dataset.no, "btn btn-quiet", () => dialog.close()));
  doing.append(
    button(asked.dataset.yes, "btn btn-primary", () => {
      form.dataset.confirmed = "yes";
      if (asked !== form) form.append(hidden(asked.name, asked.value), hidden("confirmed", "1"));
      dialog.close();
      form.requestSubmit();
    }),
  );
  dialog.append(text, doing);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// The list may have been loaded again while the user was asked: then the button is not there any more.
function hidden(name, value) {
  const made = document.createElement("input");
  made.type = "hidden";
  made.name = name;
  made.value = value;
  made.dataset.once = "";
  return made;
}

function button(text, className, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = text;
  made.addEventListener("click", onClick);
  return made;
}

// «/» goes to the page's search and «n» to a new order, unless the user is typing.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const search = document.querySelector("[data-search]");
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "n" && document.querySelector(".order-now")) {
    location.assign(document.querySelector(".order-now").href);
  }
});

// Show how many lines a list has: each line is one comment or one name. Lines are counted as the server counts them
// (engine/order_texts.py).
const LINE_END = /\r\n|[\n\r]/;
const WRITTEN_LINE_END = /(?:\\{1,4}r)?\\{1,4}n/;
const INVISIBLE = [
  String.raw`\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f`,
  String.raw`\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffd`,
  String.raw`\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}`,
];
const VISIBLE = new RegExp(`[^${INVISIBLE.join("")}]`, "u");

function countLines(output) {
  const split = (text, end) => text.split(end).filter((line) => VISIBLE.test(line));
  const lines = split(document.getElementById(output.dataset.lines).value, LINE_END);
  output.textContent = (lines.length === 1 ? split(lines[0], WRITTEN_LINE_END) : lines).length || "";
}

document.addEventListener("input", (event) => {
  const output = event.target.id && document.querySelector(`[data-lines="${event.target.id}"]`);
  if (output) countLines(output);
});

document.addEventListener("htmx:responseError", () => toast(document.documentElement.dataset.failed, "error"));
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".toast-note").forEach(dismissLater);
  document.querySelectorAll("[data-lines]").forEach(countLines);
  document
    .querySelectorAll("[data-goes-up]")
    .forEach((select) => select.addEventListener("change", () => select.form.requestSubmit()));
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.querySelectorAll("form [type=submit]:disabled").forEach((each) => {
    each.disabled = false;
  });
  document.querySelectorAll("[data-once]").forEach((each) => {
    delete each.form.dataset.confirmed;
    each.remove();
  });
});
