// Several rows at once. Boxes carry data-select and form="ID"; the bar carries data-selection="ID".
// The bar shows itself once something is selected, counts, and tells htmx by "baton:selection".

const barFor = (box) => document.querySelector(`[data-selection="${CSS.escape(box.form?.id ?? "")}"]`);
const boxesOf = (bar) => [...document.querySelectorAll("[data-select]")].filter((box) => box.form?.id === bar.dataset.selection);

let last = null;

function show(bar) {
  const boxes = boxesOf(bar);
  const count = boxes.filter((box) => box.checked).length;
  bar.hidden = count === 0;
  for (const place of bar.querySelectorAll("[data-selection-count]")) place.textContent = count;
  for (const all of document.querySelectorAll("[data-select-all]")) {
    if (all.form?.id !== bar.dataset.selection) continue;
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  }
  if (String(count) !== bar.dataset.selected) {
    const isFirst = bar.dataset.selected === undefined;
    bar.dataset.selected = count;
    if (!isFirst) bar.dispatchEvent(new CustomEvent("baton:selection", { bubbles: true, detail: { count } }));
  }
}

function showAll() {
  for (const bar of document.querySelectorAll("[data-selection]")) show(bar);
}

function clear(bar) {
  for (const box of boxesOf(bar)) box.checked = false;
  show(bar);
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("[data-select]");
  const bar = box && barFor(box);
  if (bar) {
    const boxes = boxesOf(bar);
    if (event.shiftKey && last && boxes.includes(last)) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
    }
    last = box;
    show(bar);
    return;
  }
  const all = event.target.closest?.("[data-select-all]");
  const ofAll = all && barFor(all);
  if (ofAll) {
    for (const each of boxesOf(ofAll)) each.checked = all.checked;
    show(ofAll);
    return;
  }
  const button = event.target.closest?.("[data-selection-clear]");
  if (button) clear(button.closest("[data-selection]"));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || event.target.matches?.("input:not([type=checkbox]), textarea, select")) return;
  if (document.querySelector("dialog[open], details[data-menu][open], .menu[open]")) return;
  for (const bar of document.querySelectorAll("[data-selection]:not([hidden])")) clear(bar);
});

showAll();
document.addEventListener("htmx:afterSettle", showAll);
window.addEventListener("pageshow", showAll);
