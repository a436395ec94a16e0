// What opens and closes: menus (<details class="menu">), dialogs, sliding panels, toasts, the question before an act.
//   data-confirm="text" (data-confirm-title, data-confirm-yes) on a submit button asks first
//   a fragment swapped by htmx into #dialog-body opens the dialog; "baton:close" closes it
//   data-toast-seconds lets a toast go by itself, unless it is being looked at

const dialog = document.getElementById("dialog");
const openMenus = () => document.querySelectorAll("details.menu[open], details[data-menu][open]");

// A menu that is opened from its button goes to the field or button that is meant first.
document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!menu.matches?.("details.menu[open]") || document.activeElement !== menu.querySelector("summary")) return;
    menu.querySelector("[autofocus]")?.focus();
  },
  true,
);

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const opener = event.target.closest?.("[data-dialog-open]");
  if (opener) {
    document.getElementById(opener.dataset.dialogOpen)?.showModal();
    event.preventDefault();
  }
  if (event.target.closest?.("[data-dialog-close]")) event.target.closest("dialog")?.close();
  if (event.target.closest?.("[data-panel-close]")) event.target.closest("[data-panel]")?.removeAttribute("data-open");
  const toastButton = event.target.closest?.("[data-toast-close]");
  if (toastButton) leave(toastButton.closest("[data-toast]"));
  // A press on the veil around a dialog closes it.
  if (event.target.matches?.("dialog[open]")) {
    const box = event.target.getBoundingClientRect();
    const isInside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!isInside && event.clientX) event.target.close();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menus = [...openMenus()];
  const menu = menus[menus.length - 1];
  if (menu) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
    event.preventDefault();
    return;
  }
  document.querySelector("[data-panel][data-open]")?.removeAttribute("data-open");
});

// The question before a grave act. Scripts off, the act is done at once and can be undone.
let agreed = null;

document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest?.("[data-confirm]");
    if (!button || button === agreed) return;
    const ask = document.getElementById("confirm-dialog");
    event.preventDefault();
    event.stopImmediatePropagation();
    ask.querySelector("[data-confirm-title]").textContent = button.dataset.confirmTitle || button.textContent.trim();
    ask.querySelector("[data-confirm-text]").textContent = button.dataset.confirm;
    ask.querySelector("[data-confirm-yes]").textContent = button.dataset.confirmYes || button.textContent.trim();
    ask.returnValue = "";
    ask.addEventListener(
      "close",
      () => {
        if (ask.returnValue !== "yes") return;
        agreed = button;
        button.click();
        agreed = null;
      },
      { once: true },
    );
    ask.showModal();
  },
  true,
);

document.addEventListener("htmx:afterSettle", (event) => {
  const target = event.detail.target ?? event.target;
  if (target.id === "dialog-body" && dialog && !dialog.open && target.childElementCount) dialog.showModal();
  // Moving among rows changes what the panel shows; only asking for it opens it over the list.
  const isMoving = event.detail.requestConfig?.triggeringEvent?.type === "baton:row";
  if (!isMoving) target.closest?.("[data-panel]")?.setAttribute("data-open", "");
  target.querySelector?.("[data-errors]")?.focus();
  watchToasts();
});
document.addEventListener("baton:close", () => dialog?.close());
dialog?.addEventListener("close", () => dialog.querySelector("#dialog-body").replaceChildren());

function leave(toast) {
  toast.classList.add("is-leaving");
  setTimeout(() => toast.remove(), 200);
}

function watchToasts() {
  for (const toast of document.querySelectorAll("[data-toast-seconds]:not([data-watched])")) {
    toast.dataset.watched = "";
    let left = Number(toast.dataset.toastSeconds);
    const timer = setInterval(() => {
      if (!toast.isConnected) return clearInterval(timer);
      if (toast.matches(":hover, :focus-within") || document.hidden) return undefined;
      left -= 1;
      if (left <= 0) {
        clearInterval(timer);
        leave(toast);
      }
      return undefined;
    }, 1000);
  }
}

watchToasts();
document.querySelector("[data-errors]")?.focus();
