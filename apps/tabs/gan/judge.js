// The game "real or fake?" (see judge.py for the sheet). `element` and `props` come from gr.HTML, `make` and `bytes`
// from scripts.js. What a score says is looked up in what Python worked out, and nothing is sent anywhere.
const find = (selector) => element.querySelector(selector);

// Milliseconds. A tap so soon after an answer is the end of a double tap, and not meant for the button that came there.
const AT_ONCE = 300;
const root = find(".judge");
const decks = new Map();
// Each game is a list of rounds {source, picture, said}.
const games = [];
// What was fetched, and when the last answer was given.
let sheet, intervals, real, models, answered;

/** A number below `size`, none again before all have come. */
function take(name, size) {
  if (!decks.get(name)?.length) {
    const deck = Array.from({ length: size }, (_, k) => k);
    for (let k = size - 1; k > 0; k--) {
      const j = Math.floor(Math.random() * (k + 1));
      [deck[k], deck[j]] = [deck[j], deck[k]];
    }
    decks.set(name, deck);
  }
  return decks.get(name).pop();
}

function deal() {
  const source = Math.random() < 0.5 ? real : models[take("models", models.length)];
  return { source, picture: take(source.name, source.count) };
}

const rounds = () => games[games.length - 1];
const present = () => rounds()[rounds().length - 1];
const right = ({ said, source }) => said === source.real;

function paint(canvas, { source, picture }) {
  canvas.width = canvas.height = sheet.side;
  const context = canvas.getContext("2d");
  const image = context.createImageData(sheet.side, sheet.side);
  const first = picture * sheet.side * sheet.side;
  for (let i = 0; i < image.data.length / 4; i++) {
    // The first pixel of a byte is its highest bit.
    const bit = (source.bits[(first + i) >> 3] >> (7 - ((first + i) & 7))) & 1;
    image.data.fill(255 * bit, 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

function begin() {
  games.push([]);
  root.classList.remove("over");
  find(".end").hidden = true;
  find(".game").hidden = false;
  find(".strip").replaceChildren(...Array.from({ length: sheet.rounds }, () => make("li")));
  ask();
}

function ask() {
  rounds().push(deal());
  paint(find(".stage canvas"), present());
  const number = rounds().length;
  find(".stage canvas").setAttribute("aria-label", `Digit ${number} of ${sheet.rounds}: real or fake?`);
  const score = number > 1 ? ` · ${rounds().filter(right).length} of ${number - 1} right` : "";
  find(".round").textContent = `Digit ${number} of ${sheet.rounds}${score}`;
  find(".verdict").textContent = "";
  find(".stage").className = "stage";
  find(".answers").hidden = false;
  find(".next").hidden = true;
}

function answer(said, when) {
  const round = present();
  round.said = said;
  answered = when;
  const number = rounds().length;
  const truth = round.source.real ? "real" : `fake, drawn by ${round.source.name}`;
  find(".verdict").textContent = `${right(round) ? "Right" : "Wrong"}: it is ${truth}.`;
  find(".round").textContent = `Digit ${number} of ${sheet.rounds} · ${rounds().filter(right).length} of ${number} right`;
  find(".stage").classList.add(round.source.real ? "is-real" : "is-fake");
  const slot = find(".strip").children[number - 1];
  const canvas = make("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Digit ${number}: ${truth}; you said ${said ? "real" : "fake"}.`);
  paint(canvas, round);
  slot.className = round.source.real ? "is-real" : "is-fake";
  slot.append(canvas, right(round) ? "✓" : "✗", make("span", "hand", ` ${round.source.name}`));
  find(".answers").hidden = true;
  find(".next").hidden = false;
  find(".next").textContent = number < sheet.rounds ? "Next digit" : "What my score says";
  find(".next").focus({ preventScroll: true });
}

function next() {
  if (rounds().length < sheet.rounds) {
    ask();
    root.focus({ preventScroll: true });
  } else {
    finish();
  }
}

/** Ends in percent of the interval around k of n, n > 0. */
const interval = (k, n) => [0, 1].map((end) => intervals[(n - 1) * (n + 2) + 2 * k + end]);

/** A share and its interval on a line from 0 to 100%, and dashed what to compare it with, in percent. */
function scale(box, k, n, reference) {
  const [low, high] = interval(k, n);
  const span = make("i", "span");
  const dot = make("i", "dot");
  span.style.left = low + "%";
  span.style.width = high - low + "%";
  dot.style.left = (100 * k) / n + "%";
  const mark = make("i", "reference");
  mark.style.left = reference + "%";
  box.replaceChildren(...(Number.isFinite(reference) ? [mark] : []), span, dot);
}

function finish() {
  const score = rounds().filter(right).length;
  const counted = games.slice(-sheet.most / sheet.rounds);
  const all = counted.flat();
  find(".score").textContent = `${score} of ${sheet.rounds} right`;
  scale(find(".total"), score, sheet.rounds, 50);
  find(".meaning").textContent = sheet.verdicts[score];
  const which = counted.length < games.length ? `Your last ${counted.length} games` : `All your ${games.length} games`;
  const [low, high] = interval(all.filter(right).length, all.length);
  find(".tally").textContent =
    games.length > 1 ? `${which}: ${all.filter(right).length} of ${all.length} right, ${sheet.level} interval ${low}–${high}%.` : "";
  find("caption").textContent =
    (games.length > 1 ? `${which}: how` : "How") +
    ` often you called each real, with its ${sheet.level} interval. A perfect model would be called real as often as real ` +
    "digits are, on the dashed line.";
  const rows = sheet.sources.map((source) => {
    const its = all.filter((round) => round.source === source);
    return { source, n: its.length, k: its.filter((round) => round.said).length };
  });
  const truly = rows.find(({ source }) => source.real);
  find("tbody").replaceChildren(...rows.map((row) => tell(row, (100 * truly.k) / truly.n)));
  find(".fooled").textContent = fooled(rows.filter(({ source, n }) => !source.real && n > 0));
  root.classList.add("over");
  find(".game").hidden = true;
  find(".end").hidden = false;
  find(".score").focus();
}

function tell({ source, k, n }, reference) {
  const row = make("tr", source.real ? "is-real" : "is-fake");
  const name = make("th", "", source.real ? "real digits" : source.name);
  name.scope = "row";
  const bar = make("td", "bar");
  const box = make("div", "scale");
  box.setAttribute("aria-hidden", "true");
  bar.append(box);
  if (n) scale(box, k, n, reference);
  const told = make("td");
  if (n) told.append(make("span", "", `${k} of ${n}`), " ", make("span", "", `(${interval(k, n).join("–")}%)`));
  else told.textContent = "none came up";
  row.append(name, bar, told);
  return row;
}

/** Which model was called real most often, and whether its interval lies above all others'. */
function fooled(rows) {
  if (rows.every(({ k }) => k === 0)) return "No model fooled you.";
  const most = Math.max(...rows.map(({ k, n }) => k / n));
  const first = rows.filter(({ k, n }) => k / n === most);
  const others = rows.filter((row) => !first.includes(row));
  const names = first.map(({ source }) => source.name).join(" and ");
  const low = Math.min(...first.map(({ k, n }) => interval(k, n)[0]));
  const sure = first.length === 1 && others.every(({ k, n }) => interval(k, n)[1] < low);
  const doubt = sure ? "" : " But the intervals overlap: that is too few digits to rank them by. Play on to narrow them.";
  return `What fooled you most often: ${names}.${doubt}`;
}

const ANSWERS = { r: true, ArrowLeft: true, f: false, ArrowRight: false };

function listen(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  // A key that is held down presses nothing twice.
  if (event.repeat && event.key === "Enter") event.preventDefault();
  const said = ANSWERS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (said === undefined || !sheet || find(".answers").hidden || find(".game").hidden) return;
  event.preventDefault();
  if (!event.repeat) answer(said, event.timeStamp);
}

async function open() {
  const reply = await fetch(JSON.parse(props.value).src);
  if (!reply.ok) throw new Error(`the digits: ${reply.status}`);
  sheet = await reply.json();
  intervals = bytes(sheet.intervals);
  for (const source of sheet.sources) source.bits = bytes(source.pixels);
  real = sheet.sources.find((source) => source.real);
  models = sheet.sources.filter((source) => !source.real);
  for (const button of element.querySelectorAll(".answers button")) button.disabled = false;
  begin();
}

root.addEventListener("keydown", listen);
find(".real").addEventListener("click", (event) => answer(true, event.timeStamp));
find(".fake").addEventListener("click", (event) => answer(false, event.timeStamp));
find(".next").addEventListener("click", (event) => {
  // A press by a key has no count of clicks.
  if (event.detail === 0 || event.timeStamp - answered > AT_ONCE) next();
});
find(".again").addEventListener("click", () => {
  begin();
  root.focus({ preventScroll: true });
  root.scrollIntoView({ block: "nearest" });
});
open().catch((error) => {
  find(".round").textContent = "The digits could not be loaded. Reload the page to try again.";
  throw error;
});
