"""The bandwidth among the models' settings."""

from __future__ import annotations

import pytest

from tutorial.two_kinds import kinds


def test_scotts_rule():
    assert kinds.scott(1, 3) == 1
    assert kinds.scott(32, 1) == pytest.approx(0.5)
