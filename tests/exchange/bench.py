"""What does a checkpoint of Stable Diffusion's own size take? `make bench` measures, and writes it into the README.

A folder as diffusers saves it, with networks of that size and random numbers in them: what they draw is noise, but they
take as long, and as much memory. It needs 5 GB of disk for the time being, and a quarter of an hour.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

from tutorial import weights
from tutorial.diffusion.latent import STEPS, LatentDiffusion
from tutorial.diffusion.schedule import Schedule
from tutorial.exchange import to_diffusers
from tutorial.exchange.folders import SIDE
from tutorial.networks.autoencoder import Autoencoder
from tutorial.networks.text import TextEncoder
from tutorial.networks.tokenizer import ClipTokenizer
from tutorial.networks.unet import UNet
from tutorial.training.evaluate import write_readme

ROOT = Path(__file__).parents[2]
FEW, MORE = 1, 4
"""Steps of two runs, whose difference is the steps' own time."""


def filled(network: nn.Module) -> nn.Module:
    """A network without numbers, with random ones, so small that nothing overflows."""
    network = network.to_empty(device="cpu")
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.01, 0.01)
    return network


def original() -> LatentDiffusion:
    """A model of Stable Diffusion v1's size, with the miniature's tokenizer."""
    with torch.device("meta"):
        text, unet, autoencoder = TextEncoder(), UNet(), Autoencoder()
    for network in (text, unet, autoencoder):
        filled(network)
    tokenizer = ClipTokenizer(weights.FOLDER / "tokenizer", text.config.length)
    return LatentDiffusion(tokenizer, text, unet, autoencoder, Schedule.named("scaled_linear", 1000), "eps", SIDE)


def draw(folder: Path, steps: int) -> float:
    """Seconds that the README's command takes, with so many steps."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "tutorial.exchange", "draw", str(folder), "a photograph of a fox"]
    out = ["--steps", str(steps), "--out", str(folder / "fox.png")]
    subprocess.run([*command, *out], cwd=ROOT, check=True)
    return time.monotonic() - begun


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        to_diffusers(Path(name), original())
        few, more = draw(Path(name), FEW), draw(Path(name), MORE)
    step = (more - few) / (MORE - FEW)
    minutes = (few + (STEPS - FEW) * step) / 60
    gigabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
    text = (
        f"On {os.cpu_count()} cores a step takes {step:.0f} seconds, a picture of {STEPS} steps {minutes:.0f} minutes, "
        f"with {gigabytes:.1f} GB of memory at most: measured by `make bench`, with networks of random numbers."
    )
    write_readme("original", text)
    print(text)


if __name__ == "__main__":
    main()
