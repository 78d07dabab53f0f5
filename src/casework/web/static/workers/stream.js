// One stream of events for all pages of a browser: it opens no more than six connections to a host, and a stream keeps one.

const pages = new Map();
let source = null;
let followed = "";

function ownOf(topics, kind, data) {
  if (kind === "changed") return data.split(" ").filter((topic) => topics.includes(topic)).join(" ");
  if (kind === "written") return topics.includes(`writes:${JSON.parse(data)[0]}`) ? data : "";
  return data;
}

function tell(kind, data) {
  for (const [port, topics] of pages) {
    const own = ownOf(topics, kind, data);
    if (own || !["changed", "written"].includes(kind)) port.postMessage({ kind, data: own });
  }
}

function follow(url) {
  const topics = [...new Set([...pages.values()].flat())].sort().join(",");
  if (topics === followed && source && source.readyState !== EventSource.CLOSED) return;
  source?.close();
  source = null;
  followed = topics;
  if (!topics) return;
  const opened = new EventSource(`${url}?topics=${encodeURIComponent(topics)}`);
  source = opened;
  for (const kind of ["open", "changed", "written", "signed-out"]) {
    opened.addEventListener(kind, (event) => tell(kind, event.data ?? ""));
  }
  opened.addEventListener("error", () => tell("error", opened.readyState === EventSource.CLOSED ? "closed" : ""));
}

function listen(port, url, topics) {
  if (!topics.length) {
    pages.delete(port);
  } else {
    pages.set(port, topics);
    // Something may have changed since the page was made.
    if (source?.readyState === EventSource.OPEN) {
      port.postMessage({ kind: "open", data: "" });
      port.postMessage({ kind: "changed", data: topics.join(" ") });
    }
  }
  follow(url);
}

self.addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => listen(port, data.url, data.topics));
  port.start();
});
