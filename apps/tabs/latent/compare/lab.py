"""The lab "compare": the same noise under other settings, as a grid of pictures, and two of them step by step."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator, Sequence
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from apps import limits, player, wiring
from apps.pictures import png_bytes, served
from apps.player import promises
from apps.tabs.latent.compare import ask as compare_ask
from apps.tabs.latent.compare import pictures as compare_pictures
from apps.tabs.latent.compare.grid import AXES, NOTHING, SUGGESTED, Cell, Grid, Wish, check, cost, filled
from apps.tabs.latent.draw.wish import SAMPLER_NAMES
from apps.tabs.latent.studio import remarks, studio
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data.critter_words import EXAMPLES
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import latent

DEFAULTS: dict[str, Any] = {
    "prompt": EXAMPLES[-1],
    "x": "steps",
    "x_values": SUGGESTED["steps"],
    "y": "sampler",
    "y_values": "DDIM, DPM-Solver++(2M)",
    "negative": "",
    "steps": latent.STEPS,
    "guidance": latent.GUIDANCE,
    "sampler": latent.SAMPLER,
    "eta": 0.0,
    "seed": 1,
}


def work(wish: Wish) -> Generator[tuple[str, Any, Any] | None, None, None]:
    """All that a click computes: a line, the grid after each cell, and in the end a film of the first and the last."""
    grid, shown = Grid(wish), 0.0
    for grid, step in filled(wish):
        if step is None:
            yield so_far(grid), compare_pictures.table(grid), gr.skip()
        elif time.monotonic() - shown >= wiring.FRAME:
            shown = time.monotonic()
            yield f"{so_far(grid)}, step {step.i + 1} of {step.n}", gr.skip(), gr.skip()
        else:
            yield None
    for film in compare_pictures.film(grid):
        yield None if film is None else (told(grid), compare_pictures.table(grid), film)


def so_far(grid: Grid) -> str:
    """How far it is."""
    return f"{len(grid.cells)} of {len(grid.wish.each)} cells"


def told(grid: Grid) -> str:
    """What it cost, and what a visitor should know of it."""
    total = sum(cost(cell.request) for cell in grid.cells)
    known = [note for request in (grid.wish.each[0], grid.wish.each[-1]) for note in remarks(request)]
    cells = f"{len(grid.cells)} cell{'s' if len(grid.cells) > 1 else ''}"
    notes = [note.rstrip(".") + "." for note in dict.fromkeys(known)]
    return " ".join([f"{cells} · {total:,} network evaluations · {grid.seconds:.1f} s of computing.", *notes])


def compare(
    request: gr.Request,
    prompt: str,
    x: str = DEFAULTS["x"],
    x_values: list[str] | None = None,
    y: str = NOTHING,
    y_values: list[str] | None = None,
    negative: str = "",
    steps: int = latent.STEPS,
    guidance: float = latent.GUIDANCE,
    sampler: str = latent.SAMPLER,
    eta: float = 0.0,
    seed: int = 0,
):
    """Draws a grid from the same noise. Yields (progress, cells so far, their PNG files), and ends with all of them.

    x and y each one of sampler, steps, guidance, η, seed, word, nothing, with up to 5 values; of words, the first is
    the one of the prompt that the others replace. The other settings as in /sample. All cells together may take 1,600
    network evaluations. A cell, row by row, has its settings, its evaluations, what its prompt asked for, and of that
    what the attribute reader found right.
    """
    try:
        studio()
    except weights.WeightsError as error:
        raise limits.refuse(str(error)) from error
    wish = check(prompt, x, x_values, y, y_values, negative, steps, guidance, sampler, eta, seed)
    files: list[dict[str, Any]] = []
    grid = Grid(wish)
    for grid, step in limits.run(request, filled(wish)):
        if step is None:
            files.append(file(grid.cells[-1], len(files)))
            yield so_far(grid), [row(cell) for cell in grid.cells], files
    if len(grid.cells) < len(wish.each):
        raise limits.refuse("This run was stopped before it had ended.")


compare.__annotations__["return"] = tuple[str, list[dict[str, Any]], list[FileData]]


def file(cell: Cell, k: int) -> dict[str, Any]:
    """A cell's picture with its settings, as a file that Gradio serves."""
    png = png_bytes(to_arrays(cell.x)[0], vars(cell.request))
    return FileData(path=served(png, f"cell-{k + 1}.png")).model_dump()


def row(cell: Cell) -> dict[str, Any]:
    """A cell for programs."""
    return vars(cell.request) | {"evaluations": cost(cell.request), "asked": cell.asked, "right": list(cell.right)}


def lab(page: gr.Blocks) -> None:
    """The lab's grid, film and controls; without its weights, a sentence that says how to get them back."""
    gr.api(compare, api_name="compare")
    try:
        studio()
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot draw yet\n{error}")
        return
    opening = promises.Opening(lambda: work(check(**DEFAULTS)))
    table = compare_pictures.component(promises.promised(opening.part(1)), elem_id="compare-grid")
    said = gr.Markdown("From one noise, since the app started.", elem_id="compare-said")
    settings, buttons = controls()
    film = player.player(opening.part(2), elem_id="compare")
    run = wiring.as_it_goes(work, check, "compare", pictures=2)
    wiring.connect(page, "compare", run, settings, [said, table, film], buttons, check)
    compare_ask.question(film)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    prompt = gr.Textbox(DEFAULTS["prompt"], label="Prompt", max_lines=3, elem_id="compare-prompt")
    with gr.Row():
        x, x_values = along("x", "Columns go along", AXES)
        y, y_values = along("y", "Rows go along", (*AXES, NOTHING))
    buttons = wiring.button_row("compare", "Compare")
    with gr.Accordion("More: what the axes leave as it is", open=False):
        negative = gr.Textbox(label="Negative prompt", elem_id="compare-negative")
        with gr.Row():
            steps = gr.Slider(1, 100, DEFAULTS["steps"], step=1, label="Steps", elem_id="compare-steps")
            guidance = gr.Slider(0, 15, DEFAULTS["guidance"], step=0.1, label="Guidance", elem_id="compare-guidance")
        with gr.Row():
            names = [(name, key) for key, name in SAMPLER_NAMES.items()]
            sampler = gr.Dropdown(names, value=DEFAULTS["sampler"], label="Sampler", elem_id="compare-sampler")
            eta = gr.Slider(0, 1, 0, step=0.05, label="η, of DDIM", elem_id="compare-eta")
            seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="compare-seed", min_width=110)
    values = (prompt, x, x_values, y, y_values, negative, steps, guidance, sampler, eta, seed)
    return dict(zip(DEFAULTS, values, strict=True)), buttons


def along(which: str, label: str, names: Sequence[str]) -> tuple[gr.Dropdown, gr.Textbox]:
    """An axis: its setting, and its values, which the setting brings along."""
    setting = gr.Dropdown(
        list(names), value=DEFAULTS[which], label=label, elem_id=f"compare-{which}", min_width=150, scale=1
    )
    values = gr.Textbox(
        DEFAULTS[f"{which}_values"],
        label="Values, with commas between",
        elem_id=f"compare-{which}-values",
        min_width=200,
        scale=2,
    )
    js = f"(name) => ({SUGGESTED!r})[name] ?? ''"
    setting.input(None, setting, values, js=js, queue=False, **QUIET)
    return setting, values
