"""The lab "diagram": the game of two networks, with every control on the part of the diagram that it belongs to."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import math

import gradio as gr

from apps import limits, links, live, wiring, worlds
from apps.tabs.gan import diagram
from apps.tabs.gan.hands import LAB, Bench, Hands, work
from apps.tabs.gan.play import Look, Play, Row
from apps.tabs.gan.settings import DEFAULTS, Wish, check, two_scales
from apps.tabs.gan.shown import everything, told
from apps.wiring import QUIET
from tutorial import measurements
from tutorial.training.gan_lab import COMMAND, recorded


def numbers(play: Play, look: Look) -> dict[str, float]:
    """A game's gauges, without those of which nothing can be said."""
    row = {name: value for name, value in vars(look.row).items() if isinstance(value, int | float)}
    more = {"floor": play.gauges.floor} | ({"value": look.best.value} if look.best is not None else {})
    return {name: float(value) for name, value in (row | more).items() if math.isfinite(value)}


def gan_train(
    request: gr.Request,
    world: str = DEFAULTS["world"],
    noise: int = DEFAULTS["noise"],
    shape: str = DEFAULTS["shape"],
    generator_layers: int = DEFAULTS["g_layers"],
    generator_width: int = DEFAULTS["g_width"],
    discriminator_layers: int = DEFAULTS["d_layers"],
    discriminator_width: int = DEFAULTS["d_width"],
    pack: bool = DEFAULTS["pack"],
    loss: str = DEFAULTS["loss"],
    optimiser: str = DEFAULTS["optimiser"],
    rate_d: float = DEFAULTS["rate_d"],
    rate_g: float = DEFAULTS["rate_g"],
    k_d: int = DEFAULTS["k_d"],
    k_g: int = DEFAULTS["k_g"],
    batch: int = DEFAULTS["batch"],
    r1: float = DEFAULTS["r1"],
    spectral: bool = DEFAULTS["spectral"],
    averaged: bool = DEFAULTS["averaged"],
    seed: int = DEFAULTS["seed"],
    turns: int = 2000,
    points: list[list[float]] | None = None,
):
    """Trains a GAN on points in the plane. Yields (progress, numbers) while it trains and at its end.

    world one of eight Gaussians, grid of 25, line, two moons, spiral, draw your own (then points, 2–2000 pairs of
    numbers from −3 to 3); noise 1 or 2 numbers, shape Gaussian or uniform; layers 1–3, widths 4–64; pack: D judges
    pairs; loss one of minimax, non-saturating, least squares, Wasserstein; optimiser Adam or SGD; rates 0.00001–1; k_d,
    k_g (updates in a turn) 1–5; batch 16–512, even; r1 (weight) 0–10; spectral: normalisation of D; averaged: the
    generator's mean is measured; turns 1–20000. numbers: turns, loss_d, loss_g, slope_d, slope_g (gradients' norms),
    seen_real, seen_fake (shares that D sees right), energy (distance of 300 fakes to 300 points of data), floor (what
    two samples of data would have), modes (that those fakes reach), high_quality, value (C(G)); those of which nothing
    can be said are missing.
    """
    bench: Bench = live.Bench()
    bench.settings = check(
        *(world, noise, shape, generator_layers, generator_width, discriminator_layers, discriminator_width, pack),
        *(loss, optimiser, rate_d, rate_g, k_d, k_g, batch, r1, spectral, averaged, seed),
        worlds.sent(world, points),
    )
    turns = limits.whole("The number of turns", turns, 1, diagram.MOST_TURNS)
    for play, look in limits.run(request, work(bench, "turn", turns, math.inf)):
        if play.diverged:
            raise limits.refuse(live.OUT_OF_BOUNDS.replace("press Reset", "try again"))
        yield told(play, look), numbers(play, look)


gan_train.__annotations__["return"] = tuple[str, dict[str, float]]


def opening() -> tuple[Play, dict[str, str]]:
    """The recorded game that the lab shows at first. Raises measurements.MeasurementsError if it is missing."""
    wish = check(**DEFAULTS)
    play, (rows, checkpoint) = Play(wish.setup), recorded()
    play.adopt(wish)
    play.recall([Row(loss=wish.rules.loss, **row) for row in rows], checkpoint)  # type: ignore[arg-type]
    look = play.again(wish.averaged)
    note = f"{told(play, look)}. A recorded game, made by {COMMAND}; Run plays one of yours."
    return play, everything(play, look, note)


def lab(page: gr.Blocks) -> None:
    """The diagram; without the recorded game, a sentence that says how to get it back."""
    gr.api(gan_train, api_name="gan_train")
    try:
        _, first = opening()
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    benches: live.Benches[Wish, Play] = live.Benches(page)
    built = diagram.build(first)
    hands = Hands(benches, built)
    settings, drawn = built.ordered(), gr.State([])
    values = [*settings.values(), drawn]
    outputs = [*built.pictures.values(), built.rewind]
    buttons = built.buttons
    write = links.write(LAB, settings)
    for name, handler in (
        ("run", hands.run),
        ("slow", hands.slowly),
        ("step", hands.step),
        ("step_d", hands.step_d),
        ("step_g", hands.step_g),
    ):
        buttons[name].click(handler, values, outputs, js=write, trigger_mode="once", **QUIET)
    buttons["many"].click(hands.many, [built.turns, *values], outputs, trigger_mode="once", **QUIET)
    buttons["pause"].click(hands.pause, queue=False, api_visibility="private")
    buttons["reset"].click(hands.reset, values, outputs, **QUIET)
    buttons["two_scales"].click(two_scales, settings["rate_g"], settings["rate_d"], **QUIET)
    buttons["clear"].click(lambda: [], None, drawn, **QUIET)
    built.rewind.input(hands.rewind, [built.rewind, *values], outputs, trigger_mode="always_last", **QUIET)
    built.pictures["frame"].input(worlds.stroke, drawn, [drawn, settings["world"]], **QUIET)
    changes = [control.change for control in values]  # type: ignore[attr-defined]
    gr.on(changes, hands.changed, values, outputs, trigger_mode="always_last", **QUIET)
    wiring.link(page, LAB, settings, buttons, check)
