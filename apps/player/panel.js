// One panel: its layers over its axes, its legend, and what visitors do on it with pointer and keys.

const FONT = "12px system-ui, sans-serif";
const STROKE = 500; // points of a stroke at most, as __init__.py promises
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEY_HELP = {
  click: "Arrow keys move a crosshair, Enter picks its place.",
  points: "Arrow keys move a crosshair, Enter draws a point there.",
};

function make(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text; // as text: nothing in a clip is ever markup
  return node;
}

/** At most `most` of the points of a stroke, evenly from its first to its last. */
function thinned(points, most) {
  if (points.length <= most) return points;
  return Array.from({ length: most }, (_, k) => points[Math.round((k * (points.length - 1)) / (most - 1))]);
}

class Panel {
  constructor(player, index) {
    Object.assign(this, { player, index, layers: [], hidden: new Set(), stroke: [], told: null });
    this.target = { u: 0.5, v: 0.5 }; // of the crosshair
    this.pointed = this.target; // where pointer or crosshair were last
    this.box = make("figure", "panel");
    this.title = make("figcaption", "panel-title");
    this.canvas = make("canvas", "");
    this.crosshair = make("div", "crosshair");
    this.tip = make("div", "tip");
    this.legend = make("div", "legend");
    const stage = make("div", "stage");
    stage.append(this.canvas, this.crosshair, this.tip);
    this.box.append(this.title, stage, this.legend);
    this.listenToPointer();
    this.listenToKeys();
  }

  /** Shows a panel of a clip. Layers that visitors switched off stay off, by name. */
  show(spec, layers) {
    this.release();
    this.layers = layers;
    this.takes = spec.takes;
    this.axes = Boolean(spec.x);
    this.x = new Axis(spec.x || [0, 1]);
    this.y = new Axis(spec.y || [1, 0]); // on a picture, y goes down
    if (this.pen === undefined) this.stroke = []; // the clip may hold it now
    this.title.textContent = spec.title;
    this.box.classList.toggle("axes", this.axes);
    this.box.style.setProperty("--width", spec.width);
    this.canvas.style.aspectRatio = 1 / spec.aspect;
    this.canvas.classList.toggle("clickable", this.takes === "click");
    this.canvas.classList.toggle("drawable", this.takes === "points");
    this.canvas.tabIndex = this.takes ? 0 : -1; // after a click on any panel, the player hears the keys
    this.canvas.setAttribute("role", this.takes ? "application" : "img");
    const label = spec.label || "Picture";
    this.canvas.setAttribute("aria-label", this.takes ? `${label}. ${KEY_HELP[this.takes]}` : label);
    this.showLegend();
  }

  /** Gives back the memory of decoded pictures now; the collector may take long to see how large they are. */
  release() {
    for (const layer of this.layers) layer.sheet?.close();
  }

  // --- legend ---
  /** Buttons stay the same elements from clip to clip: a stream must not take them from under the pointer. */
  showLegend() {
    const named = new Map(this.layers.map((layer) => [layer.name || "", layer]));
    named.delete("");
    const present = new Map([...this.legend.children].map((entry) => [entry.dataset.name, entry]));
    const entries = [...named.keys()].map((name) => present.get(name) || this.legendEntry(name));
    if (entries.length !== present.size || entries.some((entry, k) => entry !== this.legend.children[k])) {
      this.legend.replaceChildren(...entries);
    }
    for (const entry of entries) this.describe(entry, named.get(entry.dataset.name));
  }

  legendEntry(name) {
    const entry = make("button", "entry");
    entry.type = "button";
    entry.dataset.name = name;
    entry.setAttribute("aria-pressed", String(!this.hidden.has(name)));
    entry.addEventListener("click", () => {
      if (!this.hidden.delete(name)) this.hidden.add(name);
      entry.setAttribute("aria-pressed", String(!this.hidden.has(name)));
      this.draw();
    });
    return entry;
  }

  describe(entry, layer) {
    const mark = make("i", layer.dashed ? "dashed" : layer.ring ? "ring" : layer.kind);
    if (layer.kind === "heat") {
      const [low, high] = [valueOf(layer, 0), valueOf(layer, NOTHING - 1)];
      mark.style.background = gradient(layer.map);
      entry.replaceChildren(make("span", "", layer.name), make("span", "end", low), mark);
      entry.append(make("span", "end", `${high} ${layer.unit}`.trimEnd()));
    } else {
      mark.style.setProperty("--mark", `var(--${layer.colour})`);
      entry.replaceChildren(mark, make("span", "", layer.name));
    }
  }

  // --- from data to pixels and back; a spot is a place on the panel, from its upper left corner (0, 0) to (1, 1) ---
  px(x) {
    return this.area.x + this.x.share(x) * this.area.w;
  }

  py(y) {
    return this.area.y + (1 - this.y.share(y)) * this.area.h;
  }

  pixel({ u, v }) {
    return [this.area.x + u * this.area.w, this.area.y + v * this.area.h];
  }

  data({ u, v }) {
    return [this.x.value(u), this.y.value(1 - v)];
  }

  /** Where a pointer is, or null outside of the axes. */
  spot(event) {
    const box = this.canvas.getBoundingClientRect();
    const u = (event.clientX - box.left - this.area.x) / this.area.w;
    const v = (event.clientY - box.top - this.area.y) / this.area.h;
    return u >= 0 && u <= 1 && v >= 0 && v <= 1 ? { u, v } : null;
  }

  // --- drawing ---
  draw() {
    const context = this.fit();
    if (!context) return;
    const { x, y, w, h } = this.area;
    if (this.axes) this.drawGrid(context);
    context.save();
    context.beginPath();
    context.rect(x, y, w, h);
    context.clip();
    for (const layer of this.layers) {
      if (!this.hidden.has(layer.name)) KINDS[layer.kind].draw(layer, this, context, this.player.at);
    }
    context.fillStyle = hue(this.canvas, "real");
    for (const point of this.stroke) dot(context, this.px(point[0]), this.py(point[1]), 3);
    context.restore();
    if (this.axes) this.drawAxes(context);
    this.aim(this.target);
    this.tell(this.told);
  }

  /** An empty canvas as sharp as the screen, and the area inside the axes; null while the panel is not on show. */
  fit() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return null;
    const scale = window.devicePixelRatio;
    const [columns, rows] = [Math.round(width * scale), Math.round(height * scale)];
    if (this.canvas.width !== columns || this.canvas.height !== rows) {
      Object.assign(this.canvas, { width: columns, height: rows });
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    this.area = { x: 0, y: 0, w: width, h: height };
    if (this.axes) {
      context.font = FONT;
      const [top, right, bottom] = [8, 16, this.x.name ? 38 : 22];
      this.area.h = height - top - bottom;
      this.yTicks = this.y.ticks(this.area.h);
      const widths = this.yTicks.map(({ label }) => context.measureText(label).width);
      const left = Math.ceil(Math.max(16, ...widths)) + (this.y.name ? 26 : 10);
      Object.assign(this.area, { x: left, y: top, w: width - left - right });
      this.xTicks = this.x.ticks(this.area.w);
    }
    return context;
  }

  drawGrid(context) {
    const { x, y, w, h } = this.area;
    context.fillStyle = hue(this.canvas, "player-ink");
    const lines = [
      ...this.xTicks.map(({ value, label }) => [label, Math.round(this.px(value)), y, 1, h]),
      ...this.yTicks.map(({ value, label }) => [label, x, Math.round(this.py(value)), w, 1]),
    ];
    for (const [label, ...line] of lines) {
      context.globalAlpha = label ? 0.16 : 0.07;
      context.fillRect(...line);
    }
    context.globalAlpha = 1;
  }

  drawAxes(context) {
    const { x, y, w, h } = this.area;
    context.strokeStyle = context.fillStyle = hue(this.canvas, "player-ink");
    context.lineWidth = 1;
    context.globalAlpha = 0.45;
    context.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
    context.globalAlpha = 1;
    context.font = FONT;
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const { value, label } of this.xTicks) {
      context.fillText(label, this.uncut(context, label, this.px(value)), y + h + 6);
    }
    context.fillText(this.x.name, x + w / 2, y + h + 22);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { value, label } of this.yTicks) context.fillText(label, x - 6, this.py(value));
    context.save();
    context.translate(8, y + h / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(this.y.name, 0, 0);
    context.restore();
  }

  /** Where the middle of a text must be so that the canvas holds all of it: at x, or as near to it as can be. */
  uncut(context, text, x) {
    const half = context.measureText(text).width / 2;
    return Math.max(half, Math.min(x, this.canvas.clientWidth - half));
  }

  /** Says beside a spot what the layers have there; says nothing for null. */
  tell(spot) {
    this.told = spot;
    if (spot) this.pointed = spot;
    this.player.follow(this.index);
    this.tip.textContent = spot ? this.words(spot) : "";
    if (!this.tip.textContent) return;
    const [x, y] = this.pixel(spot);
    this.tip.style.left = Math.max(0, Math.min(x + 12, this.canvas.clientWidth - this.tip.offsetWidth - 2)) + "px";
    this.tip.style.top = Math.max(0, y - this.tip.offsetHeight - 8) + "px";
  }

  words(spot) {
    const shown = this.layers.filter((layer) => !this.hidden.has(layer.name));
    const said = shown.map((layer) => KINDS[layer.kind].say(layer, this, spot, this.player.at));
    if (this.axes || this.takes) said.unshift(`(${this.data(spot).map((value) => brief(value)).join(", ")})`);
    return said.filter(Boolean).join("\n");
  }

  // --- pointer and keys ---
  /** Puts the crosshair, which shows while the canvas has the keyboard, at a spot or else at the edge nearest to it. */
  aim({ u, v }) {
    this.target = { u: Math.min(1, Math.max(0, u)), v: Math.min(1, Math.max(0, v)) };
    const [x, y] = this.pixel(this.target);
    this.crosshair.style.translate = `${x}px ${y}px`;
  }

  /** A visitor picks a place, or draws a stroke of one point. */
  choose(spot) {
    const [x, y] = this.data(spot);
    if (this.takes === "click") this.player.trigger("click", { panel: this.index, frame: this.player.at, x, y });
    else this.send([[x, y]]);
  }

  send(stroke) {
    this.stroke = thinned(stroke, STROKE);
    this.draw();
    this.player.trigger("input", { panel: this.index, points: this.stroke });
  }

  listenToPointer() {
    const { canvas } = this;
    canvas.addEventListener("pointermove", (event) => {
      const spot = this.spot(event);
      this.tip.ariaLive = "off"; // the pointer passes many values
      this.tell(spot);
      if (event.pointerId !== this.pen || !spot) return;
      this.stroke.push(this.data(spot));
      this.draw();
    });
    canvas.addEventListener("pointerleave", () => this.tell(null));
    canvas.addEventListener("click", (event) => {
      const spot = this.spot(event);
      if (!spot || this.takes !== "click") return;
      this.aim(spot);
      this.choose(spot);
    });
    canvas.addEventListener("pointerdown", (event) => {
      const spot = this.spot(event);
      if (!spot || this.takes !== "points" || this.pen !== undefined) return; // a second finger draws nothing
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      this.pen = event.pointerId;
      this.stroke = [this.data(spot)];
      this.aim(spot);
      this.draw();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (event.pointerId !== this.pen) return;
      this.pen = undefined;
      this.send(this.stroke);
    });
    canvas.addEventListener("pointercancel", (event) => {
      if (event.pointerId !== this.pen) return;
      this.pen = undefined;
      this.stroke = [];
      this.draw();
    });
  }

  listenToKeys() {
    const { canvas } = this;
    canvas.addEventListener("focus", () => {
      if (canvas.matches(":focus-visible")) this.tell(this.target);
    });
    canvas.addEventListener("blur", () => this.tell(null));
    canvas.addEventListener("keydown", (event) => {
      if (!this.takes || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "Enter") {
        this.choose(this.target);
      } else if (event.key in STEPS) {
        const by = event.shiftKey ? 0.1 : 0.02;
        const [u, v] = STEPS[event.key].map((step) => step * by);
        this.aim({ u: this.target.u + u, v: this.target.v + v });
        this.tip.ariaLive = "polite";
        this.tell(this.target);
      } else return;
      event.preventDefault();
    });
  }
}
