// Draws the value of the gallery (see gallery.py). `element`, `props` and `watch` come from gr.HTML, `make` and `bytes`
// from scripts.js, and `clip-player` is the player's.
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
      cell.append(make("figcaption", "", "seed " + (value.seed + k))); // as high as the button that will stand there
      canvas = make("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", "Rough preview of a picture being drawn");
      cell.prepend(canvas);
    }
    paint(canvas, value.side, bytes(value.previews[k]));
  });
}

function showPictures(value) {
  const panel = element.querySelector(".about");
  panel.id = panel.id || "about-" + Math.random().toString(36).slice(2);
  cells(value.pictures.length, "picture").forEach((cell, k) => {
    const picture = value.pictures[k];
    const image = make("img");
    image.src = picture.png;
    image.alt = picture.alt;
    const caption = make("figcaption");
    const more = make("button", "", "seed " + picture.seed); // what a curious visitor opens
    more.type = "button";
    more.setAttribute("aria-expanded", "false");
    more.setAttribute("aria-controls", panel.id);
    more.setAttribute("aria-label", "About the picture of seed " + picture.seed);
    more.addEventListener("click", () => tellAbout(picture, more));
    image.addEventListener("click", () => more.click());
    caption.append(more);
    cell.replaceChildren(image, caption);
  });
}

// One panel under all pictures: a text inside a narrow cell would tear the grid apart.
function tellAbout(picture, button) {
  const panel = element.querySelector(".about");
  const opens = button.getAttribute("aria-expanded") === "false";
  closeAbout();
  if (!opens) return;
  button.setAttribute("aria-expanded", "true");
  const twin = make("img");
  twin.src = picture.closest;
  twin.alt = "Training critter number " + picture.closest_seed;
  const pair = make("figure", "twin");
  pair.append(twin, make("figcaption", "", "closest in training"));
  const save = make("a", "", "Save as PNG");
  save.href = picture.png;
  save.download = picture.name;
  const words = make("div");
  words.append(
    make("p", "", "Seed " + picture.seed + ". The attribute reader sees: " + picture.sees + "."),
    make("p", "", picture.closest_text),
    save,
  );
  panel.replaceChildren(pair, words);
  panel.hidden = false;
  panel.scrollIntoView({ block: "nearest" });
}

function closeAbout() {
  element.querySelector(".about").hidden = true;
  element.querySelectorAll("figcaption button").forEach((b) => b.setAttribute("aria-expanded", "false"));
}

function say(text) {
  element.querySelector(".status").textContent = text;
}

function draw(value) {
  if (value.previews && element.querySelector(".gallery").classList.contains("stopped")) return; // it came too late
  closeAbout();
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

customElements.get("clip-player").follow(element, props, watch, draw, say);
