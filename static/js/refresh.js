// What htmx brings must not disturb: focus, scroll, selection and the row under the eye stay, new rows are announced.
//   data-refresh on a region that htmx replaces regularly; its rows carry data-row="ID"
//   data-new-rows inside or before it: the place for "2 new"; its data-one and data-many are the words
//   data-hold="#region" on a button: "Hold still" stops the refreshing

const announcer = document.getElementById("announcer");
const held = new WeakMap();

document.addEventListener("baton:say", (event) => say(event.detail));

function say(text) {
  if (!announcer) return;
  announcer.textContent = "";
  requestAnimationFrame(() => (announcer.textContent = text));
}

const regionOf = (element) => element?.closest?.("[data-refresh]") ?? null;
const rowKey = (row) => row.dataset.row;
// What unfolds, by its own id, else by the card it stands in and its place there.
function disclosuresIn(region) {
  const found = new Map();
  for (const details of region.querySelectorAll("details.disclosure")) {
    const card = details.closest("section[aria-labelledby]")?.getAttribute("aria-labelledby") ?? "";
    let place = 0;
    while (found.has(details.id || `${card} ${place}`)) place += 1;
    found.set(details.id || `${card} ${place}`, details);
  }
  return found;
}
// What a person may be reading: rows, and the headings of cards.
const landmarksIn = (region) => [...region.querySelectorAll("[data-row], h2[id]")];
const landmarkKey = (element) => (element.dataset.row ? `[data-row="${CSS.escape(element.dataset.row)}"]` : `#${CSS.escape(element.id)}`);

function pathTo(element, region) {
  if (!element || !region.contains(element)) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  const row = element.closest("[data-row]");
  const inRow = row ? `[data-row="${CSS.escape(rowKey(row))}"]` : "";
  if (element === row) return inRow;
  for (const name of ["data-key", "name", "href", "action"]) {
    if (element.hasAttribute(name)) return `${inRow} [${name}="${CSS.escape(element.getAttribute(name))}"]`;
  }
  if (!element.matches("summary")) return inRow || null;
  const card = element.closest("section[aria-labelledby]")?.getAttribute("aria-labelledby");
  const place = element.parentElement.id ? `#${CSS.escape(element.parentElement.id)}` : inRow || (card && `[aria-labelledby="${CSS.escape(card)}"]`);
  return place ? `${place} summary` : null;
}

function hasSelection(region) {
  const selection = document.getSelection();
  return Boolean(selection && !selection.isCollapsed && region.contains(selection.anchorNode));
}

const isBusy = (region) =>
  region.hasAttribute("data-held") ||
  hasSelection(region) ||
  region.querySelector("details.menu[open]") ||
  region.contains(document.activeElement) && document.activeElement.matches("textarea, select, input:not([type=checkbox], [type=radio])");

document.addEventListener("htmx:beforeRequest", (event) => {
  // Only what comes by itself waits; what a person asked for does not.
  if (event.target.hasAttribute?.("data-refresh") && isBusy(event.target)) event.preventDefault();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const region = regionOf(event.detail.target);
  if (!region) return;
  const rows = [...region.querySelectorAll("[data-row]")];
  const focused = document.activeElement;
  const inView = landmarksIn(region).find((element) => element.getBoundingClientRect().top >= 0);
  const anchor = (region.contains(focused) ? focused.closest("[data-row]") : null) ?? region.querySelector("[data-row][data-current]") ?? inView;
  held.set(document.body, {
    region: region.id,
    keys: new Set(rows.map(rowKey)),
    order: rows.map(rowKey),
    wasInside: region.contains(focused),
    hadRows: rows.length > 0,
    focus: pathTo(focused, region),
    current: rowKey(region.querySelector("[data-row][data-current]") ?? { dataset: {} }),
    selected: new Set([...region.querySelectorAll("[data-select]:checked")].map((box) => box.value)),
    unfolded: new Map([...disclosuresIn(region)].map(([key, details]) => [key, details.open])),
    anchor: anchor ? landmarkKey(anchor) : null,
    top: anchor ? anchor.getBoundingClientRect().top : 0,
  });
});

document.addEventListener("htmx:afterSwap", () => {
  const before = held.get(document.body);
  held.delete(document.body);
  const region = before && document.getElementById(before.region);
  if (!region) return;
  const find = (key) => (key ? region.querySelector(`[data-row="${CSS.escape(key)}"]`) : null);
  for (const box of region.querySelectorAll("[data-select]")) box.checked = before.selected.has(box.value);
  const current = find(before.current) ?? find(following(before, region));
  current?.setAttribute("data-current", "");
  for (const [key, details] of disclosuresIn(region)) details.open = before.unfolded.get(key) ?? details.open;
  const focused = before.focus && region.querySelector(before.focus);
  if (focused) {
    if (focused.matches("[data-row]")) focused.tabIndex = 0;
    focused.focus({ preventScroll: true });
  } else if (before.wasInside && current) {
    current.tabIndex = 0;
    current.focus({ preventScroll: true });
  }
  announceNew(region, before);
  const anchor = before.anchor && region.querySelector(before.anchor);
  if (anchor) window.scrollBy({ top: anchor.getBoundingClientRect().top - before.top, behavior: "instant" });
});

// Whose turn it is when the current row is done: the next one that is still there, else the last before it.
function following({ order, current }, region) {
  const at = order.indexOf(current);
  const isThere = (key) => region.querySelector(`[data-row="${CSS.escape(key)}"]`);
  return at < 0 ? null : order.slice(at + 1).find(isThere) ?? order.slice(0, at).reverse().find(isThere) ?? null;
}

function announceNew(region, before) {
  const fresh = [...region.querySelectorAll("[data-row]")].filter((row) => !before.keys.has(rowKey(row)));
  if (!fresh.length || !before.hadRows) return;
  for (const row of fresh) row.classList.add("is-new");
  const place = region.querySelector("[data-new-rows]") ?? document.querySelector(`[data-new-rows="${region.id}"]`);
  if (!place) return;
  const pattern = fresh.length === 1 ? place.dataset.one : place.dataset.many;
  const text = (pattern ?? "").replace("%(count)s", fresh.length);
  place.textContent = text;
  place.hidden = false;
  say(text);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-hold]");
  if (!button) return;
  const region = document.querySelector(button.dataset.hold);
  const isHeld = region?.toggleAttribute("data-held") ?? false;
  button.setAttribute("aria-pressed", String(isHeld));
});

// What failed is said in place; what was there and what was typed stays.
function showFailure(event) {
  const { elt, target, requestConfig } = event.detail;
  const template = document.getElementById("failure");
  // A refresh that fails comes again by itself; only repeated failures would be news, and the clocks count on.
  if (!template || elt?.hasAttribute?.("data-refresh")) return;
  const place = target ?? elt;
  document.querySelector("[data-failure]")?.remove();
  const notice = template.content.firstElementChild.cloneNode(true);
  notice.dataset.failure = "";
  notice.querySelector("[data-try-again]").addEventListener("click", () => {
    notice.remove();
    const trigger = requestConfig?.triggeringEvent;
    if (elt.matches("form")) elt.requestSubmit();
    else if (trigger?.type) elt.dispatchEvent(new Event(trigger.type, { bubbles: true, cancelable: true }));
  });
  const table = place.closest("table");
  (table ?? place).before(notice);
  say(notice.querySelector("p").textContent);
}

document.addEventListener("htmx:responseError", showFailure);
document.addEventListener("htmx:sendError", showFailure);
document.addEventListener("htmx:timeout", showFailure);
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!event.target.hasAttribute?.("data-refresh")) document.querySelector("[data-failure]")?.remove();
});
