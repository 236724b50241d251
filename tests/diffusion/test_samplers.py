"""Samplers against diffusers' schedulers at every step, and against closed forms in float64."""

from __future__ import annotations

import itertools

import diffusers
import pytest
import torch

from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.exact import exact_denoiser, flow_map
from tutorial.diffusion.guidance import guided
from tutorial.diffusion.objective import KINDS, target
from tutorial.diffusion.samplers import SAMPLERS, ddim, ddpm, dpm_solver_pp_2m, euler, evaluations, heun
from tutorial.diffusion.schedule import Schedule

MIXTURE = GaussianMixture(
    torch.tensor([0.3, 0.7], dtype=torch.float64), torch.tensor([[1.0, 2.0], [-1.5, 0.0]], dtype=torch.float64), 0.3
)
KIND_NAMES = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}

SINGLE = 1e-4
"""Tolerance where diffusers computes σ in float32 whatever it is given."""


def noise(n: int = 64, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scheduler(kind: type, schedule: Schedule, steps: int, **options):
    betas = (1 - schedule.abar[1:] / schedule.abar[:-1]).numpy()
    theirs = kind(num_train_timesteps=schedule.T, trained_betas=betas, timestep_spacing="trailing", **options)
    theirs.alphas_cumprod = schedule.abar[1:]  # in float64, where the class rounds to float32
    theirs.set_timesteps(steps)
    return theirs


def follow(theirs, denoise, x: torch.Tensor, **options) -> list[torch.Tensor]:
    """diffusers' own loop; its times count from 0 at the first noisy level."""
    visited = []
    for t in theirs.timesteps:
        level = torch.full((len(x),), round(float(t)) + 1)
        answer = denoise(theirs.scale_model_input(x, t), level, None)
        x = theirs.step(answer, t, x, **options).prev_sample
        visited.append(x)
    return visited


def assert_same(ours, theirs, tolerance: float = 1e-9) -> None:
    ours = [step.x_next for step in ours]
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).abs().max() < tolerance


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 20, 50])
@pytest.mark.parametrize("schedule", [Schedule.linear(), Schedule.scaled_linear()], ids=["linear", "scaled_linear"])
def test_ddim_is_diffusers(schedule, steps, kind):
    denoise = exact_denoiser(MIXTURE, schedule, kind)
    options = {"clip_sample": False, "set_alpha_to_one": True, "prediction_type": KIND_NAMES[kind]}
    theirs = scheduler(diffusers.DDIMScheduler, schedule, steps, **options)
    assert_same(ddim(denoise, schedule, noise(), steps=steps, predicts=kind), follow(theirs, denoise, noise()), 1e-4)


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_ddim_with_new_noise_is_diffusers(eta):
    schedule = Schedule.scaled_linear()
    denoise = exact_denoiser(MIXTURE, schedule)
    theirs = scheduler(diffusers.DDIMScheduler, schedule, 25, clip_sample=False, set_alpha_to_one=True)
    ours = list(ddim(denoise, schedule, noise(), steps=25, eta=eta, generator=torch.Generator().manual_seed(3)))
    generator, x = torch.Generator().manual_seed(3), noise()
    for step, t in zip(ours, theirs.timesteps, strict=True):
        drawn = torch.randn(x.shape, generator=generator, dtype=x.dtype) if step.t_next > 0 else torch.zeros_like(x)
        answer = denoise(x, torch.full((len(x),), int(t) + 1), None)
        x = theirs.step(answer, t, x, eta=eta, variance_noise=drawn).prev_sample
        assert (step.x_next - x).abs().max() < 1e-9


@pytest.mark.parametrize(("variance", "theirs_name"), [("posterior", "fixed_small"), ("beta", "fixed_large")])
@pytest.mark.parametrize("steps", [20, 1000])
def test_ddpm_is_diffusers(variance, theirs_name, steps):
    schedule = Schedule.linear()
    denoise = exact_denoiser(MIXTURE, schedule)
    theirs = scheduler(diffusers.DDPMScheduler, schedule, steps, clip_sample=False, variance_type=theirs_name)
    generator = torch.Generator().manual_seed(3)
    expected = follow(theirs, denoise, noise(), generator=torch.Generator().manual_seed(3))
    ours = list(ddpm(denoise, schedule, noise(), steps=steps, variance=variance, generator=generator))
    if (variance, steps) == ("beta", 20):  # diffusers adds noise even on arrival when it strides over t = 0
        assert (expected.pop() - ours.pop().x_next).abs().max() > 0.1
    assert_same(ours, expected)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(euler, diffusers.EulerDiscreteScheduler), (heun, diffusers.HeunDiscreteScheduler)]
)
def test_euler_and_heun_are_diffusers(ours, theirs):
    """diffusers keeps x̄ = x / √ᾱ, and counts Heun's two looks as two steps."""
    schedule = Schedule.scaled_linear()
    denoise = exact_denoiser(MIXTURE, schedule)

    steps = list(ours(denoise, schedule, noise(), steps=20))
    visited = follow(scheduler(theirs, schedule, 20), denoise, noise() / schedule.abar[-1].sqrt())
    if ours is heun:
        visited = visited[1::2] + visited[-1:]
    assert_same(steps, [x * schedule.abar[s.t_next].sqrt() for x, s in zip(visited, steps, strict=True)], SINGLE)


@pytest.mark.parametrize("steps", [5, 20])
def test_dpm_solver_is_diffusers(steps):
    schedule = Schedule.scaled_linear()
    denoise = exact_denoiser(MIXTURE, schedule)
    options = {"algorithm_type": "dpmsolver++", "solver_order": 2, "final_sigmas_type": "zero"}
    theirs = scheduler(diffusers.DPMSolverMultistepScheduler, schedule, steps, **options)
    assert_same(dpm_solver_pp_2m(denoise, schedule, noise(), steps=steps), follow(theirs, denoise, noise()), SINGLE)


def test_ddim_with_eta_one_is_ddpm_with_the_posterior_variance():
    schedule = Schedule.linear(100)
    denoise = exact_denoiser(MIXTURE, schedule)
    a = ddim(denoise, schedule, noise(), steps=100, eta=1.0, generator=torch.Generator().manual_seed(1))
    b = ddpm(denoise, schedule, noise(), steps=100, generator=torch.Generator().manual_seed(1))
    for ours, theirs in zip(a, b, strict=True):
        assert (ours.x_next - theirs.x_next).abs().max() < 1e-12


def test_euler_is_ddim_with_eta_zero():
    schedule = Schedule.cosine()
    denoise = exact_denoiser(MIXTURE, schedule)
    grid = schedule.timesteps(30, sigma_max=80)
    for a, b in zip(
        euler(denoise, schedule, noise(), steps=30), ddim(denoise, schedule, noise(), steps=grid), strict=True
    ):
        assert (a.t, a.t_next) == (b.t, b.t_next)
        assert (a.x_next - b.x_next).abs().max() < 1e-12


def arrived(sampler, stride: int) -> torch.Tensor:
    """Where a sampler gets to between two fixed noise levels, both noisy."""
    schedule = Schedule.scaled_linear(8192)
    *_, last = sampler(exact_denoiser(MIXTURE, schedule), schedule, noise(), steps=range(6144, 1023, -stride))
    return last.x_next


@pytest.fixture(scope="module")
def in_tiny_steps() -> torch.Tensor:
    return arrived(heun, 1)


@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (heun, 2), (dpm_solver_pp_2m, 2)])
def test_order_of_convergence(sampler, order, in_tiny_steps):
    """Halving the step divides the error by 2^order."""
    errors = torch.stack([(arrived(sampler, stride) - in_tiny_steps).abs().mean() for stride in (128, 64, 32)])
    assert torch.allclose(
        (errors[:-1] / errors[1:]).log2(), torch.full((2,), float(order), dtype=torch.float64), atol=0.15
    )


@pytest.mark.parametrize("sampler", [euler, heun, dpm_solver_pp_2m])
def test_ode_samplers_land_on_the_exact_flow_map(sampler):
    """One Gaussian: where the probability flow takes a point is known in closed form."""
    mean, spread = torch.tensor([0.5, -1.0], dtype=torch.float64), 0.4
    schedule = Schedule.scaled_linear()
    single = GaussianMixture(torch.ones(1, dtype=torch.float64), mean[None], spread)
    *_, last = sampler(exact_denoiser(single, schedule), schedule, noise(), steps=1000)
    expected = flow_map(mean, spread, schedule, noise(), schedule.T, 0)
    assert (last.x_next - expected).abs().max() < 0.01


@pytest.mark.parametrize("name", ["ddpm", "ddim"])
def test_samples_of_a_mixture_have_its_weights_and_its_spread(name):
    schedule = Schedule.cosine(400)
    extra = {"eta": 0.5} if name == "ddim" else {}
    generator = torch.Generator().manual_seed(2)
    *_, last = SAMPLERS[name](
        exact_denoiser(MIXTURE, schedule), schedule, noise(4000, 1), steps=200, generator=generator, **extra
    )
    near = torch.cdist(last.x_next, MIXTURE.means).argmin(1)
    share = (near == 0).double().mean()
    assert abs(share - 0.3) < 4 * (0.3 * 0.7 / 4000) ** 0.5
    for k in (0, 1):
        residual = last.x_next[near == k] - MIXTURE.means[k]
        assert residual.std().item() == pytest.approx(MIXTURE.spread, rel=0.06)


@pytest.mark.parametrize("name", SAMPLERS)
def test_same_seed_same_result_and_every_step_links_to_the_next(name):
    schedule = Schedule.cosine()
    denoise = exact_denoiser(MIXTURE, schedule)

    def run() -> list:
        extra = {"generator": torch.Generator().manual_seed(5)} if name in ("ddpm", "ddim") else {}
        return list(SAMPLERS[name](denoise, schedule, noise(), steps=12, **extra))

    first, second = run(), run()
    assert torch.equal(first[-1].x_next, second[-1].x_next)
    assert [step.i for step in first] == list(range(12))
    assert first[-1].t_next == 0
    for a, b in itertools.pairwise(first):
        assert a.t_next == b.t
        assert torch.equal(a.x_next, b.x)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 7])
def test_evaluations_are_counted_right(name, steps):
    schedule, calls = Schedule.cosine(), 0
    exact = exact_denoiser(MIXTURE, schedule)

    def counting(x, t, cond):
        nonlocal calls
        calls += 1
        return exact(x, t, cond)

    for _ in SAMPLERS[name](counting, schedule, noise(), steps=steps):
        pass
    assert calls == evaluations(name, steps)


def test_impossible_settings_are_refused():
    schedule = Schedule.cosine()
    denoise = exact_denoiser(MIXTURE, schedule)
    with pytest.raises(ValueError, match="eta"):
        next(ddim(denoise, schedule, noise(), steps=5, eta=1.5))
    with pytest.raises(ValueError, match="variance"):
        next(ddpm(denoise, schedule, noise(), steps=5, variance="learned"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="between 1 and"):
        next(euler(denoise, schedule, noise(), steps=0))


def test_guidance_is_the_formula_and_needs_one_call():
    sizes = []

    def denoise(x, t, cond):
        sizes.append(len(x))
        return cond.sum((1, 2))[:, None] * x

    x, t = noise(3), torch.full((3,), 5)
    null, cond = torch.full((1, 2, 2), 0.1, dtype=torch.float64), torch.full((3, 2, 2), 0.5, dtype=torch.float64)
    for scale, factor, batch in ((0, 0.4, 3), (1, 2.0, 3), (2.5, 0.4 + 2.5 * 1.6, 6)):
        assert torch.allclose(guided(denoise, null, scale)(x, t, cond), factor * x)
        assert sizes[-1] == batch
    assert len(sizes) == 3


def test_guiding_the_noise_or_the_velocity_is_the_same():
    """ε, x_0 and v are affine in each other at a given x, so an affine combination commutes with reading."""
    schedule, t, x = Schedule.cosine(), 400, noise()
    eps_pair = torch.randn(2, 64, 2, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    signal, hiss = schedule.abar[t].sqrt(), (1 - schedule.abar[t]).sqrt()
    v_pair = [target("v", schedule, (x - hiss * eps) / signal, t, eps) for eps in eps_pair]
    eps_guided = eps_pair[0] + 3 * (eps_pair[1] - eps_pair[0])
    v_guided = v_pair[0] + 3 * (v_pair[1] - v_pair[0])
    assert torch.allclose(target("v", schedule, (x - hiss * eps_guided) / signal, t, eps_guided), v_guided)
