// Gradio tells a lab that a slider was let go only when a pointer did it. Keys let go of it too, and Enter in its box.
const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];

document.addEventListener("keyup", ({ key, target }) => {
  const moved = target.matches?.('.block input[type="range"]') && MOVES.includes(key);
  const typed = target.matches?.('.block input[aria-label^="number input for"]') && key === "Enter";
  if (moved || typed) target.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
});
