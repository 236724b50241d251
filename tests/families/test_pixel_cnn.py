"""Drawing pixel by pixel gives what the full pass says, and the shipped model knows digits."""

from __future__ import annotations

import itertools

import pytest
import torch

from tutorial import weights
from tutorial.data.digits import SIDE, binarised, digits
from tutorial.data.pixels import to_signed
from tutorial.families import pixel_cnn
from tutorial.families.pixel_cnn import draw, nats, surprise
from tutorial.families.pixel_cnn_speed import drawing, learning
from tutorial.networks.pixel_cnn import PixelCNN, PixelCNNConfig

pytestmark = pytest.mark.usefixtures("one_thread")


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def network():
    """A small one of random weights, loud enough that its probabilities differ."""
    torch.manual_seed(0)
    network = PixelCNN(PixelCNNConfig(channels=6, layers=3, reach=2)).double().requires_grad_(False)
    for weight in network.parameters():
        weight.normal_(std=0.4)
    return network


@pytest.fixture(scope="module")
def shipped():
    return pixel_cnn.load()


@pytest.fixture(scope="module")
def real():
    """Test digits and their labels."""
    pictures, labels = digits("test")
    return binarised(pictures, _seeded(0)), labels


@pytest.mark.parametrize("kept", [0, 1, 13, SIDE - 1, SIDE])
def test_drawing_pixel_by_pixel_has_the_probabilities_of_the_full_pass(network, kept):
    given = torch.bernoulli(torch.full((3, 1, SIDE, SIDE), 0.3, dtype=torch.float64), generator=_seeded(1))
    steps = list(draw(network, given, kept, generator=_seeded(2)))
    assert [step.row for step in steps] == (list(range(kept, SIDE)) or [SIDE - 1])
    last = steps[-1]
    full = network(last.x).sigmoid()
    assert full.std() > 0.1
    torch.testing.assert_close(last.p, full, atol=1e-12, rtol=0)
    torch.testing.assert_close(last.x[:, :, :kept], given[:, :, :kept], atol=0, rtol=0)
    for step in steps:
        assert step.p[:, :, : step.row + 1].isfinite().all()
        assert step.p[:, :, step.row + 1 :].isnan().all()
        assert not step.x[:, :, step.row + 1 :].any()


@pytest.mark.parametrize("kept", [0, 9, SIDE])
def test_ways_to_end_a_picture_are_those_of_so_many_copies_and_it_is_looked_at_once(network, kept):
    given = torch.bernoulli(torch.full((2, 1, SIDE, SIDE), 0.3, dtype=torch.float64), generator=_seeded(1))
    seen, ways = [], 5
    handle = network.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    told = network.above.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    few = list(draw(network, given, kept, ways=ways, generator=_seeded(2)))
    handle.remove()
    told.remove()
    assert seen[:2] == [2, 2]
    assert seen[2:] == ([] if kept == SIDE else [2] * kept + [2 * ways] * (SIDE - kept))
    many = list(draw(network, given.repeat_interleave(ways, 0), kept, generator=_seeded(2)))
    for one, other in zip(few, many, strict=True):
        assert one.row == other.row
        assert torch.equal(one.x, other.x)
        torch.testing.assert_close(one.p, other.p, atol=1e-12, rtol=0, equal_nan=True)


def test_the_surprise_is_the_negative_log_probability_of_coins(network):
    logits = 3 * torch.randn(5, 1, SIDE, SIDE, dtype=torch.float64, generator=_seeded(3))
    x = torch.bernoulli(logits.sigmoid(), generator=_seeded(4))
    coins = torch.distributions.Bernoulli(logits=logits)
    torch.testing.assert_close(surprise(logits, x), -coins.log_prob(x))


def test_the_last_pixels_probabilities_add_up_to_one(network):
    """All 2⁸ ways to end a picture together are as likely as its beginning: the chain rule gives a distribution."""
    x = torch.bernoulli(torch.full((1, 784), 0.3, dtype=torch.float64), generator=_seeded(5)).repeat(256, 1)
    x[:, -8:] = torch.tensor(list(itertools.product([0.0, 1.0], repeat=8)), dtype=torch.float64)
    x = x.reshape(-1, 1, SIDE, SIDE)
    beginning = surprise(network(x[:1]), x[:1]).flatten()[:-8].sum()
    assert (beginning - nats(network, x)).exp().sum().item() == pytest.approx(1, abs=1e-10)


def test_pixels_are_drawn_as_often_as_they_are_likely(network):
    """The sum of x_i − p_i is a martingale; over its standard deviation it is close to a standard normal number."""
    given = torch.zeros(100, 1, SIDE, SIDE, dtype=torch.float64)
    *_, last = draw(network, given, generator=_seeded(6))
    z = (last.x - last.p).sum() / (last.p * (1 - last.p)).sum().sqrt()
    assert abs(z) < 4
    sure = last.p > 0.8
    deviation = (last.p * (1 - last.p))[sure].sum().sqrt() / sure.sum()
    assert abs(last.x[sure].mean() - last.p[sure].mean()) < 4 * deviation


def test_the_same_seed_draws_the_same(network):
    given = torch.zeros(2, 1, SIDE, SIDE, dtype=torch.float64)
    (*_, one), (*_, same), (*_, other) = (draw(network, given, 20, generator=_seeded(seed)) for seed in (7, 7, 8))
    assert torch.equal(one.x, same.x)
    assert not torch.equal(one.x, other.x)


@pytest.mark.parametrize("kept", [-1, SIDE + 1])
def test_a_picture_has_28_rows(network, kept):
    with pytest.raises(ValueError, match="between 0 and 28"):
        next(draw(network, torch.zeros(1, 1, SIDE, SIDE), kept))


def test_the_shipped_model_has_at_most_90_nats_and_what_its_card_says(shipped, real):
    found = nats(shipped, real[0][::25])  # 400 digits
    error = found.std() / len(found) ** 0.5
    measured = weights.read_card("pixel_cnn")["measured"]
    assert measured["digits"] == 10_000
    assert measured["nats"]["mean"] <= 90
    assert abs(found.mean() - measured["nats"]["mean"]) < 4 * error


def test_the_shipped_model_is_surprised_by_digits_that_stand_on_their_head(shipped, real):
    x = real[0][:200]
    more = nats(shipped, x.flip(2)) - nats(shipped, x)
    assert more.mean() > 5 * more.std() / len(x) ** 0.5


def test_the_more_is_kept_the_more_often_the_digit_stays_what_it_was(shipped, real):
    x, y = (rows[:60] for rows in real)
    judge, right = weights.load("digit_classifier"), []
    for kept in (8, 20):
        *_, last = draw(shipped, x, kept, generator=_seeded(9))
        right.append((judge(to_signed(255 * last.x)).argmax(1) == y).float().mean())
    assert right[1] > right[0] + 0.2
    assert right[1] > 0.8


def test_a_digit_takes_longer_the_more_rows_it_has_and_learning_it_takes_one_pass(shipped):
    runs = torch.tensor([list(drawing(shipped)) for _ in range(5)])
    assert runs.shape == (5, SIDE)
    each = torch.diff(runs, dim=1, prepend=torch.zeros(5, 1))
    assert (each > 0).all()
    rows = each.amin(0)  # another program may take its turn in the middle of a row
    assert 0.7 < rows[:14].sum() / rows[14:].sum() < 1.4
    tries = list(learning(shipped, tries=5))
    assert len(tries) == 5
    assert 0 < min(tries) < rows.sum() / 2
