"""What both labs' models are asked for, and the endpoint that fits two of them to any points."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import torch
from torch import Tensor

from apps import limits
from apps.tabs.two_kinds import missing, plane
from apps.tabs.two_kinds.plane import Sample
from tutorial.data.principal import zeros_and_ones
from tutorial.two_kinds import kinds
from tutorial.two_kinds.discriminative import RBFSVM, Discriminative, LinearSVM
from tutorial.two_kinds.generative import Generative
from tutorial.two_kinds.labelled import accuracy

REACH = 100.0
"""Coordinates that callers may send go from minus this to this."""
PLACES = 1000
"""Places that a caller may ask about."""
DEFAULTS: dict[str, Any] = {
    "discriminative": kinds.LINEAR,
    "generative": kinds.QDA,
    "digits": 300,
    "noise": 0,
    "strength": 0.0,
    "gaussians": 3,
    "bandwidth": 0.2,
}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    discriminative: str
    generative: str
    digits: int
    noise: float
    strength: float
    gaussians: int
    bandwidth: float


def check(
    discriminative: Any, generative: Any, digits: Any, noise: Any, strength: Any, gaussians: Any, bandwidth: Any
) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The discriminative model", discriminative, kinds.DISCRIMINATIVE),
        limits.choice("The generative model", generative, kinds.GENERATIVE),
        limits.whole("The number of digits", digits, plane.FEWEST, plane.MOST),
        limits.number("The label noise in percent", noise, 0, 40) / 100,
        limits.number("log₁₀ C", strength, -2, 2),
        limits.whole("The number of Gaussians", gaussians, 1, 6),
        limits.number("The bandwidth", bandwidth, 0.05, 1),
    )


def fitted_to(wish: Wish, x: Tensor, y: Tensor) -> Generator[None, None, tuple[Discriminative, Generative]]:
    """Both models, fitted to points (N, 2) and labels (N,); yields between the two. Raises gr.Error with what is wrong
    if nothing can be learned from them."""
    try:
        separates = plane.discriminative(wish.discriminative, wish.strength).fit(x, y)
        yield None
        explains = plane.generative(wish.generative, wish.gaussians, wish.bandwidth).fit(x, y)
    except ValueError as error:
        raise limits.refuse(str(error)) from error
    return separates, explains


def ask(separates: Discriminative, explains: Generative, at: Tensor) -> dict[str, list[float]]:
    """What both say of places (N, 2)."""
    joint = explains.log_joint(at)
    answers = {
        "decision": separates.decision(at),
        "log_joint_0": joint[:, 0],
        "log_joint_1": joint[:, 1],
        "log_density": joint.logsumexp(1),
        "posterior": torch.sigmoid(joint[:, 1] - joint[:, 0]),
    }
    if separates.probabilistic:
        answers["probability"] = separates.probability(at)
    return {name: values.tolist() for name, values in answers.items()}


def own_data(points: Any, labels: Any) -> tuple[Tensor, Tensor] | None:
    """A caller's points (N, 2) and labels (N,), checked; None if there are none. Raises gr.Error."""
    if points is None and labels is None:
        return None
    if not isinstance(points, list) or not isinstance(labels, list) or len(points) != len(labels):
        raise limits.refuse("Send points and labels together: a list of pairs of numbers, and as many zeros and ones.")
    if not points:
        raise limits.refuse("There are no points: send at least 2 of each class, or leave out points and labels.")
    if len(points) > plane.MOST:
        raise limits.refuse(f"There may be at most {plane.MOST:,} points; these are {len(points):,}.")
    x = places(points, "The points", plane.MOST)
    y = [limits.whole("A label", label, 0, 1) for label in labels]
    return x, torch.tensor(y, dtype=torch.int64)


def places(value: Any, name: str, most: int) -> Tensor:
    """A list of at most so many pairs of numbers, checked: (N, 2). Raises gr.Error."""
    if not isinstance(value, list) or len(value) > most:
        raise limits.refuse(f"{name} must be a list of at most {most:,} pairs of numbers.")
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise limits.refuse(f"{name} must be pairs of numbers.")
        for coordinate in pair:
            limits.number("A coordinate", coordinate, -REACH, REACH)
    return torch.tensor(value, dtype=torch.float32).reshape(-1, 2)


def classify(wish: Wish, own: tuple[Tensor, Tensor] | None, at: Tensor) -> Generator[dict[str, Any] | None, None, None]:
    """Fits both models to the caller's points, or to the wish's digits; in the end, what `/classify_toy` answers."""
    sample = plane.digits(wish.digits, wish.noise) if own is None else Sample(*own, keys=())
    separates, explains = yield from fitted_to(wish, sample.x, sample.y)
    yield None
    known = zeros_and_ones("test")
    x, y = (known.points, known.labels) if own is None else own
    answer: dict[str, Any] = {}
    for kind, model, decide in (
        ("discriminative", separates, separates.decision),
        ("generative", explains, explains.log_odds),
    ):
        decided = yield from plane.asked(decide, x)
        surveyed = yield from plane.surveyed(decide)
        answer[f"accuracy_{kind}"] = accuracy(decided, y)
        answer[f"parameters_{kind}"] = model.parameters
        answer[f"boundary_{kind}"] = [line.tolist() for line in plane.boundary(surveyed)]
        yield None
    if isinstance(separates, LinearSVM | RBFSVM):
        answer |= {"support": separates.support.tolist(), "settled": separates.settled}
    if isinstance(separates, LinearSVM):
        answer["margin"] = separates.margin
    yield answer | ask(separates, explains, at)


def classify_toy(
    request: gr.Request,
    discriminative: str = DEFAULTS["discriminative"],
    generative: str = DEFAULTS["generative"],
    digits: int = DEFAULTS["digits"],
    noise: float = DEFAULTS["noise"],
    strength: float = DEFAULTS["strength"],
    gaussians: int = DEFAULTS["gaussians"],
    bandwidth: float = DEFAULTS["bandwidth"],
    points: list[list[float]] | None = None,
    labels: list[int] | None = None,
    at: list[list[float]] | None = None,
):
    """Fits a discriminative and a generative model to zeros and ones of MNIST in the plane, or to points of your own.

    discriminative one of logistic regression, linear SVM, RBF SVM, small MLP; generative one of naive Bayes, LDA, QDA,
    Gaussian mixture per class, kernel density; digits 20–2000, noise 0–40 percent of labels turned, strength log₁₀ C
    −2–2, gaussians of each class 1–6, bandwidth 0.05–1. points are up to 2000 pairs of numbers from −100 to 100, with
    as many labels, 0 or 1; at are up to 1000 places. Yields accuracies (on 2,115 test digits, or on your own points),
    boundaries (lines in the plane, x −3.2–2.4, y −2.4–3.2), for SVMs support (rows) and margin, and at each place
    decision, probability (not of SVMs), log_joint_0, log_joint_1, log_density (nats) and posterior.
    """
    wish = check(discriminative, generative, digits, noise, strength, gaussians, bandwidth)
    asked = places(at if at is not None else [], "The places", PLACES)
    yield from limits.run(request, missing.told(classify(wish, own_data(points, labels), asked)))


classify_toy.__annotations__["return"] = dict[str, Any]
