// Draws the grid of the lab "compare" (see pictures.py). `element`, `props` and `watch` come from gr.HTML, `make`
// from scripts.js.
const box = element.querySelector(".compared");

function heading(scope, text) {
  const cell = make("th");
  cell.scope = scope;
  text.split(/(?=\()/).forEach((part, k) => cell.append(...(k ? [make("wbr"), part] : [part])));
  return cell;
}

function shown(cell) {
  const place = make("td");
  if (!cell) {
    place.append(make("div", "waiting"));
    return place;
  }
  const image = make("img");
  image.src = cell.png;
  image.alt = cell.alt;
  const link = make("a");
  link.href = cell.png;
  link.download = cell.name;
  link.title = "Save as PNG";
  link.append(image);
  place.append(link, make("p", "", cell.said));
  return place;
}

/** Keeps pictures that are there already, so that nothing blinks as others come. */
function draw({ x, y, cells }) {
  const table = make("table");
  const head = make("tr");
  head.append(heading("col", [y.name, x.name].filter((name) => name !== "nothing").join(" ↓ · ") + " →"));
  head.append(...x.values.map((value) => heading("col", value)));
  const top = make("thead");
  top.append(head);
  const body = make("tbody");
  y.values.forEach((value, row) => {
    const line = make("tr");
    line.append(heading("row", value));
    line.append(...x.values.map((_, column) => shown(cells[row * x.values.length + column])));
    body.append(line);
  });
  table.append(top, body);
  box.replaceChildren(table);
}

customElements.get("clip-player").follow(box, props, watch, draw, (text) => {
  if (!box.querySelector("table")) box.textContent = text;
});
