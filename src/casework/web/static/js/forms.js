// Forms: what changes as somebody types or selects. All of them work without it.

const values = (form) => new URLSearchParams(new FormData(form)).toString();

function watchEdits(form) {
  const button = form.querySelector("[data-edited]");
  if (!button) return;
  const plain = button.textContent;
  const fields = form.querySelector(".action");
  const before = new Map([...fields.querySelectorAll("input, select, textarea")].map((field) => [field, field.value]));
  form.addEventListener("input", () => {
    const edited = [...before].some(([field, value]) => field.value !== value);
    button.textContent = edited ? button.dataset.edited : plain;
  });
}

// A list has one empty field at its end; whoever fills it gets another.
function growList(event) {
  const list = event.target.closest("fieldset[data-list]");
  const fields = list ? [...list.querySelectorAll(":scope > input")] : [];
  if (!fields.length || event.target !== fields.at(-1) || !event.target.value) return;
  const next = event.target.cloneNode();
  next.value = "";
  next.name = `${list.dataset.list}/${fields.length}`;
  next.setAttribute("aria-label", `Element ${fields.length + 1}`);
  event.target.removeAttribute("placeholder");
  event.target.after(next);
}

// Nobody sends an answer twice.
function sendOnce(event) {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent === values(form)) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = values(form);
  setTimeout(() => delete form.dataset.sent, 3000);
}

function watchSelection() {
  const bar = document.querySelector(".together");
  if (!bar) return;
  const boxes = () => [...document.querySelectorAll("input[type=checkbox][name=id]")];
  const alikeButton = bar.querySelector("[data-select-alike]");
  const alikeOf = (box) => box.closest("[data-alike]")?.dataset.alike;
  const alike = () => {
    const kinds = new Set(boxes().filter((box) => box.checked).map(alikeOf));
    return boxes().filter((box) => !box.checked && kinds.has(alikeOf(box)));
  };
  const show = () => {
    bar.querySelector("[data-count]").textContent = `${boxes().filter((box) => box.checked).length} selected`;
    const more = alike().length;
    alikeButton.hidden = !more;
    alikeButton.textContent = `Select ${more} more like ${boxes().filter((box) => box.checked).length === 1 ? "it" : "these"}`;
  };
  alikeButton.addEventListener("click", () => {
    for (const box of alike()) box.checked = true;
    show();
  });
  document.addEventListener("change", show);
  document.addEventListener("casework:replaced", show);
}

export function startForms() {
  for (const form of document.querySelectorAll("form[data-send]")) watchEdits(form);
  document.addEventListener("input", growList);
  document.addEventListener("submit", sendOnce);
  window.addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => delete form.dataset.sent));
  watchSelection();
}
