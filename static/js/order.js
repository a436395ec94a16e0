// Rows that are put in order by dragging their grip. A row bears data-place with the form that moves it by so many
// places ("by"); its buttons do the same one place at a time, by hand or by key.

const placesOf = (row) => [...row.parentElement.querySelectorAll(":scope > [data-place]")];

let dragged = null;
let aim = null;

function show(row, isAfter) {
  aim?.row.classList.remove("is-drop-before", "is-drop-after");
  aim = row && { row, isAfter };
  row?.classList.add(isAfter ? "is-drop-after" : "is-drop-before");
}

function rest() {
  show(null);
  dragged?.classList.remove("is-dragged");
  dragged = null;
}

document.addEventListener("dragstart", (event) => {
  const row = event.target.closest?.("[data-grip]")?.closest("[data-place]");
  if (!row) return;
  dragged = row;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", row.id);
  event.dataTransfer.setDragImage(row, 0, row.offsetHeight / 2);
  row.classList.add("is-dragged");
});

document.addEventListener("dragover", (event) => {
  const row = dragged && event.target.closest?.("[data-place]");
  if (row?.parentElement !== dragged?.parentElement) return show(null);
  if (!row) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "move";
  const { top, height } = row.getBoundingClientRect();
  show(row, event.clientY > top + height / 2);
});

document.addEventListener("drop", (event) => {
  if (!dragged || !aim) return;
  event.preventDefault();
  const rows = placesOf(dragged);
  const from = rows.indexOf(dragged);
  const gap = rows.indexOf(aim.row) + (aim.isAfter ? 1 : 0);
  const by = gap - from - (gap > from ? 1 : 0);
  const form = dragged.querySelector("form[data-order]");
  rest();
  if (!by || !form) return;
  const places = Object.assign(document.createElement("input"), { type: "hidden", name: "by", value: by });
  form.append(places);
  form.requestSubmit();
  places.remove();
});

document.addEventListener("dragend", rest);
