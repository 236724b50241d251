"""Sets of digits that fool a metric: they are made as they say, and each is caught by another metric."""

from __future__ import annotations

import base64
import json

import pytest
import torch

from tests.metrics.judges import known_digits
from tests.work import last
from tutorial import measurements
from tutorial.data.digits import digits
from tutorial.data.pixels import to_pixels
from tutorial.gans import breaking, drawn_ahead
from tutorial.gans.breaking import METRICS, PART, REAL, TRICKS, fooled, models, worst
from tutorial.gans.drawn_ahead import ACROSS, Drawn, from_sheet, sheet
from tutorial.metrics.digits import load, others, reference
from tutorial.metrics.verdict import Verdict, judged

N = 1000


@pytest.fixture(scope="module")
def known():
    return known_digits()


@pytest.fixture(scope="module")
def verdicts(known):
    return {trick.name: last(judged(known, trick.draw(known, N, 0))) for trick in (REAL, *TRICKS)}


@pytest.fixture(scope="module")
def limits(known):
    """Of five sets of real digits."""
    whole = torch.cat([x for x, _ in breaking.many_unseen()]), torch.cat([y for _, y in breaking.many_unseen()])
    order = torch.randperm(len(whole[1]), generator=torch.Generator().manual_seed(1))
    sets = [[(whole[0][rows], whole[1][rows])] for rows in order.split(N)[:5]]
    return worst([last(judged(known, parts)) for parts in sets])


def pictures(parts) -> torch.Tensor:
    return torch.cat([x for x, _ in parts])


@pytest.mark.parametrize("trick", [REAL, *TRICKS], ids=lambda trick: trick.name)
def test_a_set_comes_in_parts_and_begins_as_a_smaller_one_does(known, trick):
    parts = list(trick.draw(known, 2 * PART + 50, 3))
    assert all(len(x) <= PART and x.shape[1:] == (1, 28, 28) and len(y) == len(x) for x, y in parts)
    many, few = pictures(parts), pictures(trick.draw(known, 30, 3))
    assert len(few) == 30 and torch.equal(many[:30], few)
    assert many.min() >= -1 and many.max() <= 1


@pytest.mark.parametrize("trick", [REAL, *TRICKS], ids=lambda trick: trick.name)
def test_other_seeds_are_other_digits(known, trick):
    first, second = (pictures(trick.draw(known, 60, seed)) for seed in (0, 1))
    assert torch.equal(first, second) == (trick.name == "one of each")


def test_what_is_memorised_is_the_reference_and_what_is_unseen_is_not(known):
    training = digits("training")[0]
    assert torch.equal(
        to_pixels(pictures(breaking.memorised(known, 5000, 0))).flatten(1).double().sum(0),
        training[reference()].flatten(1).double().sum(0),
    )
    assert torch.equal(
        to_pixels(pictures(breaking.unseen(known, 5000, 0))).flatten(1).double().sum(0),
        training[others()].flatten(1).double().sum(0),
    )
    assert sum(len(x) for x, _ in breaking.many_unseen()) == 55_000


def test_one_of_each_is_ten_pictures(known):
    x, y = next(iter(breaking.one_of_each(known, 100, 0)))
    assert len(x.unique(dim=0)) == 10 and y.tolist() == list(range(10)) * 10


def test_ones_are_all_ones_and_fewer_than_were_asked_for(known):
    parts = list(breaking.one_class(known, 5000, 0))
    assert all((y == 1).all() for _, y in parts)
    assert sum(len(y) for _, y in parts) == (digits("training")[1][others()] == 1).sum()


def test_real_digits_pass(verdicts, limits):
    found = verdicts[REAL.name]
    assert found.inception_score > 9.5 and found.accuracy > 0.99 and found.copies == 0
    assert found.precision > 0.85 and found.recall > 0.85


def test_memorising_fools_all_but_the_search_for_copies(known, limits):
    found = last(judged(known, breaking.memorised(known, 5000, 0)))
    assert found.frechet == pytest.approx(0, abs=1e-6)
    assert (found.precision, found.recall, found.copies) == (1, 1, 1)
    assert fooled(found, limits) == set(METRICS)


def test_one_of_each_fools_the_inception_score_and_precision(verdicts, limits):
    found = verdicts["one of each"]
    assert found.inception_score == pytest.approx(10, abs=1e-3)
    assert fooled(found, limits) == {"inception_score", "precision", "accuracy"}
    assert found.recall == 0 and found.frechet > 10 * limits["frechet"]


def test_one_class_fools_precision_and_not_recall(verdicts, limits):
    found = verdicts["ones only"]
    assert fooled(found, limits) == {"precision", "accuracy"}
    assert found.inception_score < 1.1


def test_half_noise_fools_recall_alone(verdicts, limits):
    assert fooled(verdicts["half noise"], limits) == {"recall"}
    assert verdicts["half noise"].precision < 0.55


@pytest.mark.parametrize("name", ["blurred", "noisy"])
def test_blur_and_noise_fool_none(verdicts, limits, name):
    assert fooled(verdicts[name], limits) == set()


def test_the_worst_is_taken_metric_by_metric():
    a = Verdict(10, 9.0, 3.0, 0.5, 0.9, 1.0, 0.0)
    b = Verdict(10, 8.0, 2.0, 0.6, 0.8, 0.9, 0.5)
    assert worst([a, b]) == {"inception_score": 8, "frechet": 3, "precision": 0.5, "recall": 0.8, "accuracy": 0.9}
    assert fooled(Verdict(10, 8.5, 3.1, 0.5, 0.7, None, 0.0), worst([a, b])) == {"inception_score", "precision"}


def test_models_draw_in_parts(known):
    for trick in models():
        few, again = pictures(trick.draw(known, 30, 0)), pictures(trick.draw(known, PART + 30, 0))
        assert torch.equal(few, again[:30])
        assert few.std() > 0.3


def test_what_was_drawn_ahead_is_read_as_what_it_was_to_be():
    drawn = drawn_ahead.load()
    judge = load()
    x, y = (torch.cat(parts) for parts in zip(*drawn.parts(500, 100), strict=True))
    assert torch.equal(y, digits("training")[1][others()[: len(y)]])
    assert judge.accuracy(x, y) > 0.85


@pytest.mark.parametrize("n", [1, ACROSS, ACROSS + 7])
def test_a_sheet_gives_its_digits_back(n):
    x = digits("test")[0][:n]
    assert torch.equal(from_sheet(sheet(x), n), x)


def test_a_damaged_sheet_is_named(tmp_path):
    x, y = (rows[:50] for rows in digits("test"))
    drawn_ahead.save(Drawn(x, y, "by hand"), folder=tmp_path)
    found = drawn_ahead.load(tmp_path)
    assert torch.equal(found.pictures, x) and torch.equal(found.classes, y) and found.made == "by hand"
    path = tmp_path / "diffusion_digits.json"
    content = json.loads(path.read_text())
    for bad in ({"classes": "7" * 500}, {"classes": "x"}, {"png": "%"}, {"png": base64.b64encode(b"GIF").decode()}):
        path.write_text(json.dumps(content | bad))
        with pytest.raises(measurements.MeasurementsError, match=r"damaged\. Make it again"):
            drawn_ahead.load(tmp_path)
