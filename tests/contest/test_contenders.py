"""What all six must keep: seeds, ranges, what they claim to do, and what they say they cannot."""

from __future__ import annotations

import pytest
import torch

from tutorial.contest import denoising, search
from tutorial.contest.contender import TASKS, Impossible
from tutorial.contest.families import ARCHITECTURES, TRAININGS
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.networks.blocks import parameter_count


@pytest.fixture(scope="module")
def contenders():
    """Each as it begins, but with every parameter moved, so that no layer is silent."""
    found = {}
    x, y = (part[:64] for part in digits("training"))
    for family, kind in TRAININGS.items():
        training = kind(0, x, y)
        torch.manual_seed(0)
        for parameter in training.average.parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
        found[family] = training.trained()
    return found


@pytest.fixture(autouse=True)
def short_searches(monkeypatch, one_thread):
    monkeypatch.setattr(search, "STEPS", 10)
    monkeypatch.setattr(denoising, "THERE_AND_BACK", 5)
    monkeypatch.setattr(denoising, "STEPS", 5)


@pytest.fixture(params=list(TRAININGS))
def model(request, contenders):
    return contenders[request.param]


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some(n: int = 2):
    return to_signed(digits("test")[0][:n]), digits("test")[1][:n]


def test_none_has_more_than_a_million_parameters_and_the_largest_is_not_five_times_the_smallest(contenders):
    counts = {family: parameter_count(one) for family, one in contenders.items()}
    assert max(counts.values()) <= 1_000_000
    assert max(counts.values()) < 5 * min(counts.values())


def test_it_can_be_loaded_by_its_name(model):
    kind, config = ARCHITECTURES[type(model).__name__]
    assert type(model) is kind and isinstance(model.config, config)


def test_it_draws_pictures_and_a_seed_says_which(model):
    y = torch.tensor([3, 8])
    first, again, other = (model.draw(y, dice(seed)) for seed in (0, 0, 1))
    assert first.shape == (2, 1, 28, 28)
    assert first.isfinite().all() and first.min() >= -1.001 and first.max() <= 1.001
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_class_is_heard(model):
    assert not torch.equal(model.draw(torch.tensor([1, 1]), dice()), model.draw(torch.tensor([7, 7]), dice()))


def test_what_is_no_class_is_refused(model):
    with pytest.raises(ValueError, match="between 0 and 9"):
        model.draw(torch.tensor([10]), dice())


def test_every_task_is_answered_in_a_sentence(model):
    assert set(model.answers) == set(TASKS)
    assert all(answer.how for answer in model.answers.values())
    assert (model.likelihood is not None) == model.answers["log_likelihood"].done


def test_what_it_says_it_can_it_does_and_what_it_cannot_it_refuses(model):
    x, y = some()
    asked = {
        "log_likelihood": lambda: model.log_likelihood(digits("test")[0][:2], y, dice()),
        "invert": lambda: model.decode(model.invert(x, y), y),
        "fill_in": lambda: model.fill_in(x, torch.ones(28, 28).triu().bool(), y, dice()),
        "interpolate": lambda: model.interpolate(x[:1], x[1:], y[:1], 3)[:, 0],
    }
    shapes = {"log_likelihood": (2,), "interpolate": (3, 1, 28, 28)}
    for task, ask in asked.items():
        if model.answers[task].done:
            found = ask()
            assert found.shape == shapes.get(task, (2, 1, 28, 28))
            assert found.isfinite().all()
        else:
            with pytest.raises(Impossible) as caught:
                ask()
            assert str(caught.value) == model.answers[task].how


def test_what_is_known_is_kept_exactly(model):
    x, y = some()
    mask = torch.zeros(28, 28, dtype=torch.bool)
    mask[14:] = True
    found = model.fill_in(x, mask, y, dice())
    assert torch.equal(found[:, :, ~mask], x[:, :, ~mask])
    assert not torch.equal(found[:, :, mask], x[:, :, mask])
    hidden = torch.where(mask, 1.0, x)
    assert torch.equal(model.fill_in(hidden, mask, y, dice()), found)  # what is missing is not looked at


def test_masks_and_frames_that_make_no_sense_are_refused(model):
    x, y = some()
    with pytest.raises(ValueError, match="mask"):
        model.fill_in(x, torch.zeros(28, 27, dtype=torch.bool), y, dice())
    with pytest.raises(ValueError, match="two frames"):
        model.interpolate(x, x, y, 1)


def test_an_interpolation_begins_and_ends_with_what_comes_back_of_its_ends(contenders):
    x, y = some()
    flow = contenders["flow"]
    found = flow.interpolate(x[:1], x[1:], y[:1], 3)
    assert torch.allclose(found[0], x[:1], atol=1e-3)
    assert torch.allclose(found[2], x[1:], atol=1e-3)
