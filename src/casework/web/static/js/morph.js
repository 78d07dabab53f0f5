// Changes an element to be like another, and leaves alone what a person has touched: focus, typed text, what is unfolded.

const key = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset?.key || "" : "");

function morphAttributes(from, to) {
  const keepsOpen = from.nodeName === "DETAILS" || from.nodeName === "DIALOG";
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !(keepsOpen && name === "open")) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !(keepsOpen && name === "open")) from.setAttribute(name, value);
  }
}

function morphNode(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  // A form that a person writes in stays as it is until it is sent.
  if (from.hasAttribute("data-keep")) return;
  morphAttributes(from, to);
  morphChildren(from, to);
}

// Every element with a key becomes the one with that key; others become the next of their kind.
export function morphChildren(from, to) {
  const keyed = new Map([...from.children].filter(key).map((child) => [key(child), child]));
  const wantedKeys = new Set([...to.children].map(key).filter(Boolean));
  let cursor = from.firstChild;
  const isGone = (node, wanted) =>
    node.nodeType === Node.TEXT_NODE
      ? wanted.nodeType !== Node.TEXT_NODE && !node.nodeValue.trim()
      : key(node) && !wantedKeys.has(key(node));
  const nextAlike = (node, wanted) => {
    while (node && (key(node) || node.nodeName !== wanted.nodeName)) node = node.nextSibling;
    return node;
  };
  for (const wanted of [...to.childNodes]) {
    while (cursor && isGone(cursor, wanted)) {
      const gone = cursor;
      cursor = cursor.nextSibling;
      gone.remove();
    }
    const wantedKey = key(wanted);
    const found = wantedKey ? keyed.get(wantedKey) : nextAlike(cursor, wanted);
    if (!found || found.nodeName !== wanted.nodeName) {
      from.insertBefore(document.importNode(wanted, true), cursor);
      continue;
    }
    if (found === cursor) cursor = cursor.nextSibling;
    else from.insertBefore(found, cursor);
    morphNode(found, wanted);
  }
  while (cursor) {
    const gone = cursor;
    cursor = cursor.nextSibling;
    gone.remove();
  }
}

// Replaces what is in the element, and keeps the focus where it was, or else near it.
export function replace(element, content) {
  const active = document.activeElement;
  const inside = element.contains(active);
  const rows = inside ? [...element.querySelectorAll("[data-row]")] : [];
  const place = rows.findIndex((row) => row.contains(active));
  morphChildren(element, content);
  if (!inside || document.activeElement === active) return;
  if (active.isConnected) {
    active.focus({ preventScroll: true });
    return;
  }
  const left = [...element.querySelectorAll("[data-row]")];
  const near = left[Math.min(Math.max(place, 0), left.length - 1)];
  (near?.querySelector("a, button") ?? document.getElementById("main")).focus({ preventScroll: true });
}
