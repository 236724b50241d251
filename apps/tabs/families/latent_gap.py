"""The lab "how far the bound falls short": importance-weighted bounds rise to log p(x), which quadrature knows."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import models, player, wiring
from apps.player import promises
from apps.tabs.families import latent_pictures
from apps.tabs.families.latent_pictures import DIGITS, grey, labels, shown
from tutorial import weights
from tutorial.data.digits import DataError
from tutorial.data.toy2d import lattice
from tutorial.families.digit_evidence import Evidence, integration, log_joint
from tutorial.families.digit_vae import BETAS, log_weights
from tutorial.families.elbo import draw, importance_bounds
from tutorial.networks.digit_vae import DigitVAE

KS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
CODES = 10_000
"""Codes drawn from q(z | x); each bound is the mean over CODES / k groups of them, ten at least, so that their spread
says how far to trust it."""
AT_ONCE = 500
CELLS = 60
"""Fields in a row of the map of the posterior."""
SEEN = 6
"""Standard deviations of q, the wider one, from the map's middle to its edges."""
ELBO = "log p(x) − KL(q ‖ p(z | x))"
"""What L_1 is an estimate of, and so drawn in its hue."""
DEFAULTS: dict[str, Any] = {"digit": 7, "beta": 1.0, "seed": 0}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    digit: int
    beta: float
    seed: int


def check(digit: Any, beta: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(latent_pictures.digit(digit), latent_pictures.beta(beta), latent_pictures.seed(seed))


def work(wish: Wish) -> Generator[tuple[str, str | None] | None, None, None]:
    """Draws codes, and integrates: how far it is, and at the end the clip."""
    model, generator = models.digit_vae(wish.beta), torch.Generator().manual_seed(wish.seed)
    x = shown()[wish.digit : wish.digit + 1]
    rows = []
    for done in range(AT_ONCE, CODES + 1, AT_ONCE):
        rows.append(log_weights(model, x, generator, AT_ONCE)[:, 0])
        yield f"{done:,} of {CODES:,} codes weighed", None
    for known in integration(model, x):
        yield None if known is None else ("", picture(wish, model, x, torch.cat(rows), known))


def bounds(log_w: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """L_k for each of `KS` from weights (CODES,), and its standard error, by the spread over the groups."""
    groups = [importance_bounds(log_w, k) for k in KS]
    found = [each.mean().item() for each in groups]
    return np.array(found), np.array([each.std().item() / len(each) ** 0.5 for each in groups])


def rising(found: np.ndarray, errors: np.ndarray, known: Evidence) -> player.Panel:
    """The bounds against k, between the ELBO and log p(x) as quadrature knows them."""
    k, ends = np.array(KS, dtype=float), np.array([KS[0], KS[-1]], dtype=float)
    elbo = known.log_evidence - known.kl
    bars = [np.array([[[x, y - 2 * e], [x, y + 2 * e]]]) for x, y, e in zip(k, found, errors, strict=True)]
    low, high = min(elbo, (found - 2 * errors).min()), max(known.log_evidence, (found + 2 * errors).max())
    room = 0.12 * (high - low) + 0.02
    return player.panel(
        [
            player.curve(ends, np.full(2, known.log_evidence), "exact", "log p(x), by quadrature", dashed=True),
            player.curve(ends, np.full(2, elbo), "generated", f"{ELBO}, by quadrature", dashed=True),
            player.mesh(bars, "noise", "± 2 standard errors", alpha=0.9),
            player.curve(k, found, "generated", "L_k, by codes drawn just now", marker=range(len(KS))),
        ],
        title="the importance-weighted bound",
        x=(KS[0] / 1.2, KS[-1] * 1.2, "k, codes weighed together", "log"),
        y=(low - room, high + room, "nats"),
        width=3,
    )


def posterior(model: DigitVAE, x: Tensor, known: Evidence, seed: int) -> tuple[player.Panel, float]:
    """The map of p(z | x) with q(z | x) and k codes from it on top; and how much of p(z | x) the map holds."""
    mean, logvar = model.encode(x)
    spread = (0.5 * logvar[0]).exp()
    far = SEEN * spread.max().item()
    density = (log_joint(model, mean + lattice(CELLS, far), x[0]) - known.log_evidence).exp()
    z = draw(mean, logvar, torch.Generator().manual_seed(seed), KS[-1])[:, 0]
    clouds = torch.stack([z[torch.arange(len(z)) % k] for k in KS])
    turn = torch.linspace(0, 2 * torch.pi, 100)
    ring = (mean + 2 * spread * torch.stack([turn.cos(), turn.sin()], dim=1)).numpy()
    (a, b), cell = mean[0].tolist(), (2 * far / CELLS) ** 2
    panel = player.panel(
        [
            player.heat(density.reshape(1, CELLS, CELLS).numpy(), "p(z | x)", low=0, smooth=True),
            player.points(clouds.numpy(), "generated", "k codes from q(z | x)", size=1.5, alpha=0.5),
            player.curve(ring[:, 0], ring[:, 1], "generated", "2 σ of q(z | x)"),
        ],
        title="what q stands in for",
        label="The posterior of this digit’s code, and the encoder’s Gaussian on top",
        x=(a - far, a + far, "z₁"),
        y=(b - far, b + far, "z₂"),
        width=2,
    )
    return panel, density.sum().item() * cell


def picture(wish: Wish, model: DigitVAE, x: Tensor, log_w: Tensor, known: Evidence) -> str:
    """The digit, its bounds and its posterior, k growing from frame to frame, as the player takes them."""
    found, errors = bounds(log_w)
    where, held = posterior(model, x, known, wish.seed)
    panels = [
        player.panel([player.image(grey(x))], title=f"test digit {wish.digit}, a {labels()[wish.digit]}"),
        rising(found, errors, known),
        where,
    ]
    steps = [f"k = {k:,}: {bound:.2f} ± {error:.2f}" for k, bound, error in zip(KS, found, errors, strict=True)]
    note = (
        f"β = {wish.beta:g}: ELBO {found[0]:.2f} ± {errors[0]:.2f}, L_{KS[-1]} {found[-1]:.2f} ± {errors[-1]:.2f} "
        f"nats, from {len(log_w):,} codes; log p(x) {known.log_evidence:.2f}, by a sum over {known.codes:,} codes. The "
        f"gap is KL(q ‖ p(z | x)) = {known.kl:.2f} nats. The map holds {min(held, 1):.0%} of p(z | x)."
    )
    return player.clip(
        panels, frames=len(KS), labels=[text.replace("-", "−") for text in steps], rate=2, note=note.replace("-", "−")
    )


def lab(page: gr.Blocks) -> None:
    """The lab's picture and controls; without its weights or digits, a sentence that says how to get them back."""
    try:
        shown()
        for beta in BETAS:
            models.digit_vae(beta)
    except (weights.WeightsError, DataError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(promises.Opening(lambda: work(check(**DEFAULTS))).part(1), elem_id="gap")
    settings, buttons = controls()
    line = gr.Markdown(elem_id="gap-status")
    handler = wiring.told_and_shown(work, check, "gap")
    wiring.connect(page, "gap", handler, settings, [line, film], buttons, check)
    for name in ("digit", "beta"):
        moved = wiring.moved(settings[name])
        moved(handler, [*settings.values()], [line, film], trigger_mode="always_last", **wiring.QUIET)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        digit = gr.Slider(0, DIGITS - 1, DEFAULTS["digit"], step=1, label="Test digit", elem_id="gap-digit")
        beta = latent_pictures.beta_radio("gap", DEFAULTS["beta"])
    buttons = wiring.button_row("gap", "Weigh new codes")
    with gr.Accordion("More", open=False), gr.Row():
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="gap-seed", min_width=120)
    return {"digit": digit, "beta": beta, "seed": seed}, buttons
