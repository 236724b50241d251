// What a component opens with, where the page only knows where it lies or will lie (see promises.py): it is fetched
// when the component comes near the screen, so that the server first makes what is looked at.

const PATIENCE = 200; // times that an opening that is still being made is asked for
const PAUSE = 300; // milliseconds between them
const NEAR = "100% 0px"; // a screen above and below

/** A component's value or, where that is {"src": …}, what lies there; `waits` is called while it is being made.
 * Nothing once `signal` says that there is a newer value. */
async function opening(element, value, signal, waits) {
  if (!("src" in value)) return value;
  await near(element, signal);
  for (let k = 0; k < PATIENCE; k++) {
    if (signal.aborted) return null;
    const answer = await fetch(value.src, { cache: "no-cache" });
    if (!answer.ok) break;
    const made = await answer.json();
    if (made) return signal.aborted ? null : made;
    waits();
    await new Promise((done) => setTimeout(done, PAUSE));
  }
  throw new Error(`${value.src} cannot be had`);
}

/** Waits until the element is, or nearly is, on the screen, which it is not in a tab that is not open; or for `signal`. */
function near(element, signal) {
  return new Promise((done) => {
    const over = () => {
      seen.disconnect();
      done();
    };
    // With a root of its own, the margin counts inside a frame of another site, too.
    const options = { root: document, rootMargin: NEAR };
    const seen = new IntersectionObserver((found) => found.some((one) => one.isIntersecting) && over(), options);
    seen.observe(element);
    signal.addEventListener("abort", over);
  });
}

/** Has `show` called with each value of a component, the newest one only; `say`, with what there is to be said while its
 * opening is being made, or cannot be had. For what is no player. */
function follow(element, props, watch, show, say) {
  let overtaken = new AbortController();
  const load = async () => {
    overtaken.abort();
    overtaken = new AbortController();
    const { signal } = overtaken;
    const waits = () => say("These pictures are being drawn…");
    try {
      const value = props.value && (await opening(element, JSON.parse(props.value), signal, waits));
      if (value && !signal.aborted) show(value);
    } catch (error) {
      if (!signal.aborted) say("These pictures could not be loaded. Reload the page to try again.");
      throw error;
    }
  };
  watch("value", load);
  load();
}
