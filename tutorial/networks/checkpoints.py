"""Published checkpoints of Stable Diffusion v1 under the names that the networks here use."""

from __future__ import annotations

import re

from torch import Tensor

OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def current_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Renames the tensors of an older checkpoint; those of a newer one come back unchanged.

    Older text encoders prefix every name with `text_model.` and store the positions 0, 1, 2, …, which are no
    weights; older autoencoders call the parts of their attention query, key, value and proj_attn.
    """
    renamed = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("text_model.")
        name = re.sub(r"(?<=attentions\.0\.)\w+", lambda part: OLD_ATTENTION.get(part[0], part[0]), name)
        if name != "embeddings.position_ids":
            renamed[name] = tensor
    return renamed
