// Keys for those who do not like to reach for the mouse. They do nothing while somebody types.

const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent);
const target = (row) => row.querySelector("a[href], button");

function move(step) {
  const all = rows();
  const place = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[place < 0 ? (step > 0 ? 0 : all.length - 1) : place + step];
  if (!next) return;
  target(next)?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function select() {
  const row = rows().find((row) => row.contains(document.activeElement));
  row?.querySelector("input[type=checkbox]")?.click();
}

const acts = {
  j: () => move(1),
  k: () => move(-1),
  x: select,
  "/": () => document.querySelector("[data-search]")?.focus(),
  "?": () => document.getElementById("keys-help")?.togglePopover(),
};

const types = (element) =>
  element.isContentEditable || element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=submit])");

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest?.("form[data-send]") ?? document.querySelector("form[data-send]");
      if (form) {
        event.preventDefault();
        form.requestSubmit(form.querySelector("[data-primary]"));
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || types(event.target)) return;
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
