"""The families side by side: nobody beats the data's own likelihood, bounds bound, codes lead back, and all learn."""

from __future__ import annotations

import copy
import math
import time
from collections import Counter
from dataclasses import replace

import pytest
import torch

from tutorial.data.toy2d import ring, spiral
from tutorial.families import comparison
from tutorial.families.comparison import Comparison, Knobs
from tutorial.families.learners import AUTOREGRESSIVE, FLOW, OutOfBounds, learners
from tutorial.metrics.coverage import coverage
from tutorial.networks.mlp import StackedMLP

UPDATES = {"flow": 200, "autoregressive": 400, "GAN": 300, "VAE": 1000, "diffusion": 1000}

pytestmark = pytest.mark.usefixtures("one_thread_throughout")


@pytest.fixture(scope="module")
def trained():
    """The five after a few hundred updates on the eight Gaussians, and points that none of them learned from."""
    generator = torch.Generator().manual_seed(0)
    five = learners(ring().sample(20_000, generator), seed=0)
    for learner in five:
        for _ in range(UPDATES[learner.name]):
            learner.update()
    return {learner.name: learner for learner in five}, ring().sample(2000, generator)


def mixture_nll(x: torch.Tensor) -> torch.Tensor:
    """−log p of the eight Gaussians by torch.distributions, in float64."""
    from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

    around = Independent(Normal(ring().means.double(), torch.full((8, 2), 0.1).double()), 1)
    return -MixtureSameFamily(Categorical(ring().weights.double()), around).log_prob(x.double())


@pytest.mark.parametrize("family", ["flow", "autoregressive", "VAE", "diffusion"])
def test_nobody_is_more_likely_than_the_data_itself(trained, family):
    """E[−log p_model(x)] = entropy + KL(data ‖ model), and a bound is above it; paired, so that few points tell."""
    models, x = trained
    nll = models[family].nll(x, torch.Generator().manual_seed(1))
    excess = nll - mixture_nll(x)
    assert excess.mean() > -3 * excess.std() / math.sqrt(len(x))
    one = torch.distributions.MultivariateNormal(x.mean(0), x.T.cov())
    assert nll.mean() < -one.log_prob(x).mean() - 0.5  # and it knows more than a single Gaussian around all of them


def test_a_gan_knows_no_density_and_leads_no_point_back(trained):
    gan, x = trained[0]["GAN"], trained[1]
    assert gan.density == "none"
    assert gan.nll(x) is None
    assert gan.encode(x) is None


def test_the_weighted_bound_of_the_vae_is_tighter_than_its_elbo(trained):
    """Burda et al. 2016, theorem 1; and one draw of z is the ELBO, E log p(x | z) − KL."""
    models, x = trained
    vae = models["VAE"].average
    with torch.no_grad():
        reconstruction, kl = vae.elbo(x, torch.Generator().manual_seed(2))
    elbo = reconstruction - kl
    one, many = (vae.bound(x, draws, torch.Generator().manual_seed(3)) for draws in (1, 64))
    error = (one - elbo).std() / math.sqrt(len(x))
    assert abs((one - elbo).mean()) < 4 * error
    assert (many - one).mean() > 3 * (many - one).std() / math.sqrt(len(x))
    assert torch.equal(-models["VAE"].nll(x, torch.Generator().manual_seed(3)), many)


@pytest.mark.parametrize(("family", "off"), [("flow", 1e-4), ("autoregressive", 1e-4)])
def test_codes_of_exact_families_lead_back_to_their_points(trained, family, off):
    """All of them, those in the tails as well."""
    models, x = trained
    back = models[family].decode(models[family].encode(x))
    assert (back - x).norm(dim=1).max() < off


@pytest.mark.parametrize(("family", "off"), [("VAE", 0.3), ("diffusion", 0.3)])
def test_codes_of_the_others_lead_close_to_their_points(trained, family, off):
    """The mode that most points come from is 1.5 away from the next."""
    models, x = trained
    back = models[family].decode(models[family].encode(x))
    assert (back - x).norm(dim=1).mean() < off


@pytest.mark.parametrize("family", ["flow", "autoregressive"])
def test_the_code_is_what_gives_a_point_its_density(trained, family):
    """Change of variables: p(x) = N(code; 0, I) |det ∂code/∂x|, with the derivative by autograd in float64."""
    model = in_float64(trained[0][family])
    x = trained[1][:20].double()
    for point in x:
        jacobian = torch.autograd.functional.jacobian(lambda one: model.encode(one[None])[0].double(), point)
        code = model.encode(point[None]).double()
        density = -code.square().sum() / 2 - math.log(2 * math.pi) + jacobian.det().abs().log()
        assert -density.item() == pytest.approx(model.nll(point[None]).item(), abs=1e-3)


def in_float64(model):
    """The learner with its averaged weights in double precision."""
    twin = copy.copy(model)
    twin.average = copy.deepcopy(model.average).double()
    return twin


@pytest.mark.parametrize("family", ["flow", "autoregressive", "GAN", "diffusion"])
def test_decoding_noise_is_sampling(trained, family):
    """The same codes give the same points; and noise gives points like those of `sample`. Not so for the VAE, below."""
    model = trained[0][family]
    noise = torch.randn(2000, 2, generator=torch.Generator().manual_seed(4))
    assert torch.equal(model.decode(noise), model.decode(noise))
    own = model.sample(2000, torch.Generator().manual_seed(5))
    assert comparison.energy_distance(model.decode(noise), own) < 6 * comparison.noise_floor(own, 2000, 2000)


def test_decoding_noise_is_sampling_but_for_the_noise_of_the_vae(trained):
    """Of p(x | z) it gives the mean: what `sample` draws from the same codes is that and white noise of width σ."""
    model = trained[0]["VAE"]
    noise = torch.randn(2000, 2, generator=torch.Generator().manual_seed(5))
    rest = model.sample(2000, torch.Generator().manual_seed(5)) - model.decode(noise)
    sigma = model.average.log_spread.exp().item()
    assert rest.std().item() == pytest.approx(sigma, rel=0.06)
    assert abs(rest.mean().item()) < 4 * sigma / math.sqrt(rest.numel())


@pytest.mark.parametrize("family", ["flow", "autoregressive", "GAN", "VAE", "diffusion"])
def test_drawing_takes_as_many_evaluations_as_it_says(trained, family):
    """Counted: how often the perceptron runs that runs most often."""
    model = trained[0][family]
    average = {"GAN": lambda: model.model, "diffusion": lambda: model.training.average}.get(
        family, lambda: model.average
    )()
    runs = Counter()
    hooks = [
        module.register_forward_pre_hook(lambda module, _: runs.update([id(module)]))
        for module in average.modules()
        if isinstance(module, StackedMLP)
    ]
    model.sample(10)
    for hook in hooks:
        hook.remove()
    assert max(runs.values()) == model.evaluations


def test_a_seed_gives_the_same_run_and_another_another():
    data = ring().sample(5000, torch.Generator().manual_seed(0))
    runs = []
    for seed in (3, 3, 4):
        five = learners(data, seed=seed)
        runs.append({learner.name: [learner.update() for _ in range(40)] for learner in five})
    assert runs[0] == runs[1]
    assert all(runs[0][name] != runs[2][name] for name in runs[0])


def test_a_comparison_with_a_seed_is_the_same_however_long_its_slices_were(monkeypatch):
    """Time decides whose turn it is, and nothing else."""
    found = []
    for seconds in (0.005, 0.1):
        monkeypatch.setattr(comparison, "SLICE", seconds)
        run = Comparison(ring().sample, density=ring(), modes=ring(), seed=5)
        for _ in run.train(updates=30):
            pass
        for _ in run.measure():
            pass
        found.append({standing.name: standing.quick.samples for standing in run.state().standings})
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_each_family_gets_the_same_share_of_the_time():
    run = Comparison(spiral, flow=replace(FLOW, kind="affine"), autoregressive=replace(AUTOREGRESSIVE, first=1))
    training = run.train()
    while sum(run.learned.values()) < 3:
        next(training)
    shares = sorted(run.learned.values())
    assert shares[-2] - shares[0] < 0.3  # a slice; a busy machine may hold one of them up in the middle of its own
    state = run.state()
    assert state.entropy is None
    assert all(standing.quick.coverage is None for standing in state.standings)
    updates = {standing.name: standing.updates for standing in state.standings}
    assert updates["flow"] < updates["diffusion"]  # whose updates cost less


def test_numbers_out_of_bounds_are_noticed_and_not_drawn():
    run = Comparison(ring().sample, density=ring(), modes=ring())
    with pytest.raises(OutOfBounds):
        for _ in run.train(lambda: Knobs(rate=1e18), updates=500):
            pass


def test_every_number_of_a_measurement_is_what_it_says():
    run = Comparison(ring().sample, density=ring(), modes=ring(), seed=1)
    for _ in run.train(updates=100):
        pass
    for _ in run.measure():
        pass
    state = run.state()
    assert state.entropy is not None
    assert state.entropy.mean == pytest.approx(mixture_nll(run.test).mean().item(), abs=1e-5)
    by_name = {standing.name: standing for standing in state.standings}
    for learner in run.learners:
        quick, thorough = by_name[learner.name].quick, by_name[learner.name].thorough
        assert quick.coverage == coverage(ring(), quick.samples)
        near = torch.cdist(thorough.way.double(), run.neighbours.double()).min(1).values
        assert thorough.on_data == pytest.approx((near < comparison.CLOSE).double().mean().item(), abs=0.03)
        strides = [math.dist(a, b) for a, b in zip(thorough.way.tolist(), thorough.way[1:].tolist(), strict=False)]
        assert thorough.stride == pytest.approx(max(strides), rel=1e-4)
        if learner.density == "exact":
            nll = learner.nll(run.test).double()
            assert thorough.nll.mean == pytest.approx(nll.mean().item(), abs=1e-5)
            assert thorough.nll.error == pytest.approx(nll.std().item() / math.sqrt(len(nll)), rel=1e-4)
            assert thorough.excess.mean == pytest.approx(thorough.nll.mean - state.entropy.mean, abs=1e-5)
            assert (thorough.way[[0, -1]] - run.ends).norm(dim=1).max() < 1e-3  # from a point of the data to another
    assert by_name["GAN"].thorough.inversion is None
    assert by_name["diffusion"].evaluations > by_name["flow"].evaluations


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_half_a_minute_of_computing_is_enough_for_all_but_the_vae_and_the_gan(seed):
    """Of one thread's own time, measurements included."""
    run = Comparison(ring().sample, density=ring(), modes=ring(), seed=seed, clock=time.thread_time)
    for _ in run.train():
        if run.seconds >= 29:
            break
    for _ in run.measure():
        pass
    assert run.seconds < 30.5
    found = {standing.name: standing for standing in run.state().standings}
    assert found["flow"].thorough.excess.mean < 0.25
    assert found["autoregressive"].thorough.excess.mean < 0.15
    many = coverage(ring(), run.learners[-1].sample(4000, torch.Generator().manual_seed(9)))
    assert many.modes == 8
    assert many.high_quality >= 0.9
