// The player: draws the frames of a clip (see __init__.py for the format) on canvases, and moves through them
// without asking the server. Loaded once for the page; each component calls Player.mount.
"use strict";
window.Player = (() => {
  const MARGIN = { left: 44, right: 10, top: 8, bottom: 34 }; // around a panel with axes, in CSS pixels
  const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");

  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text; // as text: nothing in a clip is ever markup
    return node;
  };

  // --- data ---
  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const floats = (base64) => new Float32Array(bytes(base64).buffer);

  /** A layer with its numbers unpacked and its pictures on their way; `ready` resolves when all can be drawn. */
  function unpack(layer) {
    const open = { ...layer, hidden: false };
    if (layer.kind === "image") {
      open.sheet = new Image();
      open.ready = new Promise((done) => (open.sheet.onload = open.sheet.onerror = done));
      open.sheet.src = layer.sprite;
    } else {
      open.values = layer.kind === "heat" ? bytes(layer.data) : floats(layer.data);
    }
    return open;
  }

  /** Where frame `at` starts in a layer's numbers; a layer of a single frame shows it always. */
  const offset = (layer, at) => {
    const [frames, ...rest] = layer.shape;
    return (frames === 1 ? 0 : Math.min(at, frames - 1)) * rest.reduce((a, b) => a * b, 1);
  };

  // --- colours ---
  // Five stops of viridis (van der Walt & Smith 2015) and of a blue-white-red map; between them, straight lines.
  const MAPS = {
    viridis: [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]],
    diverging: [[33, 102, 172], [146, 197, 222], [247, 247, 247], [244, 165, 130], [178, 24, 43]],
    grey: [[0, 0, 0], [255, 255, 255]],
  };
  const TABLES = Object.fromEntries(
    Object.entries(MAPS).map(([name, stops]) => [
      name,
      Array.from({ length: 256 }, (_, i) => {
        const place = (i / 255) * (stops.length - 1);
        const k = Math.min(Math.floor(place), stops.length - 2);
        return stops[k].map((c, j) => Math.round(c + (place - k) * (stops[k + 1][j] - c)));
      }),
    ]),
  );
  const ink = (element, role) => getComputedStyle(element).getPropertyValue(`--${role}`).trim();

  /** Round numbers to label an axis with, about `count` of them. */
  function ticks(low, high, count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((m) => m * power >= rough) * power;
    const first = Math.ceil(low / step - 1e-9);
    return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
  }
  const brief = (v) => (Math.abs(v) >= 1e4 || (v !== 0 && Math.abs(v) < 1e-3) ? v.toExponential(1) : +v.toFixed(3) + "");

  // --- one panel ---
  class Panel {
    constructor(player, k) {
      this.player = player;
      this.k = k;
      this.box = make("figure", "panel");
      this.title = make("figcaption", "panel-title");
      this.canvas = make("canvas");
      this.canvas.setAttribute("role", "img");
      this.tip = make("div", "tip");
      this.tip.hidden = true;
      const stage = make("div", "stage");
      stage.append(this.canvas, this.tip);
      this.legend = make("div", "legend");
      this.box.append(this.title, stage, this.legend);
      this.listen();
    }

    show(spec) {
      const kept = new Map((this.layers || []).map((layer) => [layer.name, layer.hidden]));
      this.spec = spec;
      this.title.textContent = spec.title || "";
      this.canvas.setAttribute("aria-label", spec.label || spec.title || "Picture");
      this.canvas.classList.toggle("clickable", Boolean(spec.takes));
      this.layers = spec.layers.map(unpack);
      for (const layer of this.layers) layer.hidden = kept.get(layer.name) || false; // what was switched off stays off
      this.box.style.setProperty("--width", spec.width || 1);
      this.showLegend();
      return Promise.all(this.layers.map((layer) => layer.ready));
    }

    showLegend() {
      const named = this.layers.filter((layer) => layer.name);
      this.legend.replaceChildren(
        ...named.map((layer) => {
          const entry = make("button", "entry");
          entry.type = "button";
          entry.setAttribute("aria-pressed", String(!layer.hidden));
          const mark = make("i", layer.dashed ? "dashed" : layer.kind);
          if (layer.colour) mark.style.setProperty("--mark", `var(--${layer.colour})`);
          entry.append(mark, make("span", "", layer.name));
          entry.addEventListener("click", () => {
            layer.hidden = !layer.hidden;
            entry.setAttribute("aria-pressed", String(!layer.hidden));
            this.draw();
          });
          return entry;
        }),
      );
    }

    /** Fits the canvas to its box and to the screen's pixels; null while it is not on show. */
    fit() {
      const width = this.canvas.clientWidth;
      if (!width) return null;
      const axes = this.spec.x && this.spec.y;
      const height = Math.round(width * (this.spec.aspect || 1));
      const scale = window.devicePixelRatio || 1;
      if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
        this.canvas.width = Math.round(width * scale);
        this.canvas.height = Math.round(height * scale);
        this.canvas.style.height = height + "px";
      }
      const m = axes ? MARGIN : { left: 0, right: 0, top: 0, bottom: 0 };
      this.area = { x: m.left, y: m.top, w: width - m.left - m.right, h: height - m.top - m.bottom };
      const context = this.canvas.getContext("2d");
      context.setTransform(scale, 0, 0, scale, 0, 0);
      context.clearRect(0, 0, width, height);
      return context;
    }

    // Data coordinates ↔ CSS pixels of the canvas; without axes both run from 0 to 1, y downwards.
    px(x) {
      const [low, high] = this.spec.x || [0, 1];
      return this.area.x + ((x - low) / (high - low)) * this.area.w;
    }
    py(y) {
      const [low, high] = this.spec.y || [1, 0];
      return this.area.y + ((high - y) / (high - low)) * this.area.h;
    }
    where(event) {
      const box = this.canvas.getBoundingClientRect();
      const u = (event.clientX - box.left - this.area.x) / this.area.w;
      const v = (event.clientY - box.top - this.area.y) / this.area.h;
      const [x0, x1] = this.spec.x || [0, 1];
      const [y0, y1] = this.spec.y || [1, 0];
      return { u, v, x: x0 + u * (x1 - x0), y: y1 + v * (y0 - y1), inside: u >= 0 && u <= 1 && v >= 0 && v <= 1 };
    }

    draw() {
      const context = this.spec && this.fit();
      if (!context) return;
      const { x, y, w, h } = this.area;
      context.save();
      context.beginPath();
      context.rect(x, y, w, h);
      context.clip();
      for (const layer of this.layers) {
        if (!layer.hidden) DRAW[layer.kind](this, context, layer, this.player.at);
      }
      context.restore();
      if (this.spec.x && this.spec.y) this.drawAxes(context);
    }

    drawAxes(context) {
      const { x, y, w, h } = this.area;
      context.strokeStyle = context.fillStyle = ink(this.canvas, "player-ink");
      context.globalAlpha = 0.8;
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
      context.font = "11px system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "top";
      for (const value of ticks(this.spec.x[0], this.spec.x[1], w / 70)) {
        context.fillText(brief(value), this.px(value), y + h + 5);
      }
      if (this.spec.x[2]) context.fillText(this.spec.x[2], x + w / 2, y + h + 19);
      context.textAlign = "right";
      context.textBaseline = "middle";
      for (const value of ticks(this.spec.y[0], this.spec.y[1], h / 50)) {
        context.fillText(brief(value), x - 5, this.py(value));
      }
      if (this.spec.y[2]) {
        context.save();
        context.translate(9, y + h / 2);
        context.rotate(-Math.PI / 2);
        context.textAlign = "center";
        context.fillText(this.spec.y[2], 0, 0);
        context.restore();
      }
      context.globalAlpha = 1;
    }

    // --- pointer: hover values, clicks, strokes ---
    listen() {
      this.canvas.addEventListener("pointermove", (event) => {
        if (!this.spec || !this.area) return;
        const place = this.where(event);
        this.tell(event, place);
        if (this.stroke && event.pointerId === this.pen && place.inside) {
          this.stroke.push([place.x, place.y]);
          this.drawStroke();
        }
      });
      this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
      this.canvas.addEventListener("pointerdown", (event) => {
        if (!this.spec || !this.area || !this.spec.takes || this.stroke) return;
        const place = this.where(event);
        if (!place.inside) return;
        if (this.spec.takes === "click") {
          this.player.trigger("click", { panel: this.k, frame: this.player.at, x: place.x, y: place.y });
        } else {
          event.preventDefault();
          this.canvas.setPointerCapture(event.pointerId);
          this.pen = event.pointerId; // a second finger draws nothing
          this.stroke = [[place.x, place.y]];
          this.drawStroke();
        }
      });
      this.canvas.addEventListener("pointercancel", () => (this.stroke = null));
      this.canvas.addEventListener("pointerup", (event) => {
        if (!this.stroke || event.pointerId !== this.pen) return;
        this.player.trigger("input", { panel: this.k, points: this.stroke });
        this.stroke = null;
      });
    }

    drawStroke() {
      this.draw();
      const context = this.canvas.getContext("2d");
      context.fillStyle = ink(this.canvas, "real");
      for (const [x, y] of this.stroke) dot(context, this.px(x), this.py(y), 3);
    }

    tell(event, place) {
      const said = place.inside ? this.layers.filter((layer) => !layer.hidden).map((layer) => this.read(layer, place)) : [];
      const text = said.filter(Boolean).join("\n");
      const coordinates = this.spec.x && place.inside ? `(${brief(place.x)}, ${brief(place.y)})` : "";
      this.tip.textContent = [coordinates, text].filter(Boolean).join("\n");
      this.tip.hidden = !this.tip.textContent;
      const box = this.canvas.getBoundingClientRect();
      this.tip.style.left = Math.min(event.clientX - box.left + 12, box.width - this.tip.offsetWidth - 2) + "px";
      this.tip.style.top = Math.max(0, event.clientY - box.top - this.tip.offsetHeight - 8) + "px";
    }

    /** What a layer has to say at a place, or nothing. */
    read(layer, place) {
      const start = layer.shape ? offset(layer, this.player.at) : 0;
      if (layer.kind === "heat") {
        const [, h, w] = layer.shape;
        const row = Math.min(h - 1, Math.floor(place.v * h));
        const column = Math.min(w - 1, Math.floor(place.u * w));
        const level = layer.values[start + row * w + column]; // of 255, so three digits are known
        const value = layer.range[0] + (level / 255) * (layer.range[1] - layer.range[0]);
        const end = level === 0 ? "≤ " : level === 255 ? "≥ " : "";
        return `${layer.name || "value"} ${end}${+value.toPrecision(2)}${layer.unit ? " " + layer.unit : ""}`;
      }
      if (layer.kind === "curve") {
        const x = this.nearestOnCurve(layer, place.x);
        return x === null ? "" : `${layer.name || "y"} ${brief(layer.values[2 * x + 1])}`;
      }
      if (layer.kind === "points" && layer.notes) {
        for (let i = 0; i < layer.shape[1]; i++) {
          const dx = this.px(layer.values[start + 2 * i]) - this.px(place.x);
          const dy = this.py(layer.values[start + 2 * i + 1]) - this.py(place.y);
          if (dx * dx + dy * dy < 64) return layer.notes[i];
        }
      }
      return "";
    }

    nearestOnCurve(layer, x) {
      let best = null;
      for (let i = 0; i < layer.shape[1]; i++) {
        if (best === null || Math.abs(layer.values[2 * i] - x) < Math.abs(layer.values[2 * best] - x)) best = i;
      }
      return best;
    }
  }

  // --- layers ---
  function dot(context, x, y, r) {
    context.beginPath();
    context.arc(x, y, r, 0, 2 * Math.PI);
    context.fill();
  }

  const DRAW = {
    image(panel, context, layer, at) {
      const side = layer.sheet.naturalWidth / layer.columns;
      if (!side) return; // still loading, or not a picture
      const tile = Math.min(at, layer.tiles - 1);
      const height = layer.sheet.naturalHeight / Math.ceil(layer.tiles / layer.columns);
      const [sx, sy] = [(tile % layer.columns) * side, Math.floor(tile / layer.columns) * height];
      const { x, y, w, h } = panel.area;
      context.imageSmoothingEnabled = layer.smooth;
      context.drawImage(layer.sheet, sx, sy, side, height, x, y, w, h);
    },

    heat(panel, context, layer, at) {
      const [, h, w] = layer.shape;
      const table = TABLES[layer.map];
      const start = offset(layer, at);
      layer.small = layer.small || new OffscreenCanvas(w, h);
      const small = layer.small.getContext("2d");
      const image = small.createImageData(w, h);
      for (let i = 0; i < w * h; i++) {
        const [r, g, b] = table[layer.values[start + i]];
        image.data.set([r, g, b, 255], 4 * i);
      }
      small.putImageData(image, 0, 0);
      context.imageSmoothingEnabled = layer.smooth;
      context.drawImage(layer.small, panel.area.x, panel.area.y, panel.area.w, panel.area.h);
    },

    points(panel, context, layer, at) {
      const start = offset(layer, at);
      context.fillStyle = ink(panel.canvas, layer.colour);
      context.globalAlpha = layer.alpha;
      for (let i = 0; i < layer.shape[1]; i++) {
        const [x, y] = layer.values.subarray(start + 2 * i, start + 2 * i + 2);
        dot(context, panel.px(x), panel.py(y), layer.size);
      }
      context.globalAlpha = 1;
    },

    arrows(panel, context, layer, at) {
      const start = offset(layer, at);
      context.strokeStyle = ink(panel.canvas, layer.colour);
      context.lineWidth = 1.2;
      context.beginPath();
      for (let i = 0; i < layer.shape[1]; i++) {
        const [x, y, dx, dy] = layer.values.subarray(start + 4 * i, start + 4 * i + 4);
        const [x0, y0, x1, y1] = [panel.px(x), panel.py(y), panel.px(x + dx), panel.py(y + dy)];
        const angle = Math.atan2(y1 - y0, x1 - x0);
        const head = Math.min(5, Math.hypot(x1 - x0, y1 - y0) / 2);
        context.moveTo(x0, y0);
        context.lineTo(x1, y1);
        for (const turn of [2.6, -2.6]) {
          context.moveTo(x1, y1);
          context.lineTo(x1 + head * Math.cos(angle + turn), y1 + head * Math.sin(angle + turn));
        }
      }
      context.stroke();
    },

    // Paths of shape [T, N, 2], each drawn from its first point to where it is now.
    lines(panel, context, layer, at) {
      const [frames, n] = layer.shape;
      const end = Math.min(at, frames - 1);
      context.strokeStyle = ink(panel.canvas, layer.colour);
      context.globalAlpha = layer.alpha;
      context.lineWidth = 1;
      context.beginPath();
      for (let i = 0; i < n; i++) {
        for (let t = 0; t <= end; t++) {
          const k = 2 * (t * n + i);
          const [x, y] = [panel.px(layer.values[k]), panel.py(layer.values[k + 1])];
          if (t === 0) context.moveTo(x, y);
          else context.lineTo(x, y);
        }
      }
      context.stroke();
      context.globalAlpha = 1;
    },

    // One curve of shape [1, N, 2]; with a marker, a dot stands on it at the present frame.
    curve(panel, context, layer, at) {
      const n = layer.shape[1];
      context.strokeStyle = context.fillStyle = ink(panel.canvas, layer.colour);
      context.lineWidth = 2;
      context.setLineDash(layer.dashed ? [6, 4] : []);
      context.beginPath();
      for (let i = 0; i < n; i++) {
        const [x, y] = [panel.px(layer.values[2 * i]), panel.py(layer.values[2 * i + 1])];
        if (i === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      }
      context.stroke();
      context.setLineDash([]);
      if (layer.marker) {
        const i = layer.marker[Math.min(at, layer.marker.length - 1)];
        dot(context, panel.px(layer.values[2 * i]), panel.py(layer.values[2 * i + 1]), 5);
      }
    },
  };

  // --- the whole ---
  class PlayerView {
    constructor(element, props, trigger) {
      this.props = props;
      this.trigger = trigger;
      this.at = 0;
      this.panels = [];
      this.root = element.querySelector(".player");
      this.row = this.root.querySelector(".panels");
      this.controls = this.root.querySelector(".controls");
      this.play = this.controls.querySelector(".play");
      this.slider = this.controls.querySelector("input");
      this.name = this.controls.querySelector("output");
      this.note = this.root.querySelector(".note");
      this.play.addEventListener("click", () => (this.timer ? this.pause() : this.run()));
      this.controls.querySelector(".back").addEventListener("click", () => this.step(-1));
      this.controls.querySelector(".forth").addEventListener("click", () => this.step(1));
      this.slider.addEventListener("input", () => {
        this.pause();
        this.go(+this.slider.value);
      });
      this.slider.addEventListener("keydown", (event) => {
        if (event.key === " ") {
          event.preventDefault();
          this.play.click();
        }
      });
      this.resizing = new ResizeObserver(() => this.draw());
      this.resizing.observe(this.row);
      this.repainting = new MutationObserver(() => this.draw()); // the theme was switched
      this.repainting.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    }

    async load() {
      let clip;
      try {
        clip = JSON.parse(this.props.value);
      } catch {
        return; // nothing to show yet
      }
      const wasAtEnd = !this.clip || this.at >= this.clip.frames - 1;
      const turn = (this.turn = {}); // a clip that comes while pictures of this one load wins
      while (this.panels.length < clip.panels.length) this.panels.push(new Panel(this, this.panels.length));
      this.panels.length = clip.panels.length;
      await Promise.all(clip.panels.map((spec, k) => this.panels[k].show(spec)));
      if (turn !== this.turn) return;
      if (this.row.children.length !== this.panels.length) this.row.replaceChildren(...this.panels.map((p) => p.box));
      this.clip = clip;
      this.slider.max = clip.frames - 1;
      this.controls.hidden = clip.frames < 2;
      this.note.textContent = clip.note || "";
      if (clip.play && clip.frames > 1 && !reduced.matches) {
        this.go(0);
        this.run();
      } else if (!this.timer) {
        this.go(wasAtEnd ? clip.frames - 1 : Math.min(this.at, clip.frames - 1));
      }
    }

    go(frame) {
      this.at = frame;
      this.slider.value = frame;
      const label = (this.clip.labels || [])[frame] || `${frame + 1} of ${this.clip.frames}`;
      this.name.textContent = label;
      this.slider.setAttribute("aria-valuetext", label);
      this.draw();
    }

    step(by) {
      this.pause();
      this.go(Math.max(0, Math.min(this.clip.frames - 1, this.at + by)));
    }

    run() {
      clearInterval(this.timer);
      if (this.at >= this.clip.frames - 1) this.go(0);
      this.play.textContent = "❚❚";
      this.play.setAttribute("aria-label", "Pause");
      this.timer = setInterval(() => {
        if (!this.root.isConnected) return this.pause();
        this.go(Math.min(this.at + 1, this.clip.frames - 1));
        if (this.at >= this.clip.frames - 1) this.pause();
      }, 1000 / this.clip.rate);
    }

    pause() {
      clearInterval(this.timer);
      this.timer = null;
      this.play.textContent = "▶";
      this.play.setAttribute("aria-label", "Play");
    }

    draw() {
      for (const panel of this.panels) panel.draw();
    }
  }

  return {
    mount(element, props, watch, trigger) {
      const view = new PlayerView(element, props, trigger);
      element.player = view; // for tests
      watch("value", () => view.load());
      view.load();
    },
  };
})();
