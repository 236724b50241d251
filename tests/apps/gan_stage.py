"""What the tests of the chapter on GANs share: visitors, games that were played, and how clips are read."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import torch

from apps.tabs.gan.play import Play

BENT = [[-1.0, -1.0], [0.0, 1.0], [1.0, -1.0]]


def visitor(name: str) -> gr.Request:
    return SimpleNamespace(session_hash=name)  # type: ignore[return-value]


def titles(clip: str) -> list[str]:
    return [panel["title"] for panel in json.loads(clip)["panels"]]


def floats(layer: dict) -> np.ndarray:
    """The numbers of a clip's layer."""
    return np.frombuffer(base64.b64decode(layer["data"]), "<f4").reshape(layer["shape"])


def finished(play: Play, wish, part="turn", n=1):
    *_, look = play.train(lambda: wish, part, n)
    return look


def numbers(play: Play) -> list[torch.Tensor]:
    return list(play.game.checkpoint().numbers)


def same(one, other) -> bool:
    """But for rounding: the order of additions may depend on where in memory the numbers lie."""
    return all(torch.allclose(a, b, atol=1e-4) for a, b in zip(one, other, strict=True))
