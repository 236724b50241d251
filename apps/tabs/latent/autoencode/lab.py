"""The lab "through the autoencoder": a picture's latent, what comes back, and what happens where latents end."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any

import gradio as gr

from apps import limits, links, player, wiring
from apps.player import promises
from apps.quantities import plain
from apps.tabs.latent.autoencode import pictures as drawn
from apps.tabs.latent.autoencode import scale as autoencode_scale
from apps.tabs.latent.autoencode.endpoint import autoencode
from apps.tabs.latent.autoencode.question import ANSWERS, HINT, QUESTION, answering
from apps.tabs.latent.autoencode.scene import (
    CHANNELS,
    DEFAULTS,
    LEAST,
    MOST,
    NONE,
    SWAPS,
    Scene,
    Wish,
    back,
    check,
    figures,
    sizes,
    staged,
)
from apps.tabs.latent.source import OWN, SOURCES, WORDS
from apps.tabs.latent.studio import studio
from apps.wiring import QUIET
from tutorial import weights
from tutorial.metrics.similarity import psnr

LAB, ASK, CHANGE = "autoencode", "autoencode-answer", "autoencode-change"
PICTURES = ("there", "figures", "channels", "between", "away", "scale")
"""What a run fills, in this order."""


def works(scene: Scene, answered: bool) -> tuple[Generator[str | None, None, None], ...]:
    """What makes each of `PICTURES`."""

    def told() -> Generator[str | None, None, None]:
        forms: list[Any] = []
        yield from drawn.all_of(sizes(scene), forms)
        yield figures(scene, forms)

    return (
        drawn.there_and_back(scene),
        told(),
        drawn.each_channel(scene, answered),
        drawn.between(scene),
        drawn.off_the_map(scene),
        autoencode_scale.rescaling(scene),
    )


Shown = tuple[Any, ...]


def filled(**new: Any) -> Shown:
    """New values of some of `PICTURES`; the others stay."""
    return tuple(new.get(name, gr.skip()) for name in PICTURES)


def work(chosen: tuple[Wish, bool]) -> Generator[Shown | None, None, None]:
    """A line on how far it is, and one of the pictures after the other."""
    (wish, answered), begun = chosen, time.monotonic()
    scene = staged(wish)
    back_again, seconds = summary(scene), time.monotonic() - begun
    yield None
    begun = time.monotonic()
    for k, (name, pieces) in enumerate(zip(PICTURES, works(scene, answered), strict=True)):
        for piece in pieces:
            seconds += time.monotonic() - begun
            line = f"{back_again} {seconds:.1f} s of computing."
            if k + 1 < len(PICTURES):
                line = f"{back_again.removesuffix('.')}: {k + 1} of {len(PICTURES)} parts"
            yield None if piece is None else (line, *filled(**{name: piece}))
            begun = time.monotonic()


def changing(chosen: tuple[Wish, bool]) -> Generator[Shown | None, None, None]:
    """Only what a change of the latent changes."""
    scene = staged(chosen[0])
    for clip in drawn.there_and_back(scene):
        yield None if clip is None else (summary(scene), *filled(there=clip))


def summary(scene: Scene) -> str:
    """What came back, in a sentence."""
    mean = scene.found.mean
    encoded, changed = (plain(psnr(scene.x, back(z)), 1) for z in (mean, scene.changed(mean)))
    also = f", and from the changed latent with {changed} dB" if scene.wish.changes else ""
    return f"{scene.wish.source.name} comes back with a PSNR of {encoded} dB{also}."


def wished(*chosen: Any) -> tuple[Wish, bool]:
    """The settings, and whether the question has been answered: the settings come first, then the picture’s path and
    the answer. Raises gr.Error like `check`."""
    *values, answer = chosen
    return check(*values), answer in ANSWERS


def asked(answer: Any, *chosen: Any) -> tuple[Wish, str]:
    """The settings and the answer, which comes first; last comes the picture’s path. Raises gr.Error like `check`."""
    return check(*chosen), limits.choice("Your answer", answer, ANSWERS)


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without the shipped models, a sentence that says how to get them back."""
    gr.api(autoencode, api_name="autoencode")
    try:
        studio()
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    first = promises.Opening(opening)
    shown: dict[str, Any] = {"there": player.player(first.part(0, 1, 2), elem_id=LAB)}
    said = gr.Markdown(elem_id=f"{LAB}-said")
    settings, buttons, picture = controls()
    shown["figures"] = gr.Markdown(elem_id=f"{LAB}-figures")
    player.tells(shown["there"], said, shown["figures"])
    gr.Markdown("#### One channel at a time")
    answer = gr.Radio(ANSWERS, label=QUESTION, elem_id=f"{LAB}-answer")
    verdict_said = gr.Markdown(HINT, elem_id=f"{LAB}-verdict")
    tally = player.player(elem_id=f"{LAB}-tally")
    for k, title in enumerate(
        (
            "",
            "#### Half way to another critter",
            "#### Where no critter’s latent is",
            "#### Another scale than the network expects",
        ),
        start=2,
    ):
        if title:
            gr.Markdown(title)
        shown[PICTURES[k]] = player.player(partial(part, k), elem_id=f"{LAB}-{PICTURES[k]}")
    outputs = [said, *(shown[name] for name in PICTURES)]
    wire(page, settings, buttons, picture, answer, outputs)
    ask = wiring.as_it_goes(answering, asked, ASK, pictures=2, afresh=True)
    told_by = [verdict_said, tally, shown["channels"]]
    answer.input(ask, [answer, *settings.values(), picture], told_by, trigger_mode="multiple", **QUIET)
    for one in (ASK, CHANGE):
        buttons["stop"].click(limits.stopper(one), queue=False, api_visibility="private")


def opening() -> Generator[tuple[str, str, str] | None, None, None]:
    """Yields None while it computes, and in the end the first picture, and what is said above it and in figures."""
    scene, clip = staged(check(**DEFAULTS)), ""
    there, told, *_ = works(scene, answered=False)
    for made in there:
        clip = made or clip
        yield None
    for table in told:
        yield (clip, summary(scene), table) if table else None


def part(k: int) -> Generator[str | None, None, None]:
    """What makes the picture k of `PICTURES` at first."""
    yield from works(staged(check(**DEFAULTS)), answered=False)[k]


def wire(
    page: gr.Blocks,
    settings: dict[str, Any],
    buttons: dict[str, gr.Button],
    picture: gr.File,
    answer: gr.Radio,
    outputs: list[Any],
) -> None:
    """Makes the buttons run the lab, the sliders change the latent, and a dropped picture be the one."""
    values = [*settings.values(), picture, answer]
    whole = wiring.as_it_goes(work, wished, LAB, pictures=len(PICTURES), afresh=True)

    def run(request: gr.Request, *chosen: Any) -> Iterator[Any]:
        for older in (ASK, CHANGE):  # which would fill the same pictures with what was asked of another one
            limits.stop(request, older)
        yield from whole(request, *chosen)

    wiring.connect(page, LAB, run, settings, outputs, buttons, check, unlinked=[picture, answer])
    linked: dict[str, Any] = QUIET | {"js": links.write(LAB, settings)}
    for given, kind in ((picture.upload, OWN), (settings["description"].submit, WORDS)):
        chosen = given(lambda kind=kind: kind, None, settings["source"], queue=False, **QUIET)
        chosen.success(run, values, outputs, trigger_mode="multiple", **linked)
    change = wiring.as_it_goes(changing, wished, CHANGE, pictures=len(PICTURES))
    moved = [wiring.moved(settings[name]) for name in (*(f"scale{c + 1}" for c in range(CHANNELS)), "swap")]
    gr.on(moved, change, values, outputs, trigger_mode="always_last", **linked)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button], gr.File]:
    """The settings in the order in which `check` takes them, the buttons, and where a picture is dropped."""
    with gr.Row():
        source = gr.Radio(SOURCES, value=DEFAULTS["source"], label="Picture", elem_id=f"{LAB}-source", min_width=320)
        seed = gr.Number(
            DEFAULTS["seed"], label="The critter’s seed", precision=0, elem_id=f"{LAB}-seed", min_width=120
        )
        other = gr.Number(
            DEFAULTS["other"],
            label="The other critter’s seed",
            precision=0,
            elem_id=f"{LAB}-other",
            min_width=120,
        )
    with gr.Row():
        description = gr.Textbox(
            DEFAULTS["description"], label="Description", max_lines=2, elem_id=f"{LAB}-description", min_width=300
        )
        picture = gr.File(
            label="A picture of yours", file_types=["image"], height=140, elem_id=f"{LAB}-picture", min_width=200
        )
    buttons = wiring.button_row(LAB, "Encode")
    with gr.Row():
        scales = {
            f"scale{c + 1}": gr.Slider(
                LEAST, MOST, 1, step=0.05, label=f"Channel {c + 1} ×", elem_id=f"{LAB}-scale{c + 1}", min_width=150
            )
            for c in range(CHANNELS)
        }
    swap = gr.Dropdown(list(SWAPS), value=NONE, label="Swap", elem_id=f"{LAB}-swap")
    return (
        {"source": source, "seed": seed, "description": description, "other": other, **scales, "swap": swap},
        buttons,
        picture,
    )
