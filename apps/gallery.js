// Draws the value of the gallery (see gallery.py). `element`, `props` and `watch` come from gr.HTML.
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

function paint(canvas, side, rgb) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  for (let i = 0, j = 0; i < rgb.length; ) {
    image.data[j++] = rgb[i++];
    image.data[j++] = rgb[i++];
    image.data[j++] = rgb[i++];
    image.data[j++] = 255;
  }
  context.putImageData(image, 0, 0);
}

function cells(count, kind) {
  const box = element.querySelector(".cells");
  if (box.dataset.kind !== kind || box.children.length !== count) {
    box.replaceChildren(...Array.from({ length: count }, () => make("figure", "cell")));
    box.dataset.kind = kind;
    box.dataset.count = count;
  }
  return [...box.children];
}

function showPreviews(value) {
  cells(value.previews.length, "preview").forEach((cell, k) => {
    let canvas = cell.querySelector("canvas");
    if (!canvas) {
      canvas = make("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", "Rough preview of a picture being drawn");
      cell.append(canvas);
    }
    paint(canvas, value.side, bytes(value.previews[k]));
  });
}

function showPictures(value) {
  cells(value.pictures.length, "picture").forEach((cell, k) => {
    const picture = value.pictures[k];
    const image = make("img");
    image.src = picture.png;
    image.alt = picture.alt;
    const caption = make("figcaption");
    const more = make("details"); // what a curious visitor opens
    more.append(make("summary", "", "seed " + picture.seed));
    more.append(make("p", "", "The attribute reader sees: " + picture.sees + "."));
    if (picture.closest) {
      const pair = make("p", "closest");
      const twin = make("img");
      twin.src = picture.closest;
      twin.alt = "Training critter number " + picture.closest_seed;
      pair.append(twin, make("span", "", picture.closest_text));
      more.append(pair);
    }
    const save = make("a", "", "Save as PNG");
    save.href = picture.png;
    save.download = picture.name;
    more.append(save);
    caption.append(more);
    cell.replaceChildren(image, caption);
  });
}

function draw() {
  let value;
  try {
    value = JSON.parse(props.value);
  } catch {
    return; // nothing drawn yet
  }
  if (value.previews) showPreviews(value);
  if (value.pictures) showPictures(value);
  const bar = element.querySelector(".bar");
  bar.firstElementChild.style.width = 100 * value.progress + "%";
  bar.classList.toggle("done", value.progress >= 1);
  const status = element.querySelector(".status");
  status.setAttribute("aria-live", value.progress >= 1 ? "polite" : "off");
  status.textContent = value.status;
  element.querySelector(".notes").replaceChildren(...value.notes.map((note) => make("li", "", note)));
}

watch("value", draw);
draw();
