// Keeps elements with `data-live="TOPIC ..."` up to date. The server says which topics have changed; the page then asks for its
// own blocks again. While the page is hidden or paused, nothing is open and nothing is asked for.

import { replace } from "./morph.js";
import { openStream } from "./stream.js";
import { showTimes } from "./times.js";

const SPACE = 400;
const AGAIN = 2000;
const LEAVING = 10000;
const WRITTEN = 20000;

let source = null;
let again = 0;
let paused = sessionStorage.getItem("paused") === "yes";
const changed = new Set();
let fetching = false;
let spaced = 0;
let left = 0;

const prefix = document.documentElement.dataset.prefix;
const parts = () => [...document.querySelectorAll("[data-live][id]")];
const topicsOf = (part) => part.dataset.live.split(" ").filter(Boolean);
const writings = () => [...document.querySelectorAll("[data-writes]")];
const allTopics = () => [
  ...new Set([...parts().flatMap(topicsOf), ...writings().map((one) => `writes:${one.dataset.writes}`)]),
];
let followed = "";

function show(state, text) {
  const button = document.getElementById("live");
  if (!button) return;
  button.hidden = false;
  button.dataset.state = state;
  button.setAttribute("aria-pressed", String(!paused));
  button.querySelector("[data-text]").textContent = text;
}

function announce(text) {
  const announcer = document.getElementById("announcer");
  if (announcer.textContent !== text) announcer.textContent = text;
}

async function refetch() {
  if (fetching || !changed.size || !source) return;
  const wanted = parts().filter((part) => topicsOf(part).some((topic) => changed.has(topic)));
  changed.clear();
  if (!wanted.length) return;
  fetching = true;
  const began = performance.now();
  try {
    const response = await fetch(location.href, {
      headers: { "casework-part": wanted.map((part) => part.id).join(" ") },
    });
    // Signed out, or the page leads elsewhere by now.
    if (response.status === 401 || response.status === 404 || response.redirected) leave();
    else if (response.ok && source) put(await response.text(), wanted);
  } catch {
    // The stream notices too, and says so.
  } finally {
    fetching = false;
    clearTimeout(spaced);
    spaced = setTimeout(refetch, Math.max(SPACE, 3 * (performance.now() - began)));
  }
}

function put(html, wanted) {
  const made = new DOMParser().parseFromString(html, "text/html");
  for (const part of wanted) {
    const content = made.querySelector(`template#${part.id}`)?.content;
    if (!content) continue;
    replace(part, content);
    showTimes(part);
    const said = part.querySelector("[data-announce]")?.dataset.announce;
    if (said) announce(said);
  }
  document.dispatchEvent(new CustomEvent("casework:replaced"));
  if (followed !== allTopics().join()) {
    close();
    open();
  }
}

// What a model writes, while it writes it; the last of it if it is long.
function write([run, text]) {
  for (const one of writings().filter((one) => one.dataset.writes === run)) {
    one.textContent = (one.textContent + text).slice(-WRITTEN);
    one.scrollTop = one.scrollHeight;
  }
}

function open() {
  const topics = allTopics();
  if (source || paused || document.hidden || !topics.length) return;
  followed = topics.join();
  const opened = openStream(`${location.origin}${prefix}/events`, topics, (kind, data) => source === opened && hear(kind, data));
  source = opened;
}

function hear(kind, data) {
  if (kind === "open") show("on", "Live");
  if (kind === "signed-out") location.reload();
  if (kind === "written") write(JSON.parse(data));
  if (kind === "error") show("off", "Connecting");
  if (kind === "error" && data === "closed") {
    close();
    again = setTimeout(checkAndOpen, AGAIN);
  }
  if (kind === "changed") {
    for (const topic of data.split(" ")) changed.add(topic);
    if (!fetching) refetch();
  }
}

// The stream was refused: the session may have ended, or the server is away.
async function checkAndOpen() {
  try {
    const response = await fetch(location.href, { headers: { "casework-part": "none" } });
    if (response.status === 401) location.reload();
    else if (response.status >= 500) throw new Error("away");
  } catch {
    again = setTimeout(checkAndOpen, AGAIN);
    return;
  }
  open();
}

function close() {
  clearTimeout(again);
  source?.close();
  source = null;
}

function pause(wanted) {
  paused = wanted;
  sessionStorage.setItem("paused", paused ? "yes" : "no");
  if (paused) {
    close();
    show("paused", "Paused");
  } else {
    show("off", "Connecting");
    open();
  }
}

// What the page shows is gone, or the session is. A form that was just sent leads to another page, and is not to be cut off: what
// it did may be why.
function leave() {
  if (Date.now() - left > LEAVING) location.reload();
}

export function startLive() {
  if (!parts().length) return;
  document.getElementById("live")?.addEventListener("click", () => pause(!paused));
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  document.addEventListener("submit", () => (left = Date.now()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && open());
  show(paused ? "paused" : "off", paused ? "Paused" : "Connecting");
  open();
}
