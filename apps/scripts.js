// What the scripts of single components share; `scripts.py` puts it before each of them.
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
