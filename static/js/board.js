// Dragging a card of a board onto a place with data-step presses the card's own button or link that leads there.

let dragged = null;

const columnAt = (event) => event.target.closest?.("[data-step]");
const buttonFor = (card, column) => card?.querySelector(`[data-to="${CSS.escape(column.dataset.step)}"]`);

document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.(".board-card[draggable]") ?? null;
  dragged?.classList.add("is-dragged");
});

document.addEventListener("dragover", (event) => {
  const column = columnAt(event);
  for (const other of document.querySelectorAll("[data-step].is-target")) {
    if (other !== column) other.classList.remove("is-target");
  }
  if (!dragged || !column || !buttonFor(dragged, column)) return;
  event.preventDefault();
  column.classList.add("is-target");
});

document.addEventListener("drop", (event) => {
  const column = columnAt(event);
  const button = column && dragged && buttonFor(dragged, column);
  if (!button) return;
  event.preventDefault();
  // So that the focus goes with the card.
  dragged.focus({ preventScroll: true });
  button.click();
});

document.addEventListener("dragend", () => {
  dragged?.classList.remove("is-dragged");
  dragged = null;
  document.querySelector("[data-step].is-target")?.classList.remove("is-target");
});
