// Selecting rows: how many there are, a range with shift, and the whole page. Without scripts, the boxes work by themselves.

let last = null;

const boxes = () => [...document.querySelectorAll("input[name=case][form=acts]")];
const form = () => document.getElementById("acts");

function show() {
  const acts = form();
  if (!acts) return;
  const count = boxes().filter((box) => box.checked).length;
  acts.querySelector("[data-selected]").textContent = count ? `Selected: ${count}` : "Selected";
  acts.classList.toggle("chosen", count > 0);
  const all = acts.querySelector("[data-select-all]");
  all.hidden = false;
  all.textContent = count && count === boxes().length ? "Select none" : "Select the page";
}

function range(from, to, checked) {
  const all = boxes();
  const [begin, end] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  for (const box of all.slice(begin, end + 1)) box.checked = checked;
}

export function startSelecting() {
  document.addEventListener("click", (event) => {
    const box = event.target.closest("input[name=case][form=acts]");
    if (box) {
      if (event.shiftKey && last?.isConnected) range(last, box, box.checked);
      last = box;
      form().querySelector("input[name=scope][value=chosen]").checked = true;
      show();
    }
    if (event.target.closest("[data-select-all]")) {
      const all = boxes();
      const wanted = !all.every((one) => one.checked);
      for (const one of all) one.checked = wanted;
      form().querySelector("input[name=scope][value=chosen]").checked = true;
      show();
    }
  });
  document.addEventListener("change", (event) => event.target.matches("[data-submit]") && event.target.form.requestSubmit());
  document.addEventListener("casework:replaced", show);
  window.addEventListener("pageshow", show);
  anchor();
}

// The list stays where it is while cases come in: from now on, this address means the cases that it shows now.
function anchor() {
  const cursor = document.querySelector("[data-anchor]")?.dataset.anchor;
  const here = new URL(location.href);
  if (!cursor || here.searchParams.has("cursor")) return;
  here.searchParams.set("cursor", cursor);
  history.replaceState(history.state, "", here);
}
