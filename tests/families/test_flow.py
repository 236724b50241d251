"""Flows: determinants against autograd, the way back, densities that sum up to 1, and how well they learn."""

from __future__ import annotations

import copy
import math

import normflows
import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from torch import nn

from tutorial import weights
from tutorial.data.toy2d import WORLDS
from tutorial.diffusion.elbo import negative_log_density
from tutorial.diffusion.point_training import AVERAGE
from tutorial.families import shipped
from tutorial.families.flow import BOX, KINDS, Affine, Chain, Flow, FlowConfig, Spline, log_normal
from tutorial.families.learners import LONGEST, FlowLearner
from tutorial.families.truth import DENSITIES
from tutorial.families.warping import Fold, Squash, densities, origins, round_trip, strips, way, with_layer

AFFINE = FlowConfig("affine", waves=0)  # as `SHAPES`, but as many layers as the spline has
CONFIGS = {"spline": FlowConfig(), "affine": AFFINE}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def wild(kind: str, seed: int = 0, **options) -> Flow:
    """An untrained flow that is far from the identity."""
    config = FlowConfig(kind, **({"waves": 0} if kind == "affine" else {}) | options)
    flow = Flow(config, generator(seed)).requires_grad_(False)
    for layer in flow.layers:
        layer.network.layers[-1].weight.mul_(30 if kind == "spline" else 20)
    return flow


def grid(reach: float, n: int) -> torch.Tensor:
    line = torch.linspace(-reach, reach, n)
    return torch.cartesian_prod(line, line)


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_determinant_is_that_of_the_autograd_jacobian(kind):
    flow = wild(kind).double()
    x = 2 * torch.randn(40, 2, generator=generator(1), dtype=torch.float64)
    z, logdet = flow(x)
    _, back = flow.inverse(z)
    jacobians = torch.stack([torch.autograd.functional.jacobian(lambda p: flow(p[None])[0][0], one) for one in x])
    assert logdet.abs().max() > 0.5
    assert torch.allclose(logdet, torch.linalg.slogdet(jacobians).logabsdet, atol=1e-8)
    assert torch.allclose(back, -logdet, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("world", shipped.WORLDS)
def test_points_come_back_from_their_noise(kind, world):
    """Data and noise in float32, with trained weights; where neither ever is, the map is steep, and needs float64."""
    flow = shipped.flow(world, kind)
    assert round_trip(flow, WORLDS[world](10_000, generator())).max() < 1e-4
    noise = torch.randn(10_000, 2, generator=generator(1))
    back = (flow(flow.inverse(noise)[0])[0] - noise).norm(dim=1)
    assert back.max() < (1e-4 if kind == "spline" else 1e-3)  # affine bridges between modes are steep all along
    z = grid(4, 60)
    there = flow.inverse(z)[0]
    assert (flow(there)[0] - z).norm(dim=1).max() < 1e-2
    exact = shipped.flow(world, kind).double()
    assert (exact(exact.inverse(z.double())[0])[0] - z).norm(dim=1).max() < 1e-8


@pytest.mark.parametrize("kind", KINDS)
def test_untrained_flows_invert_on_a_wide_grid(kind):
    for seed in range(3):
        assert round_trip(Flow(CONFIGS[kind], generator(seed)), grid(6, 60)).max() < 1e-4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("world", shipped.WORLDS)
def test_the_density_of_a_trained_flow_sums_up_to_one(kind, world):
    assert sum(strips(shipped.flow(world, kind).log_prob, width=0.04)) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_the_density_of_an_untrained_flow_sums_up_to_one(kind):
    assert sum(strips(Flow(CONFIGS[kind], generator()).log_prob, reach=7)) == pytest.approx(1, abs=0.01)
    assert sum(strips(wild(kind).log_prob, reach=9, width=0.02)) == pytest.approx(1, abs=0.01)


def spline(batch: int, bins: int, seed: int = 0, size: float = 2.0) -> Spline:
    return Spline.of(size * torch.randn(batch, 3 * bins - 1, generator=generator(seed), dtype=torch.float64))


def repeated(one: Spline, n: int) -> Spline:
    """The same curve for n numbers."""
    return Spline(*(part.expand(n, -1) for part in (one.x, one.y, one.slope)))


def test_a_spline_rises_meets_its_knots_and_is_the_identity_outside():
    one = spline(1, 7)
    x = torch.linspace(-5, 5, 4001, dtype=torch.float64).requires_grad_()
    y, logdet = repeated(one, len(x)).forward(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert (y.diff() > 0).all()
    assert torch.allclose(slope.log(), logdet, atol=1e-8)
    outside = x.abs() >= BOX
    assert torch.equal(y[outside], x[outside])
    assert (logdet[outside] == 0).all()
    at = one.x[0, 1:-1]
    y, logdet = repeated(one, len(at)).forward(at)
    assert torch.allclose(y, one.y[0, 1:-1])
    assert torch.allclose(logdet.exp(), one.slope[0, 1:-1])


def test_a_spline_is_that_of_a_public_flow_library():
    """The same knots and slopes, in the words of the authors' own code."""
    from normflows.utils.splines import rational_quadratic_spline

    bins, n, least = 6, 500, 1e-3
    raw = torch.randn(n, 3 * bins - 1, generator=generator(), dtype=torch.float64)
    mine, x = Spline.of(raw), BOX * (2 * torch.rand(n, generator=generator(1), dtype=torch.float64) - 1)
    slope_one = math.log(math.expm1(1 - least))
    slopes = nn.functional.pad(raw[:, 2 * bins :] + slope_one, (1, 1), value=slope_one)
    for inverse in (False, True):
        theirs, logdet = rational_quadratic_spline(
            x,
            raw[:, :bins],
            raw[:, bins : 2 * bins],
            slopes,
            inverse=inverse,
            left=-BOX,
            right=BOX,
            bottom=-BOX,
            top=BOX,
            min_bin_width=least,
            min_bin_height=least,
            min_derivative=least,
        )
        y, own = (mine.inverse if inverse else mine.forward)(x)
        assert torch.allclose(y, theirs, atol=1e-8)
        assert torch.allclose(own, logdet, atol=1e-8)


def test_the_way_back_along_a_spline_is_the_root_that_scipy_finds():
    for seed in range(20):
        one = spline(1, 5, seed)
        y = float(BOX * (2 * torch.rand(1, generator=generator(seed)) - 1))

        def off(x: float, one: Spline = one, y: float = y) -> float:
            return one.forward(torch.tensor([x], dtype=torch.float64))[0].item() - y

        found = one.inverse(torch.tensor([y], dtype=torch.float64))[0].item()
        assert found == pytest.approx(brentq(off, -BOX, BOX, xtol=1e-12), abs=1e-8)


def test_an_affine_move_is_a_line():
    raw = torch.randn(50, 2, generator=generator(), dtype=torch.float64)
    move, x = Affine(raw), torch.randn(50, generator=generator(1), dtype=torch.float64)
    y, logdet = move.forward(x)
    assert torch.allclose(y, (3 * torch.tanh(raw[:, 0] / 3)).exp() * x + raw[:, 1])
    assert torch.allclose(logdet, 3 * torch.tanh(raw[:, 0] / 3))
    back, undone = move.inverse(y)
    assert torch.allclose(back, x)
    assert torch.allclose(undone, -logdet)


def test_a_layer_keeps_its_coordinate_and_the_stages_add_up():
    flow, x = wild("spline"), torch.randn(30, 2, generator=generator(1))
    places, logdets = flow.stages(x)
    for k in range(len(flow.layers)):
        assert torch.equal(places[k + 1][:, k % 2], places[k][:, k % 2])
    assert torch.allclose(log_normal(places[-1]) + logdets.sum(0), flow.log_prob(x), atol=1e-5)


def test_samples_are_noise_taken_back():
    flow = shipped.flow("two moons")
    z = flow(flow.sample(20_000, generator()))[0]
    assert z.mean(0).abs().max() < 4 / math.sqrt(20_000)
    assert (z.var(0) - 1).abs().max() < 4 * math.sqrt(2 / 20_000)


# --- on the way ---
@pytest.mark.parametrize("kind", KINDS)
def test_the_determinant_of_a_part_of_a_move_is_that_of_autograd(kind):
    flow, between = wild(kind).double(), 3
    x = torch.randn(1, 2, generator=generator(2), dtype=torch.float64)
    found = way(flow, x, between)
    for moment in (1, 5, 8, 12):

        def partly(p: torch.Tensor, moment: int = moment) -> torch.Tensor:
            done, step = divmod(moment, between)
            for layer in flow.layers[:done]:
                p = layer(p[None])[0][0]
            return torch.lerp(p, flow.layers[done](p[None])[0][0], step / between) if step else p

        jacobian = torch.autograd.functional.jacobian(partly, x[0])
        assert torch.allclose(found.places[moment, 0], partly(x[0]))
        assert torch.linalg.slogdet(jacobian).logabsdet.item() == pytest.approx(found.logdets[moment, 0].item())


@pytest.mark.parametrize("world", shipped.WORLDS)
def test_on_its_way_every_density_sums_up_to_one_and_it_ends_as_noise(world):
    n, reach = 240, 5.0
    at = torch.linspace(-reach, reach, n)
    maps = list(densities(shipped.flow(world), at, 2))
    assert len(maps) == 2 * 4 + 1
    cell = (at[1] - at[0]).item() ** 2
    for one in maps:
        assert np.exp(one).sum() * cell == pytest.approx(1, abs=0.02)
    x1, x2 = np.meshgrid(at.numpy(), at.numpy()[::-1])
    assert np.allclose(maps[-1], -(x1**2 + x2**2) / 2 - math.log(2 * math.pi), atol=1e-5)
    exact = -negative_log_density(DENSITIES[world], torch.tensor(np.stack([x1, x2], 2).reshape(-1, 2)))
    sure = exact.reshape(n, n).numpy() > -2
    assert np.abs(maps[0] - exact.reshape(n, n).numpy())[sure].mean() < 0.15


@pytest.mark.parametrize("kind", KINDS)
def test_the_origin_of_a_place_is_the_point_that_gets_there(kind):
    flow = shipped.flow("two moons", kind)
    x = WORLDS["two moons"](1, generator(3))
    between = 4
    places = way(flow, x, between).places
    for moment in range(0, len(places), 3):
        assert (origins(flow, places[moment], moment, between) - x).norm() < 1e-3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layer", [Fold(0, -0.5), Fold(1, 0.3), Squash(0, 1e-3)], ids=["fold", "other", "squash"])
def test_every_point_is_found_again_at_every_moment_in_spite_of_a_bad_layer(kind, layer):
    """A fold: the point itself is among those that are found. A squash: what is found gets to the same place."""
    flow, between = with_layer(shipped.flow("two moons", kind), layer), 4
    x = WORLDS["two moons"](5, generator(4))
    places = way(flow, x, between).places
    for moment, at in enumerate(places):
        for start, place in zip(x, at, strict=True):
            found = origins(flow, place[None], moment, between)
            assert (way(flow, found, between).places[moment] - place).abs().max() < 1e-3
            assert isinstance(layer, Squash) or (found - start).norm(dim=1).min() < 1e-3


def test_below_the_crease_of_a_fold_nothing_comes_from():
    folded = with_layer(Flow(FlowConfig(layers=0)), Fold(0, 0.5))
    below, above = torch.tensor([[0.0, 0.2]]), torch.tensor([[0.0, 0.9]])
    assert origins(folded, below, 1, 2).tolist() == below.tolist()  # it is not made yet
    assert len(origins(folded, below, 2, 2)) == 0
    assert torch.allclose(origins(folded, above, 2, 2), torch.tensor([[0.0, 0.9], [0.0, 0.1]]))


def test_before_a_fold_is_made_nothing_moves():
    x = WORLDS["two moons"](50, generator())
    found = way(with_layer(Flow(FlowConfig(layers=0)), Fold(0, 0.0)), x, 4)
    assert all(torch.equal(place, x) for place in found.places[:4])
    assert torch.equal(found.places[4][:, 1], x[:, 1].abs())
    assert (found.logdets == 0).all()


@pytest.mark.parametrize("at", [-0.5, 0.0, 0.7])
def test_a_folded_flow_counts_what_lies_above_twice(at):
    """∫ p of a fold alone is 2 P(N > at), by the normal distribution; the formula's |det| stays 1."""
    folded = with_layer(Flow(FlowConfig(layers=0)), Fold(0, at))
    above = 1 - 0.5 * (1 + math.erf(at / math.sqrt(2)))
    assert sum(strips(folded.log_prob, reach=8, width=0.02)) == pytest.approx(2 * above, abs=5e-3)
    x = torch.tensor([[0.3, at - 0.4], [0.3, at + 0.4]])
    z, logdet = folded(x)
    assert torch.allclose(z[0], z[1])
    assert (logdet == 0).all()
    assert round_trip(folded, x).tolist() == pytest.approx([0.8, 0.0], abs=1e-6)


def test_a_squash_has_an_inverse_on_paper_only():
    flow, x = shipped.flow("eight Gaussians"), WORLDS["eight Gaussians"](1000, generator())
    worst = [round_trip(with_layer(flow, Squash(0, c)), x).max().item() for c in (1.0, 1e-3, 1e-6)]
    assert worst[0] < 1e-4 < worst[1] < worst[2]
    exact = with_layer(shipped.flow("eight Gaussians").double(), Squash(0, 1e-3))
    assert round_trip(exact, x.double()).max() < 1e-6
    assert round_trip(Chain([Squash(0, 1e-6)]), x).max() < 1e-6  # alone it loses nothing
    half = with_layer(flow, Squash(0, 0.5))
    _, logdets = half.stages(x)
    assert torch.allclose(logdets[2], torch.full((1000,), math.log(0.5)))
    assert len(flow.layers) == 4  # it is left as it was


# --- learning ---
def above(model, world: str) -> tuple[float, float]:
    """How far −log p is above the truth's on fresh points, in nats, and the standard error of that."""
    x = WORLDS[world](20_000, generator(77))
    with torch.no_grad():
        extra = -model.log_prob(x) - negative_log_density(DENSITIES[world], x)
    return extra.mean().item(), extra.std().item() / math.sqrt(len(x))


@pytest.mark.parametrize("world", shipped.WORLDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_spline_flow_comes_within_a_tenth_of_a_nat_of_the_floor(world, seed, one_thread):
    data = WORLDS[world](50_000, generator(10 + seed))
    learner = FlowLearner(data, FlowConfig(), generator(seed))
    learner.rate = 5e-3
    for _ in range(300):
        learner.update()
    nats, error = above(learner.average, world)
    assert -3 * error < nats < 0.10


@pytest.mark.parametrize("world", shipped.WORLDS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_shipped_flow_is_below_the_floor_and_the_cards_say_what_is_so(world, kind):
    nats, error = above(shipped.flow(world, kind), world)
    assert nats > -3 * error
    assert kind == "affine" or nats < 0.02
    recorded = weights.read_card(shipped.flow_name(world, kind))["measured"]
    assert nats == pytest.approx(recorded["above_floor"], abs=4 * error)
    assert recorded["inversion"] < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("world", shipped.WORLDS)
def test_a_public_flow_library_trained_equally_long_is_not_better_by_a_tenth_of_a_nat(world, one_thread):
    """Couplings, bins, units, optimiser, clipping, averaging, batches and updates are the same; theirs may have either
    rate. What is ours alone are the frequencies in which the network sees the kept coordinate."""
    updates, data = 1000, WORLDS[world](50_000, generator(10))
    learner = FlowLearner(data, FlowConfig(), generator())
    for k in range(updates):
        learner.rate = 5e-3 * (1 - k / updates)
        learner.update()
    mine = above(learner.average, world)[0]
    theirs = {rate: above(public_flow(data, rate, updates, learner.batch), world)[0] for rate in (2e-3, 5e-3)}
    print(f"{world}: ours {mine:.3f}, normflows {theirs} nats above the floor after {updates} updates each")
    assert mine < min(theirs.values()) + 0.10


def public_flow(data: torch.Tensor, rate: float, updates: int, batch: int) -> nn.Module:
    """A spline flow of the library's, trained, its weights averaged as `FlowLearner` does."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for k in range(4):
        layers.append(
            normflows.flows.CoupledRationalQuadraticSpline(
                2, 1, 64, num_bins=12, tail_bound=BOX, reverse_mask=bool(k % 2)
            )
        )
    flow = normflows.NormalizingFlow(normflows.distributions.base.DiagGaussian(2, trainable=False), layers)
    averaged = copy.deepcopy(flow)
    optimizer = torch.optim.Adam(flow.parameters(), betas=(0.9, 0.99))
    draws = generator(1)
    for k in range(updates):
        optimizer.param_groups[0]["lr"] = rate * (1 - k / updates)
        loss = flow.forward_kld(data[torch.randint(len(data), (batch,), generator=draws)])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), LONGEST)
        optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(averaged.parameters(), flow.parameters(), strict=True):
                slow.lerp_(fast, 1 - min(AVERAGE, (k + 1) / (k + 11)))
    return averaged
