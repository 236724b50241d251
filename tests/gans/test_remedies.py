"""What each remedy changes, and the counting of modes by many games at once, against the rule for one."""

from __future__ import annotations

import pytest
import torch

from tutorial.data.toy2d import ring
from tutorial.gans.game import Rules, Setup
from tutorial.gans.rates import COMPARED, SAMPLES, Crowd, visits
from tutorial.gans.remedies import REMEDIES, remedied
from tutorial.gans.worlds import MODES, WORLDS
from tutorial.metrics.coverage import coverage

pytestmark = pytest.mark.usefixtures("one_thread")


def crowd(remedy: str = "none", seeds=(3, 4), world: str = "eight Gaussians") -> Crowd:
    return Crowd(WORLDS[world], seeds, modes=MODES.get(world), remedy=remedy, setup=Setup(), rules=Rules())


def played(crowd: Crowd, turns: int = 40):
    *_, last = (frame for frame in crowd.play(turns, 4) if frame is not None)
    return last


def test_each_remedy_changes_one_thing():
    setup, rules = Setup(), Rules(rate_d=1e-3, rate_g=1e-2)
    plain = (setup, rules, False)
    changed = {name: remedied(name, setup, rules) for name in REMEDIES}
    assert changed.pop("none") == plain
    assert changed["PacGAN2"][0].pack == 2
    assert changed["R1"][1].r1 > 0
    assert changed["spectral norm"][1].spectral
    assert changed["EMA"][2]
    fast = changed["two time scales"][1]
    assert fast.rate_d / fast.rate_g == pytest.approx(16 * rules.rate_d / rules.rate_g)
    for name, parts in changed.items():
        assert sum(a != b for a, b in zip(parts, plain, strict=True)) == 1, name
    with pytest.raises(KeyError):
        remedied("hope", setup, rules)


@pytest.mark.parametrize("remedy", REMEDIES)
def test_under_every_remedy_another_game_is_played_or_drawn_from(remedy):
    assert torch.equal(played(crowd(remedy)).fakes, played(crowd()).fakes) == (remedy == "none")


def test_a_mean_of_the_generator_draws_and_does_not_play():
    plain, mean = crowd(), crowd("EMA")
    played(plain)
    played(mean)
    assert torch.equal(plain.game.generator.flat, mean.game.generator.flat)


def test_many_games_are_counted_as_one_is():
    mixture = ring()
    near = mixture.means[[0, 3, 3]] + torch.tensor([[0.1, 0.0], [0.29, 0.0], [0.31, 0.0]])
    clouds = torch.stack([near.repeat(200, 1), mixture.sample(600), torch.full((600, 2), torch.nan)])
    found = visits(mixture, clouds)
    for shares, cloud in zip(found[:2], clouds, strict=False):
        rule = coverage(mixture, cloud)
        assert int((shares > 0).sum()) == rule.modes
        assert shares.sum().item() == pytest.approx(rule.high_quality)
        assert shares.min().item() == pytest.approx(rule.rarest)
    assert found[0].tolist() == pytest.approx([1 / 3, 0, 0, 1 / 3, 0, 0, 0, 0])
    assert found[2].sum() == 0


def test_frames_come_evenly_and_are_of_always_the_same_codes():
    games = crowd()
    frames = [frame for frame in games.play(100, 5) if frame is not None]
    assert [frame.turns for frame in frames] == [0, 20, 40, 60, 80, 100]
    assert torch.equal(games.frame().fakes, frames[-1].fakes)
    assert frames[0].fakes.shape == (2, SAMPLES, 2)


def test_a_world_without_modes_has_a_distance():
    last = played(crowd(world="spiral"))
    assert last.visits is None
    assert last.energy is not None
    assert (last.energy > 0).all()
    with pytest.raises(ValueError, match="no modes to count"):
        _ = last.modes
    assert COMPARED <= SAMPLES


@pytest.mark.parametrize("world", ["eight Gaussians", "spiral"])
def test_a_game_out_of_bounds_is_known_and_harms_no_other(world):
    games = crowd(world=world)
    with torch.no_grad():
        games.game.generator.numbers[0][1] = torch.nan
    last, other = played(games), played(crowd(world=world))
    assert last.sound.tolist() == [True, False]
    assert torch.equal(last.fakes[0], other.fakes[0])
    if last.energy is not None:
        assert last.energy[1] == torch.inf
