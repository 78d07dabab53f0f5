// Moments in the reader's zone: how far away they are, and exactly on hover.

const units = [[86400, "d"], [3600, "h"], [60, "min"]];
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

function ago(moment) {
  const seconds = (Date.now() - moment) / 1000;
  const size = Math.abs(seconds);
  if (size < 5) return "just now";
  const [length, name] = units.find(([length]) => size >= length) ?? [1, "s"];
  const text = `${Math.floor(size / length)} ${name}`;
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

export function showTimes(root = document) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const text = "ago" in time.dataset ? ago(moment) : "moment" in time.dataset ? exact.format(moment) : "clock" in time.dataset ? clock.format(moment) : time.textContent;
    if (time.textContent !== text) time.textContent = text;
    const title = exact.format(moment);
    if (time.title !== title) time.title = title;
  }
}

export function startTimes() {
  showTimes();
  setInterval(() => document.hidden || showTimes(), 5000);
}
