// Lists leave columns out where they are narrow, the least important first, in place of being cut: as many as need be,
// whatever the rows contain. A row's page has all of them. Lists that are not named here lose their last columns
// first. Columns that the reader has added stay.
const LEAST_IMPORTANT_FIRST = {
  account: ["name", "joined", "credit_limit", "last_order", "spent", "orders", "spent_recently", "last_seen"],
  cancelrequest: ["response", "settled", "remains", "created", "account", "order_status"],
  customrate: ["id", "service_rate", "account"],
  impersonation: ["address", "ended", "why", "staff"],
  key: ["networks_shown", "created", "name", "scope", "used", "account"],
  manualpayment: ["why", "reference", "decider", "made", "requested_by", "id", "kind_shown"],
  order: ["dispatch_shown", "remains_shown", "start_count_shown", "short_link", "created", "quantity_shown", "account"],
  providerservice: ["flags", "type", "category", "standing", "limits", "provider", "cost_shown"],
  refill: ["response", "changed", "account", "created"],
  service: [
    "flags",
    "fulfilment",
    "type",
    "category",
    "cost",
    "margin",
    "quarantined",
    "min",
    "max",
    "id",
    "is_active",
    "rate",
  ],
  stuckorder: ["short_link", "sold", "dispatch_shown", "done", "usually", "status_shown", "age"],
  transfer: ["note", "actor", "order_id", "left", "payer", "payee", "id"],
  upstreamorder: ["asked", "quantity_shown", "sold", "short_link", "why", "provider"],
};
const KEPT = 2; // the box to tick, and what leads to the row's page

function heads(table) {
  return [...(table.tHead?.rows[0]?.cells ?? [])];
}

function leaveOut(table, index, isOut) {
  for (const row of table.rows) {
    row.cells[index]?.classList.toggle("tp-left-out", isOut);
  }
}

function indexesOf(table) {
  const names = heads(table).map((head) => /column-(\w+)/.exec(head.className)?.[1]);
  const model = Object.keys(LEAST_IMPORTANT_FIRST).find((name) => document.body.classList.contains(`model-${name}`));
  const ordered = (LEAST_IMPORTANT_FIRST[model] ?? []).map((name) => names.indexOf(name)).filter((index) => index > 0);
  const others = model ? [] : names.map((_, index) => index).slice(KEPT);
  return [...ordered, ...others.reverse()];
}

function fit(box) {
  const table = box.querySelector("#result_list");
  heads(table).forEach((_, index) => leaveOut(table, index, false));
  for (const index of indexesOf(table)) {
    if (box.scrollWidth <= box.clientWidth) {
      return;
    }
    leaveOut(table, index, true);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector("#result_list")?.closest(".overflow-x-auto");
  if (box) {
    let width = 0;
    new ResizeObserver(() => {
      if (box.clientWidth !== width) {
        width = box.clientWidth;
        fit(box);
      }
    }).observe(box);
    document.addEventListener("htmx:afterSettle", () => fit(box));
    document.fonts.ready.then(() => fit(box));
  }
});
