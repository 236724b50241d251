// Draws the value of the pipeline (see pipeline.py). `element`, `props` and `watch` come from gr.HTML, `make` from
// scripts.js.

function card(node, wasOpen) {
  const item = make("li");
  const face = make("div", "face");
  face.append(make("strong", "", node.title));
  const strip = make("div", "strip " + node.title.toLowerCase().replace(/[^a-z]/g, ""));
  for (const [text, known] of node.chips || []) {
    const chip = make("span", known ? "chip" : "chip strange", text);
    if (!known) chip.title = "never seen in training";
    strip.append(chip);
  }
  for (const url of node.pictures || []) {
    const image = make("img");
    image.src = url;
    image.alt = "";
    strip.append(image);
  }
  face.append(strip, make("span", "note", node.note));
  const more = make("details");
  more.open = wasOpen;
  more.append(make("summary", "", "Look inside"));
  const facts = make("ul");
  facts.append(...node.facts.map((fact) => make("li", "", fact)));
  const code = make("pre", "", node.code);
  more.append(facts, code);
  item.append(face, more);
  return item;
}

function draw(value) {
  const list = element.querySelector(".pipeline");
  const open = [...list.querySelectorAll(":scope > li > details")].map((one) => one.open);
  list.replaceChildren(...value.nodes.map((node, k) => card(node, open[k] || false)));
}

customElements.get("clip-player").follow(element, props, watch, draw, (text) => {
  element.querySelector(".pipeline").textContent = text;
});
