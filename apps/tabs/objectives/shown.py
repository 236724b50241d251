"""How this chapter's labs name and colour the four views."""

from __future__ import annotations

from tutorial.diffusion.views import View

NAMES: dict[View, str] = {"eps": "ε", "x0": "x₀", "v": "v", "score": "score"}
COLOURS: dict[View, str] = {"eps": "noise", "x0": "real", "v": "field", "score": "generated"}
