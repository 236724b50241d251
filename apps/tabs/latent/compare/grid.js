// Draws the grid of the lab "compare" (see pictures.py). `element`, `props` and `watch` come from gr.HTML, `make`
// from scripts.js.
const box = element.querySelector(".compared");
const PATIENCE = 200;
let latest = 0;

/** The grid itself, where the page only knows where it lies, or will lie once the server has made it. */
async function fetched(grid) {
  for (let k = 0; "src" in grid && k < PATIENCE; k++) {
    const answer = await fetch(grid.src, { cache: "no-cache" });
    if (!answer.ok) break;
    grid = (await answer.json()) || grid;
    if ("src" in grid) await new Promise((done) => setTimeout(done, 300));
  }
  return grid;
}

/** A long name may break before what stands in brackets. */
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

async function load() {
  const mine = ++latest;
  const grid = await fetched(JSON.parse(props.value));
  if (mine === latest && !("src" in grid)) draw(grid);
}

watch("value", load);
load();
