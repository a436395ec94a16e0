// The keyboard, driven by attributes:
//   data-list on a list, data-row on its rows: j and k move, Enter presses the row's [data-primary] (or its first link)
//   data-select on a row's box: x; data-search on a field: /
//   data-opens="ID" beside a data-key: unfolds the <details> around the field with that id, and goes there
//   data-key="a", "Shift+a" or "g i" on a link, button, field or summary: pressed or focused. What stands in the
//   current row is found first, then a [data-panel], then the rest of the page.
// The current row gets "baton:row", which htmx can take as a trigger to fetch its panel.

const SEQUENCE_MS = 1200;
// Keys that mean another one where the page gives them no meaning of their own.
const ALIASES = { u: "z" };
const TELL_MS = 120;
const PANEL_BESIDE_PX = 1100;
let prefix = "";
let prefixTimer = 0;

const isTyping = (element) =>
  element?.isContentEditable ||
  element?.matches?.("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");

const isShown = (element) => element.checkVisibility?.() ?? element.getClientRects().length > 0;

function keyOf(event) {
  // On a Cyrillic keyboard the letter is taken from the place of the key.
  const isForeign = event.key.length === 1 && event.key.charCodeAt(0) > 127 && event.code.startsWith("Key");
  return isForeign ? event.code.slice(3).toLowerCase() : event.key;
}

const rowsOf = (list) => [...list.querySelectorAll("[data-row]")].filter(isShown);

function currentRow() {
  return document.activeElement?.closest?.("[data-row]") ?? document.querySelector("[data-row][data-current]");
}

function currentList() {
  return currentRow()?.closest("[data-list]") ?? [...document.querySelectorAll("[data-list]")].find(isShown);
}

function makeCurrent(row, { focus = true, tell = true } = {}) {
  const list = row.closest("[data-list]");
  for (const other of list.querySelectorAll("[data-row]")) {
    const isThis = other === row;
    other.toggleAttribute("data-current", isThis);
    other.tabIndex = isThis ? 0 : -1;
  }
  if (focus) {
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  if (tell) tellSoon(list);
}

// Running through a list must not fetch a panel for every row passed; the row may have been replaced meanwhile.
let tellTimer = 0;

function tellSoon(list) {
  const key = list.querySelector("[data-row][data-current]")?.dataset.row;
  clearTimeout(tellTimer);
  tellTimer = setTimeout(() => {
    const row = document.querySelector(`[data-row="${CSS.escape(key)}"][data-current]`);
    row?.dispatchEvent(new CustomEvent("baton:row", { bubbles: true }));
  }, TELL_MS);
}

function move(step) {
  const list = currentList();
  if (!list) return false;
  const rows = rowsOf(list);
  if (!rows.length) return false;
  const at = rows.indexOf(currentRow());
  makeCurrent(rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)]);
  return true;
}

function press(element) {
  if (element.matches("input, select, textarea") && !element.matches("[type=submit], [type=button], [type=checkbox], [type=radio]")) {
    element.focus();
    return;
  }
  const opened = element.dataset.opens && document.getElementById(element.dataset.opens);
  if (opened) {
    opened.closest("details").open = true;
    opened.focus();
    return;
  }
  const details = element.matches("summary") ? element.parentElement : null;
  element.click();
  if (details?.open) (details.querySelector("[autofocus]") ?? details.querySelector("input:not([type=hidden]), select, textarea, button, a[href]"))?.focus();
}

function find(key) {
  const selector = `[data-key="${CSS.escape(key)}"]`;
  const places = [currentRow(), ...document.querySelectorAll("[data-panel]"), document.body];
  const row = currentRow();
  // A key never acts on a row other than the current one.
  const isAllowed = (item) => isShown(item) && !item.disabled && [null, row].includes(item.closest("[data-row]"));
  for (const place of places) {
    const found = place ? [...place.querySelectorAll(selector)].filter(isAllowed) : [];
    // Of several toasts the latest: what was just done is what is taken back.
    if (found.length) return found.findLast((item) => item.closest("[data-toast]")) ?? found[0];
  }
  return null;
}

function pressRow(row) {
  const link = row.querySelector("[data-primary]") ?? row.querySelector("a[href], button");
  if (link) press(link);
  return Boolean(link);
}

function act(key) {
  if (key === "Enter") {
    const focused = document.activeElement;
    if (focused?.matches("a, button, summary, input, select")) return false;
    if (focused?.matches("[data-row]")) return pressRow(focused);
  }
  const found = find(key) ?? (ALIASES[key] ? find(ALIASES[key]) : null);
  if (found) {
    press(found);
    return true;
  }
  const row = currentRow();
  switch (key) {
    case "j":
    case "ArrowDown":
      return key === "j" || document.activeElement?.matches("[data-row]") ? move(1) : false;
    case "k":
    case "ArrowUp":
      return key === "k" || document.activeElement?.matches("[data-row]") ? move(-1) : false;
    case "x": {
      const box = row?.querySelector("[data-select]");
      box?.click();
      return Boolean(box);
    }
    case "/": {
      const field = [...document.querySelectorAll("[data-search]")].find(isShown);
      field?.focus();
      field?.select();
      return Boolean(field);
    }
    case "?":
      return showHelp();
    default:
      return false;
  }
}

function showHelp() {
  const dialog = document.getElementById("keys-dialog");
  if (!dialog || dialog.open) return false;
  const list = dialog.querySelector("[data-key-list]");
  for (const old of list.querySelectorAll("[data-key-found]")) old.remove();
  const has = { list: "[data-list]", select: "[data-select]", search: "[data-search]" };
  for (const item of list.querySelectorAll("[data-key-for]")) item.hidden = !document.querySelector(has[item.dataset.keyFor]);
  const found = new Map();
  for (const element of document.querySelectorAll("[data-key]")) {
    if (found.has(element.dataset.key) || !isShown(element)) continue;
    const text = element.dataset.keyLabel || element.getAttribute("aria-label") || wordsOf(element);
    if (text) found.set(element.dataset.key, text);
  }
  for (const [key, text] of found) {
    const item = document.createElement("li");
    item.dataset.keyFound = "";
    const word = document.createElement("span");
    word.textContent = text;
    const keys = document.createElement("span");
    for (const part of key.split(/[ +]/)) {
      const shown = document.createElement("kbd");
      shown.textContent = part;
      keys.append(shown, " ");
    }
    item.append(word, keys);
    list.append(item);
  }
  dialog.showModal();
  return true;
}

function wordsOf(element) {
  const copy = element.cloneNode(true);
  for (const key of copy.querySelectorAll("kbd, .unseen")) key.remove();
  return copy.textContent.trim();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape") {
    if (isTyping(document.activeElement)) document.activeElement.blur();
    return;
  }
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const key = keyOf(event);
  if (key === "Shift" || key === "Tab") return;
  const isLetter = /^[a-z]$/i.test(key);
  const named = event.shiftKey && isLetter ? `Shift+${key.toLowerCase()}` : key;
  const whole = prefix ? `${prefix} ${named}` : named;
  clearTimeout(prefixTimer);
  const wasSequence = Boolean(prefix);
  prefix = "";
  if (!wasSequence && isLetter && document.querySelector(`[data-key^="${CSS.escape(named)} "]`) && !find(named)) {
    prefix = named;
    prefixTimer = setTimeout(() => (prefix = ""), SEQUENCE_MS);
    event.preventDefault();
    return;
  }
  if (act(whole)) event.preventDefault();
});

// A click or the focus within a row makes it the current one, without taking the focus from what was meant.
for (const type of ["click", "focusin"]) {
  document.addEventListener(type, (event) => {
    const row = event.target.closest?.("[data-list] [data-row]");
    if (!row || row.hasAttribute("data-current")) return;
    // Who ticks a box or presses a button in a row on a narrow page does not want its panel over the list.
    const isControl = event.target.closest("a, button, input, label, select, summary") !== null;
    makeCurrent(row, { focus: false, tell: !isControl || window.innerWidth > PANEL_BESIDE_PX });
  });
}

function prepare() {
  for (const list of document.querySelectorAll("[data-list]")) {
    const rows = list.querySelectorAll("[data-row]");
    const current = list.querySelector("[data-row][data-current]") ?? rows[0];
    for (const row of rows) row.tabIndex = row === current ? 0 : -1;
  }
}

prepare();
document.addEventListener("htmx:afterSettle", prepare);
