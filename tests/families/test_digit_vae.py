"""The autoencoder's bound against torch.distributions, and against the integral that it bounds."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from scipy import integrate
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from tutorial import weights
from tutorial.data.digits import binarised, black_and_white, digits
from tutorial.families import digit_evidence
from tutorial.families.digit_evidence import AT_ONCE, Evidence, evidence, integration, log_joint
from tutorial.families.digit_vae import BETAS, PLANE, file_name, load, log_likelihood, log_weights, parts, sample
from tutorial.families.digit_vae_training import DigitVAETraining, Knobs
from tutorial.families.elbo import draw, importance_bound, importance_bounds, kl_to_prior, log_gaussian
from tutorial.families.flow import log_normal
from tutorial.networks.digit_vae import DigitVAE, DigitVAEConfig
from tutorial.training.digit_vae import SHIPPED

SMALL = DigitVAEConfig(latent=2, hidden=(16, 8))
SHOWN = 6


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return binarised(digits("test")[0][:SHOWN], seeded(0))


@pytest.fixture(scope="module", params=BETAS)
def shipped(request) -> DigitVAE:
    return load(PLANE, request.param)


@pytest.fixture(scope="module")
def known(shipped, x) -> list[Evidence]:
    """What quadrature says of each digit."""
    return list(evidence(shipped, x))


def test_binarised_digits_are_their_grey_values_on_average():
    """Within five standard errors of 3,000 coins, at each pixel of a digit."""
    grey = digits("test")[0][:1]
    many = binarised(grey.expand(3000, 1, 28, 28), seeded(0))
    assert set(many.unique().tolist()) == {0.0, 1.0}
    p = grey[0] / 255
    assert ((many.mean(0) - p).abs() <= 5 * (p * (1 - p) / 3000).sqrt()).all()


def test_densities_are_those_of_torch_distributions():
    mean, logvar, z = (torch.randn(5, 3, dtype=torch.float64) for _ in range(3))
    q = Independent(Normal(mean, (0.5 * logvar).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    assert torch.allclose(log_gaussian(z, mean, logvar), q.log_prob(z))
    assert torch.allclose(log_normal(z), prior.log_prob(z))
    assert torch.allclose(kl_to_prior(mean, logvar), kl_divergence(q, prior))
    logits = 5 * torch.randn(4, 1, 28, 28, dtype=torch.float64)
    bits = torch.bernoulli(torch.full_like(logits, 0.5))
    assert torch.allclose(log_likelihood(logits, bits), Independent(Bernoulli(logits=logits), 3).log_prob(bits))


def test_codes_are_drawn_from_the_encoders_gaussian():
    mean, logvar = torch.tensor([[1.0, -2.0]]), torch.tensor([[-2.0, 1.0]])
    z = draw(mean, logvar, seeded(0), draws=100_000)[:, 0]
    spread = (0.5 * logvar[0]).exp()
    assert ((z.mean(0) - mean[0]).abs() < 5 * spread / 100_000**0.5).all()
    assert torch.allclose(z.std(0), spread, rtol=0.02)


def test_gradients_reach_the_encoder_through_the_draw():
    """By the reparametrisation; the slope of E[z²] in the mean is twice the mean."""
    mean = torch.tensor([[1.5]], requires_grad=True)
    draw(mean, torch.zeros(1, 1), seeded(0), draws=200_000).square().mean().backward()
    assert mean.grad is not None
    assert mean.grad.item() == pytest.approx(3.0, abs=0.03)


def test_the_mean_log_weight_is_the_elbo(shipped, x):
    """Two estimates of it, one with its KL in closed form: they differ by chance alone."""
    found = parts(shipped, x, seeded(1), draws=2000)
    log_w = log_weights(shipped, x, seeded(2), draws=2000)
    error = log_w.std(0) / 2000**0.5
    assert ((log_w.mean(0) - found.elbo).abs() < 8 * error + 1e-3).all()


def test_bounds_rise_with_k_to_the_exact_evidence(shipped, x, known):
    """ELBO ≤ L_10 ≤ L_100 ≤ L_1000 ≤ log p(x) for each digit, but for five standard errors of 10,000 codes."""
    exact = torch.tensor([one.log_evidence for one in known])
    log_w = torch.cat([log_weights(shipped, x, seeded(seed), draws=2000) for seed in range(5)])
    groups = [importance_bounds(log_w, k) for k in (1, 10, 100, 1000)]
    errors = [each.std(0) / len(each) ** 0.5 for each in groups] + [torch.zeros(len(x))]
    bounds = [each.mean(0) for each in groups] + [exact]
    for (lower, one), (higher, other) in itertools.pairwise(zip(bounds, errors, strict=True)):
        assert (lower <= higher + 5 * torch.hypot(one, other) + 1e-3).all()
    assert bounds[0].mean() < exact.mean() - 0.1  # there is a gap to close


def test_the_elbo_and_its_gap_make_the_evidence(shipped, x, known):
    """log p(x) = ELBO + KL(q ‖ p(z | x)): the ELBO by 5,000 draws, the rest by quadrature."""
    for k, one in enumerate(known):
        log_w = log_weights(shipped, x[k : k + 1], seeded(k), draws=5000)[:, 0]
        error = log_w.std().item() / 5000**0.5
        assert one.kl >= 0
        assert abs(log_w.mean().item() + one.kl - one.log_evidence) < 6 * error + 2e-3


def test_quadrature_agrees_with_scipy():
    """An adaptive rule of another kind, on a small decoder that knows nothing yet."""
    torch.manual_seed(0)
    model, x = DigitVAE(SMALL).requires_grad_(False), torch.bernoulli(torch.full((1, 1, 28, 28), 0.5))
    (known,) = evidence(model, x)
    top = log_joint(model, torch.zeros(1, 2), x[0]).item()

    def density(a: float, b: float) -> float:
        return math.exp(log_joint(model, torch.tensor([[a, b]], dtype=torch.float32), x[0]).item() - top)

    value, _ = integrate.dblquad(density, -6, 6, -6, 6, epsabs=1e-3, epsrel=1e-3)
    assert known.log_evidence == pytest.approx(top + math.log(value), abs=5e-3)


def test_quadrature_agrees_with_a_much_finer_grid_where_the_encoder_is_far_off():
    """At β = 10, over all codes at once, with a tenth of the codes' distance and more: log p(x) and the gap."""
    model, numbers = load(PLANE, 10.0), [4, 55, 100]
    x, h, top = black_and_white()[numbers], 0.0125, 4.5
    axis = torch.arange(-top + h / 2, top, h)
    rows = []
    for z in torch.cartesian_prod(axis, axis).split(5000):
        logits = model.decode(z).flatten(1)
        rows.append(logits @ x.flatten(1).T - torch.nn.functional.softplus(logits).sum(1, keepdim=True))
    z = torch.cartesian_prod(axis, axis).double()
    joint = torch.cat(rows).double() + Normal(0.0, 1.0).log_prob(z).sum(1, keepdim=True)
    mean, logvar = (part.double() for part in model.encode(x))
    for k, known in enumerate(evidence(model, x)):
        log_p = joint[:, k].logsumexp(0) + 2 * math.log(h)
        log_q = Normal(mean[k], (0.5 * logvar[k]).exp()).log_prob(z).sum(1)
        gap = (log_q.exp() * (log_q - joint[:, k] + log_p)).sum() * h**2
        assert known.log_evidence == pytest.approx(log_p.item(), abs=2e-3)
        assert known.kl == pytest.approx(gap.item(), abs=5e-3)
    assert known.kl > 1


def test_quadrature_pauses_after_every_few_codes(monkeypatch):
    """The digit that needs the most: no two decodings without a pause between them."""
    decoded: list[int] = []

    def noted(model, z, x):
        decoded.append(len(z))
        return log_joint(model, z, x)

    monkeypatch.setattr(digit_evidence, "log_joint", noted)
    found, before = [], 0
    for step in integration(load(PLANE, 10.0), black_and_white()[55:56]):
        assert len(decoded) - before <= 1
        found, before = [*found, step], len(decoded)
    assert max(decoded) <= AT_ONCE
    assert found[:-1] == [None] * (len(found) - 1)
    assert len(found) > 10
    assert isinstance(found[-1], Evidence)


def test_quadrature_that_does_not_settle_says_so(monkeypatch):
    monkeypatch.setattr(digit_evidence, "HALVINGS", 1)
    with pytest.raises(ArithmeticError, match="not settled"):
        next(evidence(load(PLANE, 0.1), black_and_white()[7:8]))


def test_probabilities_of_all_pictures_add_up_to_one():
    """Where only three pixels can be white, there are eight pictures."""
    torch.manual_seed(1)
    model = DigitVAE(SMALL).requires_grad_(False)
    last = model.decoder[-1]
    last.weight[3:], last.bias[3:] = 0, -60
    last.weight[:3] *= 20
    pictures = torch.zeros(8, 1, 28, 28)
    pictures[:, 0, 0, :3] = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)
    found = [one.log_evidence for one in evidence(model, pictures)]
    assert sum(map(math.exp, found)) == pytest.approx(1, abs=2e-3)


def test_where_the_code_says_nothing_the_evidence_is_the_decoders_likelihood():
    """And the gap is KL(q ‖ prior), in closed form."""
    torch.manual_seed(2)
    model = DigitVAE(SMALL).requires_grad_(False)
    model.decoder[-1].weight.zero_()
    x = torch.bernoulli(torch.full((3, 1, 28, 28), 0.3))
    mean, logvar = model.encode(x)
    likelihood = log_likelihood(model.decode(mean), x)
    for known, exact, kl in zip(evidence(model, x), likelihood, kl_to_prior(mean, logvar), strict=True):
        assert known.log_evidence == pytest.approx(exact.item(), abs=2e-3)
        assert known.kl == pytest.approx(kl.item(), abs=2e-3)


def test_quadrature_is_for_the_plane(x):
    with pytest.raises(ValueError, match="codes of 2 numbers"):
        next(evidence(DigitVAE(DigitVAEConfig(latent=3, hidden=(8,))), x))


def test_a_bound_needs_its_weights():
    log_w = torch.randn(10, 3)
    assert torch.equal(importance_bound(log_w, 1), log_w.mean(0))
    assert torch.allclose(importance_bound(log_w, 10), log_w.exp().mean(0).log())
    assert torch.allclose(
        importance_bound(log_w, 4), (log_w[:4].exp().mean(0).log() + log_w[4:8].exp().mean(0).log()) / 2
    )
    with pytest.raises(ValueError, match="as many weights"):
        importance_bound(log_w, 11)


def test_beta_moves_rate_and_distortion_as_it_should():
    """As recorded on the cards, on 10,000 digits. Two things were found, and are said in the chapter: the cheapest rate
    buys no less distortion, and β = 0.3 has no worse an ELBO than β = 1, which trains for it."""
    cards = [weights.read_card(file_name(PLANE, beta))["measured"] for beta in BETAS]
    rates = [card["kl"]["mean"] for card in cards]
    assert all(less > more + 1 for less, more in itertools.pairwise(rates))
    distortions = [-card["reconstruction"]["mean"] for card in cards]
    assert all(less < more - 1 for less, more in itertools.pairwise(distortions[1:]))
    assert abs(distortions[0] - distortions[1]) < 1
    for beta, card in zip(BETAS, cards, strict=True):
        if beta == 1.0:
            continue
        above = card["elbo_above_beta_1"]
        assert above["mean"] == pytest.approx(card["elbo"]["mean"] - cards[BETAS.index(1.0)]["elbo"]["mean"], abs=0.01)
        assert above["standard_error"] < card["elbo"]["standard_error"]  # a digit is hard for both, or for neither
        assert (above["mean"] > -2 * above["standard_error"]) == (beta == 0.3)


def test_the_same_digits_and_one_network_have_one_figure():
    """The real digits' own Fréchet distance, and the times: β is part of neither."""
    cards = [weights.read_card(file_name(PLANE, beta))["measured"] for beta in BETAS]
    for name in ("frechet_real", "ms_alone", "ms_among_1000", "ms_a_step"):
        assert len({card[name] for card in cards}) == 1, name


def test_cards_say_what_is_measured():
    """The recorded ELBO, from fewer digits: within five standard errors of theirs."""
    few = binarised(digits("test")[0][:1000], seeded(5))
    for latent, beta in SHIPPED:
        found = parts(load(latent, beta), few, seeded(6)).elbo
        recorded = weights.read_card(file_name(latent, beta))["measured"]["elbo"]["mean"]
        assert abs(found.mean().item() - recorded) < 5 * found.std().item() / 1000**0.5


def test_training_is_the_same_for_the_same_seed_and_lowers_the_bound():
    pictures, test = digits("training")[0][:2000], binarised(digits("test")[0][:200], seeded(0))
    ends = []
    for seed in (0, 0, 1):
        training = DigitVAETraining(pictures, SMALL, seed=seed)
        before = training.look(test).elbo.mean()
        for update in training.run(Knobs):
            if update.i == 120:
                break
        assert training.look(test).elbo.mean() > before + 200
        ends.append(torch.cat([p.flatten() for p in training.model.parameters()]))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_training_minimises_distortion_and_beta_times_rate():
    """With β = 0 the code may be as long as it likes; with a large β it is given up."""
    pictures, test, rates = digits("training")[0][:2000], binarised(digits("test")[0][:200], seeded(0)), []
    for beta in (0.0, 100.0):
        training = DigitVAETraining(pictures, SMALL)
        for update in training.run(lambda beta=beta: Knobs(beta=beta)):
            if update.i == 200:
                break
        rates.append(training.look(test).kl.mean().item())
    assert rates[0] > 2
    assert rates[1] < 0.2


def test_samples_are_probabilities_and_follow_the_seed():
    model = load()
    one, again, other = (sample(model, 3, seeded(seed)) for seed in (0, 0, 1))
    assert one.shape == (3, 1, 28, 28)
    assert ((one >= 0) & (one <= 1)).all()
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_evidence_is_a_row_of_numbers(x):
    (known,) = evidence(load(), x[:1])
    assert isinstance(known, Evidence)
    assert known.codes > 100
