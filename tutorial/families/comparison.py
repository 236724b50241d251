"""Five models of the same points, trained in turn for the same time, and measured by the same rules.

Whoever has had the least time is next, so that none learns longer than another: what an update costs is part of the
comparison. What is cheap to measure is measured often, and the rest now and then, one family after the other.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.elbo import negative_log_density
from tutorial.diffusion.point_training import POINTS
from tutorial.families.autoregressive import AutoregressiveConfig
from tutorial.families.flow import FlowConfig
from tutorial.families.learners import AUTOREGRESSIVE, BATCH, FLOW, RATE, Density, Learner, OutOfBounds, learners
from tutorial.metrics.coverage import Coverage, coverage
from tutorial.metrics.energy import energy_distance, noise_floor

SLICE = 0.03
"""Seconds that a family learns before it is another's turn."""
LOOK = 0.8
"""Seconds of computing between two looks at the samples; a look at all five takes about a tenth of that."""
SAMPLES = 500
"""Samples of each family, and points of the test set that they are compared to and whose likelihood is measured."""
PART = 100
"""Points whose likelihood is measured in one go."""
TIMED = 1000
"""Samples whose drawing is timed."""
CLOSE = 0.2
"""A place is on the data if one of `NEIGHBOURS` points of the data is closer than that."""
NEIGHBOURS = 2000
WAY = 41
"""Places on the way between two points."""
ROWS = 200
"""Points of a curve; with more, every other one is dropped."""


@dataclass(frozen=True)
class Knobs:
    """What may change while the five learn."""

    rate: float = RATE
    batch: int = BATCH


@dataclass(frozen=True)
class Estimate:
    """A mean over the test set, and its standard error."""

    mean: float
    error: float


@dataclass(frozen=True)
class Quick:
    """What is measured at each look."""

    samples: Tensor
    """(SAMPLES, 2), always from the same noise, so that points move as the model does."""
    energy: float
    """Energy distance of as many others, from new noise each time, to the test set: its jitter is that of chance."""
    coverage: Coverage | None
    """Of the samples, where the data has modes that can be counted."""


@dataclass(frozen=True)
class Thorough:
    """What is measured now and then."""

    nll: Estimate | None
    """−log p(x) in nats, or a bound above it; None if the family has no density."""
    excess: Estimate | None
    """How far that is above −log p(x) of the data itself, on the same points; None if either is unknown."""
    milliseconds: float
    """For `TIMED` samples."""
    inversion: float | None
    """Mean ‖x − decode(encode(x))‖ over the test set; None if nothing leads from points to codes."""
    way: Tensor
    """Places (WAY, 2) of the straight line between two codes, decoded."""
    on_data: float
    """Share of these places that are on the data."""
    stride: float
    """The longest distance between two neighbours among them."""


@dataclass(frozen=True)
class Standing:
    """How a family stands."""

    name: str
    density: Density
    evaluations: int
    """Of its network, one after the other, to draw points, however many."""
    updates: int
    seconds: float
    """For which it has learned, measurements not included."""
    quick: Quick
    thorough: Thorough | None
    """None as long as it was not measured."""
    curve: Sequence[tuple[float, float]]
    """Seconds for which it had learned, and the energy distance, at each look."""


@dataclass(frozen=True)
class State:
    """How all stand."""

    seconds: float
    """Of computing, measurements included."""
    test: Tensor
    """The test set: points (SAMPLES, 2) of the data that none learns from."""
    floor: float
    """Energy distance that two samples of the data would have, on average."""
    entropy: Estimate | None
    """−log p(x) of the data itself, over the test set: the floor of every likelihood. None if it is not known."""
    standings: Sequence[Standing]


class Comparison:
    """The five families on the same data, which `draw` gives n points of.

    The test set, and the two ends of the way between two points, are none of those they learn from. `density` is the
    data's own, where it is known, and `modes` are those to be covered, where it has such. The same seed gives the same
    data, initialisations and batches. By the `clock` of one's own thread, `time.thread_time`, what else the machine is
    busy with does not count.
    """

    def __init__(
        self,
        draw: Callable[[int, torch.Generator], Tensor],
        *,
        density: GaussianMixture | None = None,
        modes: GaussianMixture | None = None,
        seed: int = 0,
        flow: FlowConfig = FLOW,
        autoregressive: AutoregressiveConfig = AUTOREGRESSIVE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        generator = torch.Generator().manual_seed(seed)
        data, self.test, self.modes = draw(POINTS, generator), draw(SAMPLES, generator), modes
        self.learners: tuple[Learner, ...] = learners(data, seed=seed, flow=flow, autoregressive=autoregressive)
        self.floor = noise_floor(data[:NEIGHBOURS], SAMPLES, SAMPLES)
        self.truth = negative_log_density(density, self.test) if density is not None else None
        """−log p(x) of the data itself at the test set's points: (SAMPLES,)."""
        self.neighbours, self.chance = data[:NEIGHBOURS], generator
        farthest = (self.test - self.test[0]).norm(dim=1).argmax()
        self.ends = torch.stack([self.test[0], self.test[farthest]])
        """The two points (2, 2) of the data between which the way leads."""
        self.seconds = 0.0
        self.learned = {learner.name: 0.0 for learner in self.learners}
        self.curves: dict[str, list[tuple[float, float]]] = {learner.name: [] for learner in self.learners}
        self.quick: dict[str, Quick] = {}
        self.thorough: dict[str, Thorough] = {}

    def train(
        self, knobs: Callable[[], Knobs] = Knobs, updates: int | None = None
    ) -> Generator[State | None, None, None]:
        """Trains until it is closed or, if that is given, until each family has made so many more updates.

        Yields how all stand every `LOOK` seconds, and None wherever else it can pause: after every `SLICE` seconds, and
        between measurements. Raises OutOfBounds if a family's numbers are no longer finite.
        """
        last = {learner.name: math.inf if updates is None else learner.step + updates for learner in self.learners}
        turns, shown = itertools.cycle(self.learners), self.seconds
        while waiting := [learner for learner in self.learners if learner.step < last[learner.name]]:
            learner = min(waiting, key=lambda one: self.learned[one.name])
            with _Clock(self):
                self._learn(learner, knobs(), last[learner.name])
            yield None
            if self.seconds - shown >= LOOK:
                yield from self.look()
                yield from self._measured(next(turns))
                yield self.state()
                shown = self.seconds

    def look(self) -> Generator[None, None, None]:
        """Takes samples of each family, and adds to the curves of those that have learned; yields after each."""
        for learner in self.learners:
            with _Clock(self):
                self.quick[learner.name] = found = self._quick(learner)
                curve = self.curves[learner.name]
                if learner.step and (not curve or curve[-1][0] < self.learned[learner.name]):
                    curve.append((self.learned[learner.name], found.energy))
                    self.curves[learner.name] = curve[::2] if len(curve) > ROWS else curve
            yield None

    def measure(self) -> Generator[None, None, None]:
        """Looks at all families and measures them thoroughly; yields after each measurement."""
        yield from self.look()
        for learner in self.learners:
            yield from self._measured(learner)

    def state(self) -> State:
        """How all stand, as of the last look; there must have been one."""
        standings = [
            Standing(
                learner.name,
                learner.density,
                learner.evaluations,
                learner.step,
                self.learned[learner.name],
                self.quick[learner.name],
                self.thorough.get(learner.name),
                tuple(self.curves[learner.name]),
            )
            for learner in self.learners
        ]
        entropy = _estimate(self.truth) if self.truth is not None else None
        return State(self.seconds, self.test, self.floor, entropy, standings)

    def _learn(self, learner: Learner, knobs: Knobs, last: float) -> None:
        learner.rate, learner.batch = knobs.rate, knobs.batch
        begun = self.clock()
        while learner.step < last and self.clock() - begun < SLICE:
            if not math.isfinite(learner.update()):
                raise OutOfBounds(learner.name)
        self.learned[learner.name] += self.clock() - begun

    def _quick(self, learner: Learner) -> Quick:
        if not learner.finite:
            raise OutOfBounds(learner.name)
        samples = learner.sample(SAMPLES, torch.Generator().manual_seed(0))
        energy = energy_distance(learner.sample(SAMPLES, self.chance), self.test)
        if not math.isfinite(energy):
            raise OutOfBounds(learner.name)
        return Quick(samples, energy, coverage(self.modes, samples) if self.modes is not None else None)

    @torch.no_grad()
    def _measured(self, learner: Learner) -> Generator[None, None, None]:
        generator, parts = torch.Generator().manual_seed(1), []
        for points in self.test.split(PART):
            with _Clock(self):
                parts.append(learner.nll(points, generator))
            yield None
        nll = None if parts[0] is None else torch.cat(parts)
        with _Clock(self):
            begun = self.clock()
            learner.sample(TIMED, torch.Generator().manual_seed(2))
            milliseconds = 1000 * (self.clock() - begun)
        yield None
        with _Clock(self):
            code = learner.encode(self.test)
            back = (self.test - learner.decode(code)).norm(dim=1).mean().item() if code is not None else None
        yield None
        with _Clock(self):
            way = self._way(learner)
            on_data = (torch.cdist(way, self.neighbours).min(1).values < CLOSE).float().mean().item()
            self.thorough[learner.name] = Thorough(
                nll=_estimate(nll) if nll is not None else None,
                excess=_estimate(nll - self.truth) if nll is not None and self.truth is not None else None,
                milliseconds=milliseconds,
                inversion=back,
                way=way,
                on_data=on_data,
                stride=way.diff(dim=0).norm(dim=1).max().item(),
            )
        yield None

    def _way(self, learner: Learner) -> Tensor:
        """The straight line between two codes, decoded: those of two points of the data or, where nothing leads from
        points to codes, those of the two fakes that are closest to them. (WAY, 2)."""
        codes = learner.encode(self.ends)
        if codes is None:
            some = torch.randn(SAMPLES, 2, generator=torch.Generator().manual_seed(3))
            codes = some[torch.cdist(self.ends, learner.decode(some)).argmin(1)]
        share = torch.linspace(0, 1, WAY)[:, None]
        return learner.decode(torch.lerp(codes[:1], codes[1:], share))


class _Clock:
    """Adds the seconds spent in its block to those of a comparison; what happens between two blocks is not counted."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    def __enter__(self) -> None:
        self.begun = self.comparison.clock()

    def __exit__(self, *_: object) -> None:
        self.comparison.seconds += self.comparison.clock() - self.begun


def _estimate(values: Tensor) -> Estimate:
    return Estimate(values.double().mean().item(), values.double().std().item() / math.sqrt(len(values)))
