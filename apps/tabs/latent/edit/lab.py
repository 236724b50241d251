"""The lab "edit": start from a picture, redraw a part of it, or walk between two noises or two prompts."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from apps import limits, pictures, player, wiring
from apps.pictures import png_bytes, served
from apps.player import promises
from apps.tabs.latent.edit import ask as edit_ask
from apps.tabs.latent.edit import controls as edit_controls
from apps.tabs.latent.edit import pictures as edit_pictures
from apps.tabs.latent.edit import work as edit_work
from apps.tabs.latent.edit.wish import DEFAULTS, INPAINT, STRENGTH, Wish, check, labels, shares
from apps.tabs.latent.edit.work import Look
from apps.tabs.latent.source import OWN, SEED, WORDS
from apps.tabs.latent.studio import studio
from tutorial import weights
from tutorial.data.critters import ATTRIBUTES
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import latent
from tutorial.diffusion.samplers import Step
from tutorial.metrics.similarity import psnr

Shown = tuple[str, Any, Any]
"""A line on how far it is, and new values of film and canvas; `gr.skip()` where nothing changes."""


def work(wish: Wish) -> Generator[Shown | None, None, None]:
    """All that a click computes."""
    yield "Begun", gr.skip(), edit_pictures.canvas(wish)
    yield from inpainting(wish) if wish.kind == INPAINT else strip(wish)


def strip(wish: Wish) -> Generator[Shown | None, None, None]:
    """Pictures at each strength or share, as they come."""
    looks: list[Look] = []
    at, begun, seconds = shares(None, "Shares"), time.monotonic(), 0.0
    for look in edit_work.strip(wish, at):
        seconds += time.monotonic() - begun
        if look is None:
            yield None
        else:
            looks.append(look)
            far = f"{'strength' if wish.kind == STRENGTH else 'share'} {labels([look.at])[0]}"
            said = far if len(looks) < len(at) else f"{len(at)} frames · {seconds:.1f} s of computing"
            yield said, edit_pictures.film(wish, looks), gr.skip()
        begun = time.monotonic()


def inpainting(wish: Wish) -> Generator[Shown | None, None, None]:
    """Draws the masked cells anew, and then shows each step."""
    steps: list[Step] = []
    begun, seconds, shown = time.monotonic(), 0.0, 0.0
    for step in edit_work.stepped(wish):
        seconds += time.monotonic() - begun
        steps.append(step)
        if time.monotonic() - shown >= wiring.FRAME:
            shown = time.monotonic()
            yield f"step {step.i + 1} of {step.n}", gr.skip(), gr.skip()
        else:
            yield None
        begun = time.monotonic()
    for found in edit_work.painted(wish, steps):
        if found is None:
            yield None
        else:
            said = f"{len(steps)} steps · {seconds:.1f} s of computing"
            yield said, edit_pictures.inpainting(wish, found), gr.skip()


def edit(
    request: gr.Request,
    kind: str,
    prompt: str,
    other: str = "",
    at: list[float] | None = None,
    description: str = "",
    critter: int = 0,
    picture: FileData | None = None,
    mask: str | None = None,
    strength: float = 1.0,
    rounds: int = 1,
    seed: int = 0,
    other_seed: int = 1,
    steps: int = latent.STEPS,
    guidance: float = latent.GUIDANCE,
    sampler: str = latent.SAMPLER,
    eta: float = 0.0,
):
    """Edits a picture. Yields (progress, rows so far, PNG files so far); each row says what its pictures are.

    kind strength (four pictures at each strength in `at`), inpaint (as decoded, and with the kept pixels put back; at
    `strength`, with `rounds` 1–5 a step), variations (from seed to other_seed, at each share in `at`: one picture on
    the arc, one on the line), prompts (from prompt to other). `at` has up to eleven numbers from 0 to 1; without it,
    tenths. The source is `picture`, a PNG, JPEG, WebP or GIF file, or the critter of a seed with what `description`
    names. mask: hexadecimal digits, a bit for each cell of the latent, row by row. steps 1–50, all else as in /sample.
    """
    try:
        studio()
    except weights.WeightsError as error:
        raise limits.refuse(str(error)) from error
    path = pictures.uploaded(picture)
    source = OWN if path is not None else WORDS if description else SEED
    walked = (steps, guidance, sampler, eta)
    own = (source, description, critter, prompt, other, mask, strength, rounds, seed, other_seed)
    wish = check(kind, *own, *walked, path)
    points = shares(at, "Strengths" if wish.kind == STRENGTH else "Shares")
    rows: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    answered = mended(wish) if wish.kind == INPAINT else looked(wish, points)
    for row, pngs in limits.run(request, answered):
        rows.append(row)
        files += [
            FileData(path=served(png, f"edit-{len(files) + k + 1}.png")).model_dump() for k, png in enumerate(pngs)
        ]
        yield f"{len(rows)} of {1 if wish.kind == INPAINT else len(points)}", rows, files
    if len(rows) < (1 if wish.kind == INPAINT else len(points)):
        raise limits.refuse("This run was stopped before it had ended.")


edit.__annotations__["return"] = tuple[str, list[dict[str, Any]], list[FileData]]

Answer = Generator[tuple[dict[str, Any], list[bytes]] | None, None, None]
"""Rows for programs, each with the PNG files of its pictures; None where others can have their turn."""


def looked(wish: Wish, points: list[float]) -> Answer:
    """The rows of a strip."""
    for look in edit_work.strip(wish, points):
        if look is None:
            yield None
            continue
        row = {"at": look.at, "steps": look.steps, "loudness": look.loudness, "read": read(look)}
        if wish.kind == STRENGTH:
            row["psnr"] = [psnr(x, wish.x[0]) for x in look.x]
        yield row, [png_bytes(pixels) for pixels in to_arrays(look.x)]


def mended(wish: Wish) -> Answer:
    """The row of an inpainting: two pictures, as decoded, and with the kept pixels put back."""
    steps: list[Step] = []
    for step in edit_work.stepped(wish):
        steps.append(step)
        yield None
    for found in edit_work.painted(wish, steps):
        if found is None:
            yield None
            continue
        moved = (found.z[-1] - found.z0[0]).abs().amax(0)
        row = {"at": wish.strength, "steps": len(steps), "moved": moved.tolist(), "psnr": [psnr(found.x[-1:], wish.x)]}
        ends = to_arrays(found.x[-1:])[0], to_arrays(found.mended[-1:])[0]
        yield row, [png_bytes(pixels) for pixels in ends]


def read(look: Look) -> list[dict[str, str]]:
    """What the attribute reader reads in each picture, in words."""
    return [
        {name: values[int(k)] for (name, values), k in zip(ATTRIBUTES.items(), row, strict=True)} for row in look.labels
    ]


def lab(page: gr.Blocks) -> None:
    """The lab's source, film and controls; without its weights, a sentence that says how to get them back."""
    gr.api(edit, api_name="edit")
    try:
        studio()
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot draw yet\n{error}")
        return
    film = player.player(promises.Opening(lambda: work(check(**DEFAULTS))).part(1), elem_id="edit")
    said = gr.Markdown("Computed here, since the app started.", elem_id="edit-said")
    settings, buttons, canvas, picture = edit_controls.controls()
    run = wiring.as_it_goes(work, check, "edit", pictures=2)
    wiring.connect(page, "edit", run, settings, [said, film, canvas], buttons, check, unlinked=[picture])
    edit_ask.question(film)
