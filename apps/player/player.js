// The player: takes a clip from Gradio (see __init__.py for its format) and moves through its frames, without asking
// the server.

const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
const MOVES = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

const PATIENCE = 200; // times that a clip that is still being made is asked for
const PAUSE = 300; // milliseconds between them

/** `<clip-player>`: an element of its own, since the browser tells it when it leaves the page. */
class ClipPlayer extends HTMLElement {
  panels = [];
  clip = null;
  at = 0;
  timer = null;
  resizing = new ResizeObserver(() => this.draw());
  theming = new MutationObserver(() => this.draw());

  connectedCallback() {
    this.resizing.observe(this);
    this.theming.observe(document.body, { attributeFilter: ["class"] }); // Gradio's dark theme is a class there
  }

  disconnectedCallback() {
    this.resizing.disconnect();
    this.theming.disconnect(); // or the body would keep this player for ever
    this.pause();
  }

  /** Called by Gradio with what it gives to a component's script. */
  mount(props, watch, trigger) {
    this.trigger = trigger;
    this.row = this.querySelector(".panels");
    this.controls = this.querySelector(".controls");
    this.toggle = this.querySelector(".play");
    this.slider = this.querySelector("input");
    this.name = this.querySelector("output");
    this.note = this.querySelector(".note");
    this.toggle.addEventListener("click", () => (this.timer ? this.pause() : this.play()));
    this.querySelector(".back").addEventListener("click", () => this.step(-1));
    this.querySelector(".forth").addEventListener("click", () => this.step(1));
    this.slider.addEventListener("input", () => this.step(this.slider.value - this.at));
    this.addEventListener("keydown", (event) => this.listen(event));
    watch("value", () => this.load(props.value));
    this.load(props.value);
  }

  listen(event) {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || this.controls.hidden) return;
    if (event.key in MOVES) this.step(MOVES[event.key]);
    else if (event.key === " " && !event.target.closest("button")) this.toggle.click();
    else return;
    event.preventDefault();
  }

  /** Shows a clip as soon as its pictures are decoded. Of clips that come meanwhile, only the last is shown. */
  async load(value) {
    this.waiting = value;
    if (this.loading) return;
    this.loading = true;
    try {
      while (this.waiting) {
        const next = this.waiting;
        this.waiting = null;
        const clip = await this.fetched(JSON.parse(next));
        if (!clip) continue;
        this.show(clip, await Promise.all(clip.panels.map(({ layers }) => Promise.all(layers.map(unpack)))));
      }
    } catch (error) {
      this.note.textContent = "This picture could not be loaded. Reload the page to try again.";
      throw error;
    } finally {
      this.loading = false;
    }
  }

  /** The clip itself, where the page only knows where it lies, or will lie once the server has made it; nothing once
   * another one is waiting. */
  async fetched(clip) {
    if (!("src" in clip)) return clip;
    for (let k = 0; k < PATIENCE; k++) {
      if (this.waiting) return null;
      const answer = await fetch(clip.src, { cache: "no-cache" });
      if (!answer.ok) break;
      const made = await answer.json();
      if (made) return made;
      if (!this.clip) this.note.textContent = "This picture is being drawn…";
      await new Promise((done) => setTimeout(done, PAUSE));
    }
    throw new Error(`${clip.src} cannot be had`);
  }

  /** Shows a clip, all at once. Who was at the end of the last one stays at the end; who looked back stays there. */
  show(clip, layers) {
    const atEnd = !this.clip || this.at >= this.clip.frames - 1;
    const last = clip.frames - 1;
    const opening = this.clip ? undefined : clip.start;
    this.clip = clip;
    for (const panel of this.panels.splice(clip.panels.length)) {
      panel.release();
      panel.box.remove();
    }
    while (this.panels.length < clip.panels.length) {
      const panel = new Panel(this, this.panels.length);
      this.panels.push(panel);
      this.row.append(panel.box);
    }
    this.panels.forEach((panel, k) => panel.show(clip.panels[k], layers[k]));
    this.slider.max = last;
    this.controls.hidden = last === 0;
    this.note.textContent = clip.note;
    if (clip.play && last > 0 && !reducedMotion.matches) {
      this.go(0);
      this.play();
    } else {
      this.go(opening ?? (atEnd && !this.timer ? last : Math.min(this.at, last)));
    }
  }

  go(frame) {
    this.at = frame;
    this.slider.value = frame;
    const label = this.clip.labels?.[frame] || `${frame + 1} of ${this.clip.frames}`;
    this.name.textContent = label;
    this.slider.setAttribute("aria-valuetext", label);
    this.draw();
  }

  step(by) {
    this.pause();
    this.go(Math.max(0, Math.min(this.clip.frames - 1, this.at + by)));
  }

  play() {
    if (!this.isConnected) return; // it left the page while pictures were being decoded
    clearInterval(this.timer);
    if (this.at >= this.clip.frames - 1) this.go(0);
    this.timer = setInterval(() => {
      this.go(Math.min(this.at + 1, this.clip.frames - 1));
      if (this.at === this.clip.frames - 1) this.pause();
    }, 1000 / this.clip.rate);
    this.showState("❚❚", "Pause");
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.showState("▶", "Play");
  }

  showState(sign, action) {
    this.toggle.textContent = sign;
    this.toggle.setAttribute("aria-label", action);
  }

  draw() {
    for (const panel of this.panels) panel.draw();
  }

  /** Draws the panels that show what is at the pointer of another one. */
  follow(index) {
    for (const panel of this.panels) {
      if (panel.layers.some((layer) => layer.follows === index)) panel.draw();
    }
  }
}

customElements.define("clip-player", ClipPlayer);
