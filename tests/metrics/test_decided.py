"""From which step on a reading stays: against a search by hand."""

from __future__ import annotations

import torch

from tutorial.metrics.decided import decided, share_decided


def test_it_is_the_first_step_after_which_nothing_changes():
    readings = torch.randint(0, 3, (12, 200), generator=torch.Generator().manual_seed(0))
    for column, step in zip(readings.T.tolist(), decided(readings).tolist(), strict=True):
        assert all(value == column[-1] for value in column[step:])
        assert step == 0 or column[step - 1] != column[-1]


def test_what_changes_at_the_last_step_and_what_never_changes():
    readings = torch.tensor([[1, 5], [1, 5], [2, 5]])
    assert decided(readings).tolist() == [2, 0]
    assert share_decided(readings).tolist() == [0.5, 0.5, 1]
