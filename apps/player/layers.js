// The kinds of layers (their data is described in __init__.py): how each is drawn, and what it says at a place.

const NOTHING = 255; // the code of a heat map's NaN

// Five stops of viridis (van der Walt & Smith 2015) and of a blue-white-red map; between them, straight lines. A verdict
// is in the hues of what is generated and what is real, pale enough for points of these hues on it.
const MAPS = {
  viridis: [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]],
  diverging: [[33, 102, 172], [146, 197, 222], [247, 247, 247], [244, 165, 130], [178, 24, 43]],
  grey: [[0, 0, 0], [255, 255, 255]],
  verdict: [[243, 178, 118], [248, 222, 198], [246, 245, 242], [196, 222, 240], [116, 184, 226]],
};

/** A map's colours as canvas pixels, for each code; the last stays transparent. */
function pixelsOfCodes(stops) {
  const rgba = new Uint8ClampedArray(4 * 256);
  for (let code = 0; code < NOTHING; code++) {
    const place = (code / (NOTHING - 1)) * (stops.length - 1);
    const k = Math.min(Math.floor(place), stops.length - 2);
    const colour = stops[k].map((c, j) => c + (place - k) * (stops[k + 1][j] - c));
    rgba.set([...colour, 255], 4 * code);
  }
  return new Uint32Array(rgba.buffer);
}
const PIXELS = Object.fromEntries(Object.entries(MAPS).map(([name, stops]) => [name, pixelsOfCodes(stops)]));
const gradient = (map) => `linear-gradient(90deg, ${MAPS[map].map((rgb) => `rgb(${rgb})`)})`;

/** The hue of one of COLOURS, as player.css has it for the present theme. */
const hue = (element, colour) => getComputedStyle(element).getPropertyValue(`--${colour}`).trim();

function bytes(base64) {
  const text = atob(base64);
  const data = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) data[i] = text.charCodeAt(i);
  return data;
}

/** A layer whose numbers, or whose decoded picture, can be drawn at once. */
async function unpack({ data, ...layer }) {
  const raw = bytes(data);
  if (layer.kind === "image" || layer.kind === "lens") return { ...layer, sheet: await createImageBitmap(new Blob([raw])) };
  return { ...layer, values: layer.kind === "heat" ? raw : new Float32Array(raw.buffer) };
}

/** Where frame `at` starts in a layer's numbers; a layer with fewer frames stays at its last one. */
function offset(layer, at) {
  const [frames, ...rest] = layer.shape;
  return Math.min(at, frames - 1) * rest.reduce((a, b) => a * b, 1);
}

/** The numbers of frame `at`. */
function present(layer, at) {
  const start = offset(layer, at);
  return layer.values.subarray(start, start + 2 * layer.shape[1]);
}

/** What a code of a heat map stands for, in no more digits than can be known from one of 255 codes. */
function valueOf(layer, code) {
  const [low, high] = layer.range;
  const step = (high - low) / (NOTHING - 1);
  const decimals = Math.min(20, Math.max(0, -Math.floor(Math.log10(step))));
  return brief(Number((low + code * step).toFixed(decimals)));
}

function dot(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

const scratch = new OffscreenCanvas(1, 1); // heat maps are put here cell by cell, and then drawn at their size

function drawTile(layer, tile, panel, context) {
  const width = layer.sheet.width / layer.columns;
  const height = layer.sheet.height / Math.ceil(layer.tiles / layer.columns);
  const [left, top] = [(tile % layer.columns) * width, Math.floor(tile / layer.columns) * height];
  const { x, y, w, h } = panel.area;
  context.imageSmoothingEnabled = layer.smooth;
  context.drawImage(layer.sheet, left, top, width, height, x, y, w, h);
}

/** The two of n evenly spread things that are nearest to a share of the way, and how much of each is there. */
function nearestTwo(share, n) {
  const place = Math.min(n - 1, Math.max(0, share * n - 0.5));
  const k = Math.min(Math.floor(place), n - 2);
  return [[k, 1 - (place - k)], [k + 1, place - k]];
}

const KINDS = {
  image: {
    draw(layer, panel, context, at) {
      drawTile(layer, Math.min(at, layer.tiles - 1), panel, context);
    },
    say: () => "",
  },

  lens: {
    draw(layer, panel, context) {
      const { u, v } = panel.player.panels[layer.follows].pointed;
      context.globalCompositeOperation = "lighter"; // shares that add up to one are a mean
      for (const [row, down] of nearestTwo(v, layer.tiles / layer.across)) {
        for (const [column, right] of nearestTwo(u, layer.across)) {
          context.globalAlpha = down * right;
          drawTile(layer, row * layer.across + column, panel, context);
        }
      }
      context.globalAlpha = 1;
      context.globalCompositeOperation = "source-over";
    },
    say: () => "",
  },

  heat: {
    draw(layer, panel, context, at) {
      const [, rows, columns] = layer.shape;
      const start = offset(layer, at);
      const cells = new ImageData(columns, rows);
      const pixels = new Uint32Array(cells.data.buffer);
      for (let i = 0; i < pixels.length; i++) pixels[i] = PIXELS[layer.map][layer.values[start + i]];
      [scratch.width, scratch.height] = [columns, rows];
      scratch.getContext("2d").putImageData(cells, 0, 0);
      const { x, y, w, h } = panel.area;
      context.imageSmoothingEnabled = layer.smooth;
      context.drawImage(scratch, x, y, w, h);
    },
    say(layer, panel, spot, at) {
      const [, rows, columns] = layer.shape;
      const row = Math.min(rows - 1, Math.floor(spot.v * rows));
      const column = Math.min(columns - 1, Math.floor(spot.u * columns));
      const code = layer.values[offset(layer, at) + row * columns + column];
      if (code === NOTHING) return "";
      const end = code === 0 ? "≤ " : code === NOTHING - 1 ? "≥ " : "";
      return `${layer.name || "value"} ${end}${valueOf(layer, code)} ${layer.unit}`.trimEnd();
    },
  },

  points: {
    draw(layer, panel, context, at) {
      const { values } = layer;
      const start = offset(layer, at);
      context.fillStyle = hue(panel.canvas, layer.colour);
      context.globalAlpha = layer.alpha;
      for (let i = start; i < start + 2 * layer.shape[1]; i += 2) {
        dot(context, panel.px(values[i]), panel.py(values[i + 1]), layer.size);
      }
      context.globalAlpha = 1;
    },
    say(layer, panel, spot, at) {
      const start = offset(layer, at);
      const [x, y] = panel.pixel(spot);
      const near = (i) => Math.hypot(panel.px(layer.values[i]) - x, panel.py(layer.values[i + 1]) - y) < 8;
      return (layer.notes || []).find((_, i) => near(start + 2 * i)) || "";
    },
  },

  arrows: {
    draw(layer, panel, context, at) {
      const { values } = layer;
      const start = offset(layer, at);
      context.strokeStyle = hue(panel.canvas, layer.colour);
      context.lineWidth = 1.2;
      context.beginPath();
      for (let i = start; i < start + 4 * layer.shape[1]; i += 4) {
        const [x0, y0] = [panel.px(values[i]), panel.py(values[i + 1])];
        const [x1, y1] = [panel.px(values[i] + values[i + 2]), panel.py(values[i + 1] + values[i + 3])];
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
    say: () => "",
  },

  lines: {
    draw(layer, panel, context, at) {
      const { values } = layer;
      const [frames, n] = layer.shape;
      const end = Math.min(at, frames - 1);
      context.strokeStyle = hue(panel.canvas, layer.colour);
      context.globalAlpha = layer.alpha;
      context.lineWidth = 1;
      context.beginPath();
      for (let path = 0; path < n; path++) {
        for (let frame = 0; frame <= end; frame++) {
          const i = 2 * (frame * n + path);
          if (frame === 0) context.moveTo(panel.px(values[i]), panel.py(values[i + 1]));
          else context.lineTo(panel.px(values[i]), panel.py(values[i + 1]));
        }
      }
      context.stroke();
      context.globalAlpha = 1;
    },
    say: () => "",
  },

  mesh: {
    draw(layer, panel, context, at) {
      const { values, ends } = layer;
      const start = offset(layer, at);
      context.strokeStyle = hue(panel.canvas, layer.colour);
      context.globalAlpha = layer.alpha;
      context.lineWidth = 1;
      context.beginPath();
      let i = 0;
      for (const end of ends) {
        for (const first = i; i < end; i++) {
          const [x, y] = [panel.px(values[start + 2 * i]), panel.py(values[start + 2 * i + 1])];
          if (i === first) context.moveTo(x, y);
          else context.lineTo(x, y);
        }
      }
      context.stroke();
      context.globalAlpha = 1;
    },
    say: () => "",
  },

  curve: {
    draw(layer, panel, context, at) {
      const { marker } = layer;
      const values = present(layer, at);
      context.strokeStyle = context.fillStyle = hue(panel.canvas, layer.colour);
      context.lineWidth = 2;
      context.lineJoin = "round";
      context.setLineDash(layer.dashed ? [6, 4] : []);
      context.beginPath();
      for (let i = 0; i < values.length; i += 2) context.lineTo(panel.px(values[i]), panel.py(values[i + 1]));
      context.stroke();
      context.setLineDash([]);
      if (marker) {
        const i = 2 * marker[Math.min(at, marker.length - 1)];
        dot(context, panel.px(values[i]), panel.py(values[i + 1]), 5);
      }
    },
    say(layer, panel, spot, at) {
      const values = present(layer, at);
      if (values.length === 0 || !layer.told) return "";
      const [x] = panel.pixel(spot);
      let nearest = 0;
      for (let i = 2; i < values.length; i += 2) {
        if (Math.abs(panel.px(values[i]) - x) < Math.abs(panel.px(values[nearest]) - x)) nearest = i;
      }
      return `${layer.name || "y"} ${brief(values[nearest + 1])}`;
    },
  },
};
