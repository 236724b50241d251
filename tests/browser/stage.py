"""A page with a player on it, for the player's tests: what it shows, and how they look at it."""

from __future__ import annotations

import json
import time

import numpy as np

from apps import player

T = 20
AXES = {"x": (-3.0, 3.0, "x₁"), "y": (-3.0, 3.0, "x₂")}
SCRUB = """() => {
  const slider = document.querySelector("#clip input[type=range]");
  const canvas = document.querySelectorAll("#clip canvas")[0];
  const times = [], seen = new Set();
  for (let k = 0; k < 40; k++) {
    const begun = performance.now();
    slider.value = k % 20;
    slider.dispatchEvent(new Event("input"));
    seen.add(canvas.getContext("2d").getImageData(20, 20, 1, 1).data.join());
    times.push(performance.now() - begun);
  }
  return { median: times.sort((a, b) => a - b)[20], seen: seen.size };
}"""


def everything() -> str:
    """A clip with every kind of layer; the frames of the first panel are plain greys, each darker than the last."""
    generator = np.random.default_rng(0)
    greys = np.repeat(np.linspace(250, 10, T).astype(np.uint8), 64 * 64 * 3).reshape(T, 64, 64, 3)
    walk = np.cumsum(generator.normal(size=(T, 50, 2)) * 0.2, 0)
    density = generator.random((1, 30, 30))
    score = np.concatenate([walk[:1], -0.1 * walk[:1]], axis=2)
    steps = np.arange(T)
    layers = [
        player.heat(density, "density", unit="nats"),
        player.lines(walk, "noise", "paths"),
        player.arrows(score, "field", "score"),
        player.points(walk, "generated", "samples"),
    ]
    loss = player.curve(steps, np.exp(-steps / 5), "generated", "loss", marker=range(T))
    floor = player.curve(steps, np.full(T, 0.2), "exact", "floor", dashed=True)
    field = player.heat(np.array([[[-3, 3], [np.nan, 0]]]), "field", map="diverging", unit="σ")
    x = np.geomspace(1, 100, 21)
    error = player.curve(x, 1 / x, "generated", "error")
    nothing = player.curve(x[:2], np.zeros(2), "exact", "nothing")  # has no place on a logarithmic axis
    return player.clip(
        [
            player.panel([player.image(greys)], title="<img src=x onerror=alert(1)>"),
            player.panel(layers, title="Samples", takes="click", **AXES),
            player.panel([loss, floor], title="Loss", x=(0, T - 1, "step"), y=(0, 1, "nats")),
            player.panel([player.points(walk[:1], "real")], title="Your own", takes="points", **AXES),
            player.panel([field], title="Field"),
            player.panel([error, nothing], title="Error", x=(1, 100, "n", "log"), y=(0.01, 1, "error", "log")),
        ],
        frames=T,
        labels=[f"t = {k}" for k in range(T)],
    )


def growing(k: int) -> str:
    """The clip of a training after its step k: one frame more than before, two plain pictures, a line without name."""
    dots = player.points(np.full((k + 1, 100, 2), 1.0), "generated", "samples")
    axis = player.curve(np.array([-3, 3]), np.zeros(2), "exact")
    grey = np.full((k + 1, 64, 64, 3), 100 + k, np.uint8)
    heat = player.heat(np.full((1, 8, 8), k), "steps")
    panels = [
        player.panel([dots, axis], title=f"frame {k}", **AXES),
        player.panel([player.image(grey)]),
        player.panel([heat]),
    ]
    return player.clip(panels, frames=k + 1)


def stream():
    """Forty clips as a training would send them, fifteen a second."""
    for k in range(40):
        yield growing(k)
        time.sleep(1 / 15)


def at(page, panel: int, u: float, v: float) -> tuple[float, float]:
    """Where on the screen a place of a panel is: (0, 0) is inside its axes on the upper left, (1, 1) lower right."""
    canvas = page.locator("#clip canvas").nth(panel)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    area = page.evaluate(f"document.querySelector('clip-player').panels[{panel}].area")
    return box["x"] + area["x"] + u * area["w"], box["y"] + area["y"] + v * area["h"]


def tip(page, panel: int, u: float, v: float) -> str:
    """What the player says when the pointer is there."""
    page.mouse.move(*at(page, panel, u, v))
    return page.locator("#clip .tip").nth(panel).inner_text()


def pixel(page, panel: int, u: float, v: float) -> list[int]:
    """Red, green, blue and opacity of what is drawn there."""
    return page.evaluate(
        """([k, u, v]) => {
            const { canvas, area } = document.querySelector("clip-player").panels[k];
            const scale = canvas.width / canvas.clientWidth;
            const [x, y] = [area.x + u * area.w, area.y + v * area.h].map((side) => Math.floor(side * scale));
            return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
        }""",
        [panel, u, v],
    )


def heard(page, word: str) -> dict:
    """What the page's handler was told last, once it contains a word."""
    page.wait_for_function(f"document.querySelector('#said textarea').value.includes('{word}')")
    return json.loads(page.input_value("#said textarea"))
