"""Command line: our model as a folder for diffusers, and a picture from a folder that diffusers saved.

python -m tutorial.exchange export FOLDER
python -m tutorial.exchange draw FOLDER "a photograph of a fox" --steps 20 --guidance 7.5 --out fox.png
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from tutorial import weights
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import latent
from tutorial.diffusion.latent import STEPS
from tutorial.diffusion.samplers import SAMPLERS
from tutorial.exchange.folders import from_diffusers, to_diffusers

GUIDANCE = 7.5
"""As published checkpoints of Stable Diffusion v1 are commonly used."""


def export(folder: Path) -> None:
    """Writes the shipped model for diffusers."""
    to_diffusers(folder, latent.load())
    print(f"Written. In Python: StableDiffusionPipeline.from_pretrained({str(folder)!r})")


def draw(options: argparse.Namespace) -> None:
    """Draws one picture and saves it, reporting each step."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = from_diffusers(options.folder, device)
    settings = {"steps": options.steps, "guidance": options.guidance, "sampler": options.sampler, "seed": options.seed}
    last = None
    for last in model.sample(options.prompt, negative=options.negative, **settings):
        print(f"\rstep {last.i + 1} of {last.n}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    assert last is not None  # a walk of one step or more
    Image.fromarray(to_arrays(model.decode(last.x_next))[0]).save(options.out)
    print(f"Saved {options.out}.")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    out = commands.add_parser("export", help="write the shipped model for diffusers")
    out.add_argument("folder", type=Path)
    one = commands.add_parser("draw", help="draw a picture with a pipeline that diffusers saved")
    one.add_argument("folder", type=Path)
    one.add_argument("prompt")
    one.add_argument("--negative", default="", help="what to steer away from")
    one.add_argument("--steps", type=int, default=STEPS)
    one.add_argument("--guidance", type=float, default=GUIDANCE)
    one.add_argument("--sampler", choices=list(SAMPLERS), default="ddim")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--out", type=Path, default=Path("picture.png"))
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command; what is wrong with a folder ends it with a sentence."""
    options = parse(arguments)
    try:
        export(options.folder) if options.command == "export" else draw(options)
    except (ValueError, OSError, weights.WeightsError) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
