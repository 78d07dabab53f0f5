// The stream of events, shared by all pages of this browser where it can be.

const KINDS = ["open", "changed", "written", "signed-out"];

function alone(url, topics, on) {
  const source = new EventSource(`${url}?topics=${encodeURIComponent(topics.join(","))}`);
  for (const kind of KINDS) source.addEventListener(kind, (event) => on(kind, event.data ?? ""));
  source.addEventListener("error", () => on("error", source.readyState === EventSource.CLOSED ? "closed" : ""));
  return { close: () => source.close() };
}

function shared(url, topics, on) {
  const { port } = new SharedWorker(new URL("../workers/stream.js", import.meta.url), { name: "casework" });
  let isOpen = true;
  port.addEventListener("message", ({ data }) => isOpen && on(data.kind, data.data));
  port.start();
  port.postMessage({ url, topics });
  return {
    close() {
      isOpen = false;
      port.postMessage({ url, topics: [] });
    },
  };
}

// Calls `on(kind, data)` for each event; an error is "closed" if the stream does not come back by itself.
export function openStream(url, topics, on) {
  return "SharedWorker" in window ? shared(url, topics, on) : alone(url, topics, on);
}
