"""The lab "a map of codes": where the encoder puts digits, and what the decoder draws on the way between them."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, links, models, player, wiring
from apps.tabs.families import latent_pictures
from apps.tabs.families.latent_pictures import DIGITS, grey, labels, shown, wall
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data.digits import CLASSES, DataError
from tutorial.data.toy2d import lattice
from tutorial.families.digit_evidence import integration
from tutorial.families.digit_vae import (
    BETAS,
    PLANE,
    evenly_along,
    file_name,
    log_weights,
    parts,
    quantiles,
    sample,
)
from tutorial.families.elbo import draw, importance_bounds, kl_to_prior
from tutorial.families.flow import log_normal

FRAMES = 60
"""Digits of a walk."""
WALL, LENS = 15, 33
"""Digits in a row of the wall over the prior, and of those from which the picture at the pointer is blended."""
REACH = 3.2
"""The map goes at least so far in each direction; where codes lie farther out, to them."""
DRAWS = 200
"""Codes of a digit by which its reconstruction is measured."""
GROUPS, AT_ONCE = 10, 500
"""Groups of weights at least by which a bound and its error are told; codes that are weighed in one go."""
TEN, TWENTY = 10, 20
FURTHEST = 30.0
"""Largest coordinate of a code that is decoded."""
ALL = "all"
CLASSES_SHOWN = (ALL, *map(str, range(CLASSES)))
CIRCLE = [[1.3 * float(np.cos(a)), 1.3 * float(np.sin(a))] for a in np.linspace(0, 2 * np.pi, FRAMES)]
"""The walk that the lab opens with."""
DEFAULTS: dict[str, Any] = {"beta": 1.0, "highlight": ALL, "digit": 4, "seed": 0}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    beta: float
    highlight: str
    digit: int
    seed: int


def check(beta: Any, highlight: Any, digit: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        latent_pictures.beta(beta),
        limits.choice("The digit to highlight", highlight, CLASSES_SHOWN),
        latent_pictures.digit(digit),
        latent_pictures.seed(seed),
    )


def checked_path(value: Any) -> list[list[float]]:
    """A walk: a list of pairs of numbers. Raises gr.Error for anything else."""
    if not isinstance(value, list) or not 1 <= len(value) <= 2 * player.STROKE:
        raise limits.refuse(f"A walk must be a list of 1 to {2 * player.STROKE:,} points.")
    return [list(code(point)) for point in value]


def code(value: Any) -> tuple[float, float]:
    """A code in the plane. Raises gr.Error for anything else."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise limits.refuse("A code must be a pair of numbers.")
    first, second = (limits.number("A code's number", one, -FURTHEST, FURTHEST) for one in value)
    return first, second


@cache
def codes(beta: float) -> np.ndarray:
    """Means of the encoder for the labs' digits: (DIGITS, 2)."""
    return models.digit_vae(beta).encode(shown())[0].numpy()


def reach(beta: float) -> float:
    """How far the map goes."""
    return max(REACH, float(round(10.5 * np.abs(codes(beta)).max()) / 10))


def decoded(beta: float, z: Tensor) -> Tensor:
    """The probabilities of the pixels, of codes (N, 2): (N, 1, 28, 28)."""
    return models.digit_vae(beta).decode(z).sigmoid()


@cache
def still(beta: float) -> tuple[player.Layer, player.Layer]:
    """What does not depend on the walk: the picture at the pointer, and the wall over the prior."""
    lens = player.lens(grey(decoded(beta, lattice(LENS, reach(beta)))), LENS, follows=0)
    return lens, player.image(wall(decoded(beta, quantiles(WALL)), WALL), smooth=True)


def plane(wish: Wish, places: Tensor) -> player.Panel:
    """The map: codes of test digits, and a walk through places (FRAMES, 2)."""
    at, kinds = codes(wish.beta), np.array(labels())
    notes = [f"a {kind}: test digit {k}" for k, kind in enumerate(kinds)]
    meant = np.full(DIGITS, True) if wish.highlight == ALL else kinds == int(wish.highlight)
    name = "test digits" if wish.highlight == ALL else f"every {wish.highlight}"
    groups = [(~meant, "the others", 1.6, 0.18), (meant, name, 2.2, 0.55)]
    dots = [
        player.points(
            at[None, some], "real", title, size=size, alpha=alpha, notes=[notes[k] for k in np.flatnonzero(some)]
        )
        for some, title, size, alpha in groups
        if some.any()
    ]
    path = places.numpy()[:, None]
    walk = [player.lines(path, "generated", "the walk", alpha=0.9), player.points(path, "generated", size=5, alpha=1)]
    far = reach(wish.beta)
    return player.panel(
        [*dots, *walk],
        title="draw a walk here: codes of test digits",
        label="The latent map: codes of test digits, and a walk",
        x=(-far, far, "z₁"),
        y=(-far, far, "z₂"),
        width=2,
        takes="points",
    )


def picture(wish: Wish, path: list[list[float]]) -> str:
    """The map, what is at the pointer, along the walk, and everywhere, as the player takes them."""
    places = evenly_along(torch.tensor(path), FRAMES)
    lens, everywhere = still(wish.beta)
    panels = [
        plane(wish, places),
        player.panel([lens], title="at the pointer", label="What the decoder draws at the pointer"),
        player.panel([player.image(grey(decoded(wish.beta, places)), smooth=True)], title="along the walk"),
        player.panel(
            [everywhere],
            title="all over the prior, by quantiles",
            label="A wall of decoded digits, over the prior’s quantiles in both directions",
            x=(0, 1, "share of the prior left of z₁"),
            y=(0, 1, "below z₂"),
            width=2,
        ),
    ]
    labels = ["({:.2f}, {:.2f})".format(*place).replace("-", "−") for place in places.tolist()]
    note = (
        f"β = {wish.beta:g}, trained ahead by {weights.read_card(file_name(PLANE, wish.beta))['command']}. Move the "
        "pointer over the map, or draw on it; a click walks on to that place."
    )
    return player.clip(panels, frames=FRAMES, labels=labels, rate=12, note=note)


@torch.no_grad()
def remade(wish: Wish) -> str:
    """A test digit, what the decoder makes of its code, and what it makes of codes from the prior."""
    model, generator = models.digit_vae(wish.beta), torch.Generator().manual_seed(wish.seed)
    x = shown()[wish.digit : wish.digit + 1]
    mean, logvar = model.encode(x)
    again = decoded(wish.beta, draw(mean, logvar, generator, TEN)[:, 0])
    drawn = sample(model, TWENTY, generator)
    found = parts(model, x, generator, DRAWS)
    looks = [
        (grey(x), f"test digit {wish.digit}, a {labels()[wish.digit]}", 1.0, 1.0),
        (grey(decoded(wish.beta, mean)), "its reconstruction", 1.0, 1.0),
        (wall(again, 5), f"{TEN} draws from q(z | x)", 2.0, 0.4),
        (wall(drawn, 5), f"{TWENTY} draws from the prior", 2.0, 0.8),
    ]
    panels = [
        player.panel([player.image(look, smooth=True)], title=title, width=width, aspect=aspect)
        for look, title, width, aspect in looks
    ]
    note = (
        f"Reconstruction {found.reconstruction.item():.1f} nats − KL {found.kl.item():.1f} nats = "
        f"ELBO {found.elbo.item():.1f} nats, by {DRAWS} draws."
    )
    return player.clip(panels, note=note.replace("-", "−"))


def bounds(log_w: Tensor, k: int) -> dict[str, float]:
    """The ELBO and L_k, and the standard error of each, from the same weights (N,), N a multiple of k.

    So the first is never above the second, by Jensen's inequality: a mean of logarithms is at most the logarithm of the
    mean.
    """
    numbers = {}
    for name, each in (("elbo", 1), ("bound", k)):
        found = importance_bounds(log_w.double(), each)
        numbers |= {name: found.mean().item(), f"{name}_error": found.std().item() / len(found) ** 0.5}
    return numbers


def answer(
    beta: float, z: tuple[float, float] | None, digit: int | None, k: int, seed: int
) -> Generator[tuple[list[list[float]], dict[str, float]] | None, None, None]:
    """What `vae_latent` says. Yields None where it can pause."""
    model, generator = models.digit_vae(beta), torch.Generator().manual_seed(seed)
    numbers: dict[str, float] = {}
    if digit is None:
        mean = torch.tensor([z])
    else:
        x = shown()[digit : digit + 1]
        mean, logvar = model.encode(x)
        rows, codes = [], k * max(GROUPS, math.ceil(DRAWS / k))
        for done in range(0, codes, AT_ONCE):
            rows.append(log_weights(model, x, generator, min(AT_ONCE, codes - done))[:, 0])
            yield None
        kl = kl_to_prior(mean, logvar).item()
        numbers = {"label": float(labels()[digit]), "kl": kl} | bounds(torch.cat(rows), k)
        numbers["reconstruction"] = numbers["elbo"] + kl
        for known in integration(model, x):
            if known is not None:
                numbers |= {"log_evidence": known.log_evidence, "gap": known.kl}
            yield None
        numbers |= dict(zip(("spread1", "spread2"), (0.5 * logvar[0]).exp().tolist(), strict=True))
    numbers |= {"z1": mean[0, 0].item(), "z2": mean[0, 1].item(), "log_prior": log_normal(mean).item()}
    yield decoded(beta, mean)[0, 0].tolist(), numbers


def vae_latent(
    request: gr.Request,
    z: list[float] | None = None,
    digit: int | None = None,
    beta: float = DEFAULTS["beta"],
    k: int = 100,
    seed: int = DEFAULTS["seed"],
):
    """What the autoencoder makes of a code z, two numbers from −30 to 30, or of a test digit, 0–999: give one of them.

    beta one of 0.1, 0.3, 1, 3, 10; k, 1–1000, the weights of the importance-weighted bound. Yields the decoded
    digit, 28 rows of the probabilities of its pixels, and numbers, in nats: z1, z2 and log_prior of the code; of a test
    digit also its label; elbo and bound, two estimates from the same 10 k codes, 200 at least, so that elbo ≤ bound;
    their standard errors elbo_error and bound_error; its parts, kl in closed form and reconstruction = elbo + kl;
    log_evidence and gap (the KL from q to the posterior) by quadrature; and the standard deviations spread1 and spread2
    of q. Expected, elbo and bound are at most log_evidence; as estimates they may be above it by a few errors.
    """
    if (z is None) == (digit is None):
        raise limits.refuse("Give either a code z, two numbers, or the number of a test digit.")
    place = None if z is None else code(z)
    number = None if digit is None else latent_pictures.digit(digit)
    work = answer(latent_pictures.beta(beta), place, number, limits.whole("k", k, 1, 1000), latent_pictures.seed(seed))
    yield from limits.run(request, work)


vae_latent.__annotations__["return"] = tuple[list[list[float]], dict[str, float]]


def stroke(path: list, event: gr.EventData) -> list[list[float]]:
    """The handler of a stroke: the walk along it or, to a single point, on from where the last one ended."""
    new = event._data.get("points") if isinstance(event._data, dict) else None
    walk = checked_path(new)
    return walk if len(walk) > 1 else [checked_path(path)[-1], *walk]


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without its weights or digits, a sentence that says how to get them back."""
    gr.api(vae_latent, api_name="vae_latent")
    try:
        wish = check(**DEFAULTS)
        shown()
        for other in BETAS:  # all that the lab needs is there
            models.digit_vae(other)
    except (weights.WeightsError, DataError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(lambda: picture(wish, CIRCLE), elem_id="codes")
    settings, buttons = controls()
    below = player.player(lambda: remade(wish), elem_id="remade")
    path = gr.State(CIRCLE)

    def show(request: gr.Request, walk: Any, *chosen: Any) -> Iterator[tuple[str, str]]:
        wish, places = check(*chosen), checked_path(walk)
        yield from limits.run(request, limits.once(lambda: (picture(wish, places), remade(wish))), "codes")

    def walked(request: gr.Request, walk: Any, *chosen: Any) -> Iterator[str]:
        wish, places = check(*chosen), checked_path(walk)
        yield from limits.run(request, limits.once(lambda: picture(wish, places)), "codes")

    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    values, write = [path, *settings.values()], links.write("codes", settings)
    shift = f"(walk, ...values) => [walk, ...({write})(...values)]"
    changed = [wiring.moved(control) for control in settings.values()]
    gr.on([*changed, buttons["run"].click], show, values, [film, below], js=shift, **latest)
    film.input(stroke, path, path, **QUIET).success(walked, values, film, **latest)
    wiring.link(page, "codes", settings, buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        beta = latent_pictures.beta_radio("codes", DEFAULTS["beta"])
        highlight = gr.Radio(
            list(CLASSES_SHOWN),
            value=DEFAULTS["highlight"],
            label="Highlight",
            elem_id="codes-highlight",
            min_width=320,
        )
    with gr.Row():
        digit = gr.Slider(0, DIGITS - 1, DEFAULTS["digit"], step=1, label="Test digit", elem_id="codes-digit")
        buttons = {
            "run": gr.Button("Show", variant="primary", elem_id="codes-show", min_width=90),
            "copy": gr.Button("Copy link", elem_id="copy-codes", min_width=110),
        }
    with gr.Accordion("More", open=False), gr.Row():
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="codes-seed", min_width=120)
    return {"beta": beta, "highlight": highlight, "digit": digit, "seed": seed}, buttons
