// A textarea with data-names="address" completes names behind an @: the address answers with a list of options.
//   arrow keys choose, Enter or Tab takes, Escape closes; without the script a name is typed in full.

const TYPED = /(?:^|[^\p{L}\p{N}_.@+-])@([\p{L}\p{N}_’'.-]*(?: [\p{L}\p{N}_’'-]*)?)$/u;
const MOST = 6;
const lists = new Map();

function listOf(field) {
  const address = field.dataset.names;
  if (!lists.has(address)) {
    const asked = fetch(address, { headers: { "HX-Request": "true" } }).then((answer) => (answer.ok ? answer.text() : ""));
    lists.set(address, asked.catch(() => lists.delete(address) && ""));
  }
  return lists.get(address);
}

function close(field) {
  field.parentElement.querySelector(".names")?.remove();
  field.removeAttribute("aria-activedescendant");
  field.setAttribute("aria-expanded", "false");
}

function typedIn(field) {
  return field.selectionStart === field.selectionEnd ? TYPED.exec(field.value.slice(0, field.selectionStart)) : null;
}

function point(field, option) {
  for (const other of field.parentElement.querySelectorAll(".names [role=option]")) {
    other.setAttribute("aria-selected", String(other === option));
  }
  field.setAttribute("aria-activedescendant", option.id);
}

async function offer(field) {
  if (!typedIn(field)) return close(field);
  const html = await listOf(field);
  const typed = typedIn(field);
  close(field);
  if (!typed || !html || document.activeElement !== field) return;
  const list = new DOMParser().parseFromString(html, "text/html").querySelector(".names");
  const begun = typed[1].toLocaleLowerCase();
  let count = 0;
  for (const option of [...list.children]) {
    const words = option.dataset.name.toLocaleLowerCase();
    const fits = words.startsWith(begun) || words.split(" ").some((word) => word.startsWith(begun)) || option.dataset.address.startsWith(begun);
    if (!fits || words === begun || count >= MOST) option.remove();
    else count += 1;
  }
  if (!list.children.length) return;
  list.id = `${field.id}-names`;
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "true");
  field.insertAdjacentElement("afterend", list);
  point(field, list.firstElementChild);
}

function take(field, option) {
  const typed = typedIn(field);
  if (!typed) return;
  const others = [...option.parentElement.children].some((one) => one !== option && one.dataset.name === option.dataset.name);
  const name = others ? option.dataset.address : option.dataset.name;
  const end = field.selectionStart;
  field.setRangeText(`${name} `, end - typed[1].length, end, "end");
  close(field);
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("textarea[data-names]")) offer(event.target);
});

document.addEventListener("keydown", (event) => {
  const field = event.target.matches?.("textarea[data-names]") ? event.target : null;
  if (!field) return;
  const list = field.parentElement.querySelector(".names");
  if (!list) return;
  const options = [...list.children];
  const at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    point(field, options.at((at + (event.key === "ArrowDown" ? 1 : -1)) % options.length));
  } else if (event.key === "Enter" || event.key === "Tab") {
    take(field, options[at]);
  } else if (event.key === "Escape") {
    close(field);
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("pointerdown", (event) => {
  const option = event.target.closest?.(".names [role=option]");
  if (!option) return;
  event.preventDefault();
  take(option.closest(".field").querySelector("textarea"), option);
});

document.addEventListener("focusout", (event) => {
  if (event.target.matches?.("textarea[data-names]")) close(event.target);
});
