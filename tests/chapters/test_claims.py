"""What the prose says of a cell is what the cell prints."""

from __future__ import annotations

import re

import torch

from tutorial import chapters
from tutorial.data.principal import zeros_and_ones
from tutorial.two_kinds import discriminative, generative
from tutorial.two_kinds.discriminative import LinearSVM
from tutorial.two_kinds.labelled import accuracy

STIFF = ("LogisticRegression", "LinearSVM", "LinearDiscriminant", "QuadraticDiscriminant")
FOLLOWING = ("RBFSVM", "KernelDensity")


def test_what_wrong_labels_cost(capsys):
    notebook = chapters.read("two_kinds")
    [cell] = [one.source for one in notebook.cells if one.cell_type == "code" and "flipped" in one.source]
    train, test = zeros_and_ones("training"), zeros_and_ones("test")
    x, y = train.points[:300], train.labels[:300]
    known = vars(discriminative) | vars(generative) | {"accuracy": accuracy, "x": x, "y": y, "test": test}
    exec(cell, dict(known))
    right, few, many = (
        {name: float(share) for name, share in re.findall(r"(\w+) ([\d.]+)%", line.split(": ")[1])}
        for line in capsys.readouterr().out.splitlines()
    )
    prose = " ".join(" ".join(one.source for one in notebook.cells if one.cell_type == "markdown").split())
    assert "none of these models loses a full percentage point" in prose
    assert all(right[name] - few[name] < 1 for name in right)
    assert "still have more than nine digits in ten right" in prose
    assert all(many[name] > 90 for name in STIFF)
    assert "and lose more than a quarter" in prose
    assert all(many[name] < 0.75 * right[name] for name in FOLLOWING)
    assert set(right) == {*STIFF, *FOLLOWING}
    assert "Only the linear SVM lost little with each of the five" in prose
    for seed in range(5):
        flipped = torch.rand(300, generator=torch.Generator().manual_seed(seed))
        svm = LinearSVM().fit(x, torch.where(flipped < 0.4, 1 - y, y))
        assert right["LinearSVM"] - 100 * accuracy(svm.decision(test.points), test.labels) < 3
