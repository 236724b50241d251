"""The one recipe: its budget, its schedule, and that an interruption changes nothing."""

from __future__ import annotations

import json

import pytest
import torch

from tutorial import weights
from tutorial.contest import latent_diffusion
from tutorial.contest.families import TRAININGS, file_name, load
from tutorial.contest.first_stage import Blurred, Sharpened
from tutorial.contest.recipe import WARM_UP, pace
from tutorial.data.digits import digits
from tutorial.training import contest

FAMILIES = list(TRAININGS)


class Ticking:
    """A clock by which every update takes a second, and which may break down."""

    def __init__(self, stops_after: int | None = None) -> None:
        self.asked, self.stops_after = 0, stops_after

    def __call__(self) -> float:
        self.asked += 1
        if self.stops_after is not None and self.asked > 2 * self.stops_after:
            raise KeyboardInterrupt
        return self.asked * 1.0


@pytest.fixture(autouse=True)
def few_latents(monkeypatch):
    """A few of the digits become latents, in two parts."""
    monkeypatch.setattr(latent_diffusion, "ENCODED", 64)
    monkeypatch.setattr(latent_diffusion, "AT_ONCE", 32)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch, one_thread):
    for kind in (*TRAININGS.values(), Blurred, Sharpened):
        monkeypatch.setattr(kind, "batch", 4)


def same(one, other) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_the_pace_rises_falls_and_ends_at_nothing():
    assert pace(0.0) < 0.1
    assert pace(WARM_UP) == pytest.approx(1)
    assert pace((1 + WARM_UP) / 2) == pytest.approx(0.5)
    assert pace(1.0) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_interrupted_training_ends_as_a_whole_one(family, tmp_path):
    settings = {"seconds": 10, "saved_every": 2.0}
    whole = contest.train(family, 1, folder=tmp_path / "whole", clock=Ticking(), **settings)
    for stop in (5, 3):  # in the middle of a checkpoint's interval, twice
        with pytest.raises(KeyboardInterrupt):
            contest.train(family, 1, folder=tmp_path / "cut", clock=Ticking(stop), **settings)
    resumed = contest.train(family, 1, folder=tmp_path / "cut", clock=Ticking(), **settings)
    assert same(whole, resumed)
    cards = [contest.card_of(family, tmp_path / run) for run in ("whole", "cut")]
    assert cards[0] == cards[1]
    assert cards[0]["steps"] == 10 and cards[0]["seconds_spent"] == 10


@pytest.mark.parametrize("family", FAMILIES)
def test_a_second_of_training_leaves_what_loads_and_draws(family, tmp_path):
    model = contest.train(family, 0, seconds=1, folder=tmp_path / "run", assets=tmp_path)
    card = weights.read_card(file_name(family), tmp_path)
    assert 1 <= card["seconds_spent"] < 3  # over it by an update at most
    assert card["command"] == contest.command(family, 0, seconds=1)
    assert card["parameters"] <= 1_000_000
    assert weights.tensors_file(file_name(family), tmp_path).stat().st_size <= 2_000_000
    loaded, y = load(family, tmp_path), torch.tensor([4])
    first, second = (one.draw(y, torch.Generator().manual_seed(0)) for one in (model, loaded))
    assert torch.equal(first, second)
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


def test_a_run_that_is_done_is_not_done_again_and_one_with_other_settings_is_refused(tmp_path):
    clock = Ticking()
    contest.train("vae", 0, seconds=2, folder=tmp_path, clock=clock)
    asked = clock.asked
    contest.train("vae", 0, seconds=2, folder=tmp_path, clock=clock)
    assert clock.asked == asked
    with pytest.raises(ValueError, match="another run"):
        contest.train("vae", 0, seconds=3, folder=tmp_path, clock=clock)


def test_the_rate_and_the_seed_matter(tmp_path):
    def trained(name, seed, rate):
        return contest.train("vae", seed, rate=rate, seconds=3, folder=tmp_path / name, clock=Ticking())

    usual, same_again = trained("a", 0, None), trained("b", 0, TRAININGS["vae"].rate)
    assert same(usual, same_again)
    assert not same(usual, trained("c", 1, None))
    assert not same(usual, trained("d", 0, 1e-4))


def test_trainings_leave_everybodys_dice_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    training = TRAININGS["gan"](5, *digits("training"))
    training.step(0.5)
    assert torch.equal(torch.rand(3), expected)


def test_every_parameter_of_every_family_learns():
    x, y = digits("training")
    for family, kind in TRAININGS.items():
        training = kind(0, x, y)
        before = {name: p.detach().clone() for name, p in training.model.named_parameters()}
        for share in (0.1, 0.15, 0.5, 0.5, 0.5, 0.55, 0.6, 0.65):
            training.step(share)
        still = [name for name, p in training.model.named_parameters() if torch.equal(p, before[name])]
        assert not still, f"{family}: {still}"


def test_shares_of_all_runs_leave_none_out_and_none_twice():
    everything = contest.wanted()
    assert len(set(everything)) == 18
    assert sorted(contest.wanted(0, 2) + contest.wanted(1, 2)) == sorted(everything)
    assert {family for family, _ in everything[:6]} == set(TRAININGS)  # seed by seed


def test_the_patch_discriminator_joins_in_late_and_only_if_it_is_on():
    for kind, learned in ((Blurred, False), (Sharpened, True)):
        training = kind(0, *digits("training"))
        before = [p.detach().clone() for p in training.critic.parameters()]
        assert "critic" not in training.step(0.1)
        assert ("critic" in training.step(0.5)) == learned
        after = list(training.critic.parameters())
        assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True)) == learned


def test_the_log_has_lines_of_numbers(tmp_path):
    contest.train("gan", 0, seconds=12, folder=tmp_path, clock=Ticking())
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [5, 10, 12]
    assert all(line["loss_d"] > 0 for line in lines)
