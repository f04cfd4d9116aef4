// The console: a form for each action. The page sends it to the API as any program would.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("call");
  const action = document.getElementById("action");
  const fields = document.getElementById("parameters");

  function field(name) {
    const box = document.createElement("div");
    box.className = "field";
    const label = document.createElement("label");
    label.className = "form-label";
    label.textContent = label.htmlFor = name;
    const input = document.createElement("input");
    input.className = "form-control";
    input.id = input.name = name;
    input.autocomplete = "off";
    box.append(label, input);
    return box;
  }

  function showFields() {
    const names = action.selectedOptions[0].dataset.parameters.split(" ").filter(Boolean);
    fields.replaceChildren(...names.map(field));
  }

  function parameters() {
    const found = new URLSearchParams();
    for (const input of form.querySelectorAll("input, select"))
      if (input.value.trim()) found.set(input.name, input.value.trim());
    for (const line of document.getElementById("more").value.split("\n")) {
      const [name, ...value] = line.split("=");
      if (name.trim() && value.length) found.append(name.trim(), value.join("="));
    }
    return found;
  }

  function curl(found) {
    const quoted = [...found].map(
      ([name, value]) => `-d '${name}=${(name === "key" ? "YOUR_KEY" : value).replaceAll("'", "'\\''")}'`,
    );
    return [`curl ${form.dataset.url}`, ...quoted].join(" \\\n  ");
  }

  async function call() {
    const found = parameters();
    document.getElementById("curl").textContent = curl(found);
    const shown = document.getElementById("answer");
    try {
      const answer = await fetch("/api/v2", { method: "POST", body: found, credentials: "omit" });
      const text = await answer.text();
      try {
        shown.textContent = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        shown.textContent = `${answer.status} ${text}`;
      }
    } catch (error) {
      shown.textContent = String(error);
    }
  }

  action.addEventListener("change", showFields);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    call();
  });
  showFields();
});
