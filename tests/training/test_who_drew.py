"""The digits of the game "real or fake?": what ships is what the recipe says, and the recipe is fair."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import binom

from tutorial import weights
from tutorial.data.digits import digits
from tutorial.gans import turing
from tutorial.training import who_drew

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def shipped():
    return {source.name: source for source in turing.load()}


def nearly_the_same(source, again):
    """Another machine rounds differently, and a draw may fall on the other side; on this one nothing does."""
    assert torch.equal(source.classes, again.classes)
    assert (source.pictures != again.pictures).double().mean() < 0.01
    assert (source.name, source.made, source.real) == (again.name, again.made, again.real)


def test_half_of_the_digits_are_real_and_all_classes_come_as_often(shipped):
    real, *models = shipped.values()
    assert real.real and not any(source.real for source in models)
    assert [source.name for source in models] == ["GAN", "VAE", "PixelCNN", "diffusion"]
    assert len(real.pictures) == sum(len(source.pictures) for source in models)
    for source in shipped.values():
        assert len(set(source.classes.bincount(minlength=10).tolist())) == 1
        assert set(source.pictures.unique().tolist()) == {0.0, 1.0}
    assert {len(source.pictures) for source in models} == {60}
    flat = torch.cat([source.pictures for source in shipped.values()]).flatten(1)
    assert len(flat.unique(dim=0)) == len(flat)


def fitting(x, y) -> int:
    """How many test digits of class y may have become x: without ink where x has none, and with it where x has some."""
    pictures, labels = digits("test")
    grey = pictures[labels == y]
    impossible = (x.bool() & (grey == 0)) | (~x.bool() & (grey == 255))
    return int((~impossible.flatten(1).any(1)).sum())


def test_the_real_ones_are_test_digits_and_the_others_are_not(shipped):
    for source in shipped.values():
        found = [fitting(x, y) for x, y in zip(source.pictures, source.classes, strict=True)]
        if source.real:
            assert min(found) >= 1
        else:
            assert sum(n == 0 for n in found) > len(found) / 2  # a slender one may be found in a bold one


@pytest.mark.parametrize("name", ["VAE", "PixelCNN"])
def test_the_classes_of_those_that_draw_any_digit_are_what_the_classifier_reads(shipped, name):
    source = shipped[name]
    assert torch.equal(weights.load("digit_classifier")(2 * source.pictures - 1).argmax(1), source.classes)


def test_ink_is_drawn_with_the_probability_of_the_grey():
    greys = torch.tensor([0.0, 0.019, 0.05, 0.3, 0.9, 1.0])
    n = 20_000
    ink = who_drew.black_and_white(greys.repeat(n, 1), torch.Generator().manual_seed(0)).sum(0)
    assert ink[0] == ink[1] == 0 and ink[-1] == n
    for grey, dots in zip(greys[2:-1].tolist(), ink[2:-1].tolist(), strict=True):
        low, high = binom.interval(1 - 1e-6, n, grey)
        assert low <= dots <= high


def test_it_is_drawn_on_until_there_are_enough_of_each_class_and_the_first_are_taken():
    pictures, labels = digits("test")
    order = labels.argsort(stable=True)  # zeros first: most of them are too many
    parts = iter(pictures[order][::7].float().div(255).split(100))
    drawn = []

    def draw():
        drawn.append(next(parts))
        return drawn[-1]

    x, y = who_drew.enough(draw, 5)
    assert y.tolist() == [k for k in range(10) for _ in range(5)]
    everything = torch.cat(drawn)
    read = weights.load("digit_classifier")(2 * everything - 1).argmax(1)
    for k in range(10):
        assert torch.equal(x[y == k], everything[read == k][:5])
    assert (read[: -len(drawn[-1])] == 9).sum() < 5  # one part fewer was too few


def test_what_is_quickly_drawn_is_that_of_the_command(shipped):
    real = who_drew.real(len(shipped["real"].pictures) // 10)
    drawn = [real, who_drew.by_gan(who_drew.OF_EACH), who_drew.by_vae(who_drew.OF_EACH)]
    for again in drawn:
        nearly_the_same(shipped[again.name], again)
    assert [again.name for again in drawn] == ["real", "GAN", "VAE"]


@pytest.mark.slow
def test_all_are_those_of_the_command(shipped, tmp_path):
    who_drew.record(tmp_path)
    drawn = turing.load(tmp_path)
    for again in drawn:
        nearly_the_same(shipped[again.name], again)
    assert [again.name for again in drawn] == list(shipped)
