// A link with data-call="+358…" leads to where the call is logged. On a device that is a phone it dials as well.
const isPhone = window.matchMedia("(pointer: coarse)");

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-call]");
  if (!link || !isPhone.matches) return;
  window.location.href = `tel:${link.dataset.call}`;
});
