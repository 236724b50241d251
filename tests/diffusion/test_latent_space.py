"""Latents by hand, against closed forms, torch's own distributions, and a sampler whose network is known exactly."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from tutorial import weights
from tutorial.data.critter_art import render
from tutorial.data.critters import EVALUATION_SEED, any_critter
from tutorial.data.pixels import from_image, to_signed
from tutorial.diffusion.latent_space import (
    FORMATS,
    ROWS,
    astray,
    away,
    blends,
    confidence,
    decibels,
    decoded,
    each_scaled,
    grafted,
    kept,
    octaves,
    overtaken,
    posterior,
    redrawn,
    scaled,
    stored,
    swapped,
    zeroing,
)
from tutorial.diffusion.samplers import Model
from tutorial.diffusion.schedule import Schedule
from tutorial.metrics.similarity import edge_energy

pytestmark = pytest.mark.usefixtures("one_thread")
SCHEDULE = Schedule.cosine()


@pytest.fixture(scope="module")
def autoencoder():
    return weights.load("autoencoder")


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return to_signed(torch.stack([from_image(render(any_critter(EVALUATION_SEED + k))) for k in range(3)]))


def random(*shape: int, seed: int = 0, dtype=torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_the_kl_of_each_channel_is_that_of_torch(autoencoder, x):
    found = posterior(autoencoder, x[:1])
    expected = kl_divergence(Normal(found.mean.double(), found.spread.double()), Normal(0.0, 1.0)).sum((0, 2, 3))
    assert torch.allclose(found.kl.double(), expected, rtol=1e-5)
    assert found.kl.shape == (4,)


def test_latents_are_decoded_a_few_at_a_time_and_each_as_if_alone(autoencoder, x):
    with torch.no_grad():
        latents = autoencoder.encode(x)[0].repeat(2, 1, 1, 1)
        parts = list(decoded(autoencoder, latents))
        alone = torch.cat([autoencoder.decode(one[None]).clamp(-1, 1) for one in latents])
    assert [len(part) for part in parts] == [ROWS, 2]
    assert torch.allclose(torch.cat(parts), alone, atol=1e-4)


@pytest.mark.parametrize(("form", "taken"), zip(FORMATS, (1024, 512, 264), strict=True))
def test_a_stored_latent_is_as_close_as_its_form_allows(form, taken):
    z = random(1, 4, 8, 8) * 3
    again, size = stored(z, form)
    assert size == taken
    largest = {"float32": 0.0, "float16": z.abs().max() * 2**-11, "8 bits": (z.max() - z.min()) / 255 / 2}[form]
    assert (again - z).abs().max() <= largest * 1.001
    assert torch.allclose(stored(torch.full((1, 4, 8, 8), 0.5), form)[0], torch.tensor(0.5))


def test_another_form_is_refused():
    with pytest.raises(ValueError, match="float32, float16, 8 bits"):
        stored(torch.zeros(1), "float64")


@pytest.mark.parametrize(("first", "second"), [(0, 1), (0, 3), (2, 1), (2, 2)])
def test_channels_swapped_twice_are_where_they_were(first, second):
    z = random(1, 4, 8, 8)
    once = swapped(z, first, second)
    assert torch.equal(once[:, first], z[:, second])
    assert torch.equal(once[:, second], z[:, first])
    others = [c for c in range(4) if c not in (first, second)]
    assert torch.equal(once[:, others], z[:, others])
    assert torch.equal(swapped(once, first, second), z)


def test_one_channel_comes_from_the_other_latent():
    z, other = random(1, 4, 8, 8), random(1, 4, 8, 8, seed=1)
    mixed = grafted(z, other, 2)
    assert torch.equal(mixed[:, 2], other[:, 2])
    assert torch.equal(mixed[:, [0, 1, 3]], z[:, [0, 1, 3]])
    assert torch.equal(z, random(1, 4, 8, 8))  # nothing was written into it


def test_each_channel_is_scaled_alone():
    z, factors = random(1, 4, 8, 8), [-2.0, 0.0, 1.0, 3.0]
    every = each_scaled(z, factors)
    assert every.shape == (4, 4, 4, 8, 8)
    for f, factor in enumerate(factors):
        for c in range(4):
            assert torch.equal(every[f, c], scaled(z, [factor if k == c else 1.0 for k in range(4)])[0])
    assert torch.equal(every[2], z.expand(4, 4, 8, 8))
    assert (every[1, 3, 3] == 0).all()


def test_zeroing_is_measured_in_decibels(autoencoder, x):
    rows = torch.stack(list(zeroing(autoencoder, x)))
    assert rows.shape == (3, 5)
    for k in range(3):
        mean = autoencoder.encode(x[k : k + 1])[0]
        for c in range(5):
            z = mean.clone()
            if c:
                z[:, c - 1] = 0
            y = autoencoder.decode(z).clamp(-1, 1)[0].double().numpy()
            error = np.mean((x[k].double().numpy() - y) ** 2)
            assert rows[k, c].item() == pytest.approx(20 * math.log10(2 / math.sqrt(error)), abs=0.01)
    assert (rows[:, 1:].mean(0) < rows[:, 0].mean()).all()


def test_a_mixture_begins_and_ends_exactly_at_its_ends():
    a, b = random(1, 4, 8, 8), random(1, 4, 8, 8, seed=1)
    shares = [0.0, 0.25, 0.7, 1.0]
    way = blends(a, b, shares)
    assert torch.equal(way[:1], a)
    assert torch.equal(way[-1:], b)
    for share, one in zip(shares, way, strict=True):
        assert torch.allclose(one, (1 - share) * a[0] + share * b[0], atol=1e-6)


def test_half_way_two_unrelated_pictures_keep_half_of_their_edges():
    """Edge energy is a square: E((a + b) / 2) = (E(a) + E(b)) / 4 + what both have in common, here nothing."""
    a, b = (random(1, 3, 256, 256, seed=seed) for seed in (0, 1))
    middle = blends(a, b, [0.5])
    assert edge_energy(middle).item() == pytest.approx((edge_energy(a) + edge_energy(b)).item() / 4, rel=0.02)


def test_the_ways_off_the_map_are_as_long_as_they_say():
    z, centre = random(1, 4, 8, 8), random(1, 4, 8, 8, seed=1)
    distances, unit = [-1.0, 0.0, 0.5, 3.0], (z - centre).norm()
    straight = away(z, centre, distances)
    strange = astray(z, centre, distances, torch.Generator().manual_seed(2))
    assert torch.allclose(straight[:1], centre, atol=1e-5)
    for path in (straight, strange):
        assert torch.equal(path[1:2], z)
        lengths = (path - z).flatten(1).norm(dim=1) / unit
        assert torch.allclose(lengths, torch.tensor(distances).abs(), atol=1e-5)
    ahead, aside = (straight[3:] - z).flatten(), (strange[3:] - z).flatten()
    assert abs(torch.cosine_similarity(ahead, aside, dim=0)) < 0.25  # 4 / √256: a direction like any other
    again = astray(z, centre, distances, torch.Generator().manual_seed(2))
    assert torch.equal(strange, again)


class Says:
    """A reader that answers with these logits."""

    def __init__(self, **logits):
        self.logits = {name: torch.tensor(rows) for name, rows in logits.items()}

    def __call__(self, x):
        return {name: rows[: len(x)] for name, rows in self.logits.items()}

    def read(self, x):
        return {name: rows[: len(x)].argmax(1) for name, rows in self.logits.items()}


def test_certainty_is_the_mean_probability_of_what_is_read():
    reader = Says(colour=[[0.0, 0.0], [math.log(3), 0.0]], ears=[[0.0, 0.0, 0.0], [-50.0, 50.0, 0.0]])
    assert confidence(reader, torch.zeros(2, 3, 8, 8)).tolist() == pytest.approx([(1 / 2 + 1 / 3) / 2, (3 / 4 + 1) / 2])


def test_what_is_kept_is_the_share_of_attributes_read_alike():
    reader = Says(colour=[[1.0, 0.0], [0.0, 1.0]], ears=[[1.0, 0.0, 0.0], [1.0, 0.5, 0.0]])
    x = torch.zeros(2, 3, 8, 8)
    assert kept(reader, x, x[:1]).tolist() == [1.0, 0.5]


@pytest.mark.parametrize("spread", [0.125, 1.0, 1 / 0.18215])
@pytest.mark.parametrize("schedule", [SCHEDULE, Schedule.scaled_linear()], ids=["cosine", "Stable Diffusion"])
def test_signal_to_noise_is_the_ratio_of_two_variances(schedule, spread):
    found = decibels(schedule, spread)
    assert found.dtype == torch.float64
    assert found[0] == math.inf
    for t in (1, 10, 500, 1000):
        abar = schedule.abar[t].item()
        signal, noise = (math.sqrt(abar) * spread) ** 2, 1 - abar
        assert found[t].item() == pytest.approx(10 * math.log10(signal / noise), abs=1e-9)
    apart = found[1:] - decibels(schedule, 1.0)[1:]
    assert torch.allclose(apart, torch.full_like(apart, 20 * math.log10(spread)), atol=1e-9)


def test_of_drawn_latents_the_ratio_is_what_the_formula_says():
    z = 5.49 * random(100_000, seed=3, dtype=torch.float64)
    abar = SCHEDULE.abar[700]
    signal, noise = abar.sqrt() * z, (1 - abar).sqrt() * random(100_000, seed=4, dtype=torch.float64)
    drawn = 10 * (signal.var() / noise.var()).log10()
    assert decibels(SCHEDULE, 5.49)[700].item() == pytest.approx(drawn.item(), abs=0.1)


@pytest.mark.parametrize("spread", [0.125, 1.0, 2.0, 8.0])
def test_noise_overtakes_where_its_variance_is_larger(spread):
    t = overtaken(SCHEDULE, spread)
    assert t is not None
    shares = SCHEDULE.abar.tolist()
    assert t == next(t for t in range(1001) if shares[t] * spread**2 < 1 - shares[t])
    assert overtaken(Schedule(torch.tensor([1.0, 0.9], dtype=torch.float64)), spread) == (1 if spread < 0.3 else None)


def test_factors_are_octaves_around_one():
    assert octaves(1, 2) == pytest.approx([0.5, 0.5**0.5, 1, 2**0.5, 2])
    assert octaves(3, 2)[6] == 1


def of_unit_normals() -> SimpleNamespace:
    """A model that has learned its latents perfectly, if they are N(0, I): v is 0 everywhere, since of x_t the best
    guesses are √ᾱ x_t for x_0 and √(1 − ᾱ) x_t for ε."""
    denoise = Model(lambda x, t, cond: torch.zeros_like(x), SCHEDULE, "v")
    return SimpleNamespace(
        model=denoise, schedule=SCHEDULE, predicts="v", words=lambda prompts: torch.zeros(len(prompts), 4, 8)
    )


@pytest.mark.parametrize("spread", [0.25, 1.0, 4.0])
def test_a_sampler_that_expects_unit_variance_keeps_it_only_for_unit_variance(spread):
    """Each step turns x by the angle between two times: x_s = cos(θ_t − θ_s) x_t, cos² θ = ᾱ; short steps keep x_t."""
    z, noise = random(1, 4, 64, 64, seed=5), random(1, 4, 64, 64, seed=6)
    *_, last = redrawn(of_unit_normals(), z, [spread], 500, noise, 50)  # type: ignore[arg-type]
    abar = SCHEDULE.abar.numpy()
    angles = np.arccos(np.sqrt(abar[list(range(500, -1, -10))]))
    shrunk = np.prod(np.cos(np.diff(angles)))
    expected = shrunk * (math.sqrt(abar[500]) * spread * z + math.sqrt(1 - abar[500]) * noise)
    assert torch.allclose(last.x_next, expected, atol=1e-4)
    came_back = last.x_next.std().item() / shrunk
    assert came_back == pytest.approx(math.sqrt(abar[500] * spread**2 + 1 - abar[500]), rel=0.02)
    assert (abs(came_back - spread) < 0.03) == (spread == 1)


def test_each_scale_is_redrawn_as_if_it_were_alone():
    z, noise = random(1, 4, 8, 8), random(1, 4, 8, 8, seed=1)
    together = list(redrawn(of_unit_normals(), z, [0.5, 2.0], 300, noise, 7))  # type: ignore[arg-type]
    *_, alone = redrawn(of_unit_normals(), z, [2.0], 300, noise, 7)  # type: ignore[arg-type]
    assert together[0].t == 300
    assert together[-1].t_next == 0
    assert len(together) == 7
    assert torch.equal(together[-1].x_next[1:], alone.x_next)
