"""The shipped miniature: it draws what it is asked for, the same way each time, and its card says what it does."""

from __future__ import annotations

from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch

from tests.networks.test_stable_diffusion import their_autoencoder, their_unet
from tutorial import weights
from tutorial.data.critters import ATTRIBUTES
from tutorial.diffusion import latent
from tutorial.diffusion.latent import as_denoiser
from tutorial.diffusion.samplers import SAMPLERS
from tutorial.metrics.fidelity import marks, read_labels
from tutorial.training import evaluate
from tutorial.training.evaluate import fresh_prompts, measure_autoencoder, measure_reader

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model() -> latent.LatentDiffusion:
    return latent.load()


def test_it_draws_what_it_is_asked_for(model):
    """Sixty fresh prompts; the bar leaves four standard errors to the share on the card."""
    wanted, said = fresh_prompts(60)
    x = model.draw([text.text for text in said])
    names = [text.mentioned for text in said]
    right = [mark for row in marks(read_labels(weights.load("reader"), x), wanted, names) for mark in row]
    promised = weights.read_card("unet")["measured"]["prompt_fidelity"]
    spread = max(promised * (1 - promised), 0.01) ** 0.5
    assert np.mean(right) > promised - 4 * spread / len(right) ** 0.5


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_draws_blue_critters_at_night(model, sampler):
    x = model.draw("a blue critter at night", sampler=sampler, steps=30, n=4, seed=5)
    read = weights.load("reader").read(x)
    assert (read["colour"] == ATTRIBUTES["colour"].index("blue")).sum() >= 3
    assert (read["background"] == ATTRIBUTES["background"].index("night")).sum() >= 3


def test_a_negative_prompt_steers_away(model):
    reader = weights.load("reader")

    def nights(negative: str) -> int:
        read = reader.read(model.draw("a critter", negative=negative, n=32))
        return int((read["background"] == ATTRIBUTES["background"].index("night")).sum())

    assert nights("a critter at night") < nights("")


def test_a_picture_does_not_depend_on_its_neighbours(model):
    alone = model.draw("a red one", steps=4, seed=12)
    together = model.draw("a red one", steps=4, seed=10, n=3)
    assert (alone[0] - together[2]).abs().max() < 1e-3
    assert (together[0] - together[2]).abs().max() > 0.1


def test_another_sampler_name_is_refused(model):
    with pytest.raises(ValueError, match="must be one of ddim"):
        next(model.sample("a", sampler="magic"))


@torch.no_grad()
def test_diffusers_draws_the_same_from_the_same_noise(model):
    """Our weights in diffusers' networks, its DDIM loop, guidance written out: the same picture."""
    unet, vae = their_unet(model.unet.config), their_autoencoder(model.autoencoder.config)
    unet.load_state_dict(model.unet.state_dict())
    vae.load_state_dict(model.autoencoder.state_dict())
    betas = (1 - model.schedule.abar[1:] / model.schedule.abar[:-1]).numpy()
    scheduler = diffusers.DDIMScheduler(
        trained_betas=betas,
        clip_sample=False,
        set_alpha_to_one=True,
        timestep_spacing="trailing",
        prediction_type="v_prediction",
    )
    scheduler.alphas_cumprod = model.schedule.abar[1:]
    scheduler.set_timesteps(10)
    x, _ = model.noise([3])
    words = torch.cat([model.words([""]), model.words(["a blue one with a crown"])])
    for t in scheduler.timesteps:
        without, towards = unet(torch.cat([x, x]), t, words).sample.chunk(2)
        x = scheduler.step(without + 3 * (towards - without), t, x).prev_sample.float()
    theirs = vae.decode(x / model.autoencoder.config.scaling_factor).sample.clamp(-1, 1)
    ours = model.draw("a blue one with a crown", sampler="ddim", steps=10, guidance=3.0, seed=3)
    assert (ours - theirs).abs().max() < 1e-3


def test_time_is_shifted_by_one_in_one_place():
    asked = []
    as_denoiser(lambda x, t, words: asked.append(t) or x)(torch.zeros(1), torch.tensor([1]), None)  # type: ignore[arg-type]
    assert asked[0].item() == 0


@pytest.fixture(scope="module")
def measured() -> dict[str, dict]:
    return {name: weights.read_card(name)["measured"] for name in ("reader", "autoencoder", "unet")}


def test_the_shipped_models_reach_every_bar(measured):
    autoencoder, unet = measured["autoencoder"], measured["unet"]
    lines = evaluate.rows(autoencoder, unet, evaluate.bars(weights.SIDE, unet))
    lines += evaluate.rows_of_reader(measured["reader"])
    assert [row.what for row in lines if row.met is False] == []


def test_the_autoencoder_and_the_reader_do_what_their_cards_say(model, measured):
    """Measured again on fewer critters, with room for chance."""
    reader = weights.load("reader")
    card, again = measured["autoencoder"], measure_autoencoder(model, reader, 100)
    assert again["psnr"] == pytest.approx(card["psnr"], abs=0.3)
    assert again["edge_energy"] == pytest.approx(card["edge_energy"], abs=0.01)
    assert again["reader_agreement"] > 0.99
    seen = measure_reader(reader, 500)
    assert all(seen[name] > measured["reader"][name] - 0.01 for name in ("worst_drawn", "worst_blurred", "worst_noisy"))


def test_the_readme_shows_the_figures_of_the_cards():
    assert evaluate.table(weights.SIDE) in (ROOT / "README.md").read_text(encoding="utf-8")
