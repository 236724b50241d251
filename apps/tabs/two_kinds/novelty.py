"""The lab "who notices?": how well scores of strangeness tell 2–9, which no model has seen, from 0 and 1."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Generator, Mapping
from typing import Any

import gradio as gr
import numpy as np

from apps import limits, player
from apps.tabs.two_kinds import missing, recorded
from tutorial import measurements
from tutorial.two_kinds import kinds, novelty
from tutorial.two_kinds.novelty import BOTH, LOST, SCORES

SPACES = [str(d) for d in kinds.SPACES]
DENSITIES, DOUBTS = "by a density", "by a classifier's doubt"
STYLES = {
    DENSITIES: {
        kinds.BAYES: ("noise", False),
        kinds.LDA: ("noise", True),
        kinds.QDA: ("field", False),
        kinds.KERNEL: ("field", True),
        kinds.MIXTURE: ("generated", False),
    },
    DOUBTS: {kinds.LOGISTIC: ("field", False), kinds.MLP: ("field", True)},
    "by what the components lose": {LOST: ("boundary", False), BOTH: ("boundary", True)},
}
"""Panel → score → colour, and whether its curve is dashed."""
Curves = Mapping[str, Mapping[str, Any]]
"""Score → its "area", "false_alarms" and "found"."""
DEFAULTS: dict[str, Any] = {"space": "50"}


def check(space: Any) -> int:
    """How many components. Raises gr.Error for anything but one of `SPACES`."""
    return int(limits.choice("The components", str(space), SPACES))


def work(space: int) -> Generator[tuple[str, Curves] | None, None, None]:
    """Scores all test digits: (how far, curves so far), after each score."""
    found: dict[str, Mapping[str, Any]] = {}
    for part in novelty.curves(space):
        if part is None:
            yield None
            continue
        name, curve = part
        found[name] = {"area": curve.area, **novelty.thinned(curve)}
        yield f"{len(found)} of {len(SCORES)} scores done", found
    yield f"{space} components, measured just now.", found


def picture(of: Curves, note: str) -> str:
    """The curves, in a panel for each way to tell, as the player takes them."""
    panels = []
    for title, styles in STYLES.items():
        layers = [player.curve(np.array([0, 1]), np.array([0, 1]), "exact", "chance: AUC 0.500", dashed=True)]
        for name in filter(of.__contains__, styles):
            colour, dashed = styles[name]
            x, y = (np.array(of[name][end]) for end in ("false_alarms", "found"))
            layers.append(player.curve(x, y, colour, f"{name}: AUC {of[name]['area']:.3f}", dashed=dashed))
        panels.append(player.panel(layers, title=title, x=(0, 1, "false alarms"), y=(0, 1, "2–9 found")))
    return player.clip(panels, note=f"{note} AUC: the probability that a 2–9 looks stranger than a 0 or 1.")


def recordings() -> dict[str, str]:
    """The picture of what was measured ahead in each space. Raises MeasurementsError if it is missing or damaged."""
    content = measurements.load("two_kinds", needs=("spaces",))
    made = f"recorded by {content['command']}; “Measure again” does it here."
    try:
        return {d: picture(content["spaces"][d]["novelty"], f"{d} components, {made}") for d in SPACES}
    except (KeyError, TypeError) as error:
        raise measurements.MeasurementsError(
            f"The measurement of who notices what is strange is damaged. Make it again: `{content['command']}`"
        ) from error


def who_notices(request: gr.Request, space: int = 50):
    """How well scores of models of MNIST's 0 and 1 find 2–9 among the test digits. Yields (progress, areas so far).

    space 2, 10 or 50 components. An area is that under the receiver operating characteristic of a score: log p(x) of
    generative models, the doubt of classifiers, what the components lose.
    """
    for text, found in limits.run(request, missing.told(work(check(space)))):
        yield text, {name: curve["area"] for name, curve in found.items()}


who_notices.__annotations__["return"] = tuple[str, dict[str, float]]


def lab(page: gr.Blocks) -> None:
    """The lab's picture and controls; it opens with what was recorded."""
    gr.api(who_notices, api_name="who_notices")
    try:
        films = recordings()
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(films[DEFAULTS["space"]], elem_id="novelty")
    with gr.Row():
        space = gr.Radio(SPACES, value=DEFAULTS["space"], label="Among how many components", elem_id="novelty-space")
    buttons = recorded.buttons("novelty")

    def measured(request: gr.Request, chosen: Any) -> Generator[str, None, None]:
        text, found = "", {}
        for text, found in limits.run(request, missing.told(work(check(chosen))), "novelty"):
            yield picture(found, text)
        if text.endswith("done"):
            yield picture(found, f"{text}, then stopped.")

    recorded.connect(page, "novelty", measured, films, {"space": space}, [film], buttons, check)
