"""What more than one file on the lab "diagram" needs."""

from __future__ import annotations

import math

import pytest

from apps.tabs.gan import play
from apps.tabs.gan.settings import DEFAULTS, check


@pytest.fixture
def wish():
    return check(**DEFAULTS)


@pytest.fixture
def unhurried(monkeypatch):
    """A game is looked at only as each handler ends, however slow the machine is."""
    monkeypatch.setattr(play, "FRAME", math.inf)
