// The player: takes a clip from Gradio (see __init__.py for its format) and moves through its frames, without asking
// the server.

const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
const MOVES = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/** `<clip-player>`: an element of its own, since the browser tells it when it leaves the page. */
class ClipPlayer extends HTMLElement {
  static follow = follow; // for other components' scripts
  panels = [];
  clip = null;
  at = 0;
  timer = null;
  said = []; // what stands beside the opening, in components of their own: `tells` in __init__.py fetches it here
  overtaken = new AbortController();
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
    this.overtaken.abort();
    if (this.loading) return;
    this.loading = true;
    try {
      while (this.waiting) {
        const next = this.waiting;
        this.waiting = null;
        this.overtaken = new AbortController();
        const value = JSON.parse(next);
        this.classList.toggle("coming", !this.clip && "src" in value); // keeps room for it
        const wait = () => this.say("This picture is being drawn…");
        const found = await opening(this, value, this.overtaken.signal, wait);
        if (!found) continue;
        const { clip, said } = "clip" in found ? found : { clip: found };
        this.show(clip, await Promise.all(clip.panels.map(({ layers }) => Promise.all(layers.map(unpack)))));
        if (said && !this.waiting) this.tell(said);
      }
    } catch (error) {
      this.note.textContent = "This picture could not be loaded. Reload the page to try again.";
      throw error;
    } finally {
      this.classList.remove("coming");
      this.loading = false;
    }
  }

  /** Says this as long as there is no clip. */
  say(text) {
    if (!this.clip) this.note.textContent = text;
  }

  /** Has the components beside the player show what is said there of its opening. */
  tell(said) {
    this.said = said;
    this.trigger("submit");
  }

  /** Shows a clip, all at once. Who was at the end of the last one stays at the end; who looked back stays there. */
  show(clip, layers) {
    const atEnd = !this.clip || this.at >= this.clip.frames - 1;
    const last = clip.frames - 1;
    const first = this.clip ? undefined : clip.start;
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
      this.go(first ?? (atEnd && !this.timer ? last : Math.min(this.at, last)));
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
