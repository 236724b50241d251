// Draws the grid of the lab "compare" (see pictures.py). `element`, `props` and `watch` come from gr.HTML, `make`
// from scripts.js.
const box = element.querySelector(".compared");
const PATIENCE = 200;
let latest = 0;

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

/** Shows the grid; where the page only knows where it will lie, once the server has made it, or a newer one comes. */
async function load() {
  const mine = ++latest;
  let grid = JSON.parse(props.value);
  for (let k = 0; "src" in grid && k < PATIENCE && mine === latest; k++) {
    const answer = await fetch(grid.src, { cache: "no-cache" });
    if (!answer.ok) break;
    grid = (await answer.json()) || grid;
    if (!("src" in grid)) break;
    if (!box.firstElementChild) box.textContent = "These pictures are being drawn…";
    await new Promise((done) => setTimeout(done, 300));
  }
  if (mine !== latest) return;
  if ("src" in grid) box.textContent = "These pictures could not be loaded. Reload the page to try again.";
  else draw(grid);
}

watch("value", load);
load();
