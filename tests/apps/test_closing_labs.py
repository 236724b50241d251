"""The labs "stability", "steps" and "patch" of the closing chapter, its tables, and its notebook."""

from __future__ import annotations

import ast
import json

import gradio as gr
import numpy as np
import pytest

from apps.tabs import closing
from apps.tabs.closing import patch, race, stability, steps, tables
from tests.apps.closing_stage import staged
from tests.apps.gan_stage import floats
from tests.work import last
from tutorial import chapters
from tutorial.contest import first_stage, search, vae
from tutorial.contest.recipe import BUDGET, SEEDS
from tutorial.training import contest_rates, contest_recorded
from tutorial.training.contest_recorded import COLUMNS, board

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", autouse=True)
def stage():
    with staged() as folder:
        yield folder


def test_dots_are_trainings_and_broken_ones_are_at_the_worse_end():
    found = contest_recorded.rates()
    for column in stability.SHOWN:
        clip = json.loads(stability.chart(found, column))
        gan, diffusion = clip["panels"]
        assert (gan["x"], gan["y"]) == (diffusion["x"], diffusion["y"])
        dots = {layer["name"]: layer for layer in gan["layers"]}
        assert dots["a training"]["shape"][1] == 18 and dots["numbers out of bounds"]["shape"][1] == 3
        assert "numbers out of bounds" not in {layer["name"] for layer in diffusion["layers"]}
        lost = floats(dots["numbers out of bounds"])[0, :, 1]
        others = floats(dots["a training"])[0, :, 1]
        assert (lost > others.max()).all() if column == "frechet" else (lost < others.min()).all()
    with pytest.raises(gr.Error, match="What is shown must be"):
        stability.check("nats")


def test_curves_are_the_recorded_ones_and_the_gans_line_is_its_mean():
    found = board()
    left, _ = json.loads(steps.chart(found))["panels"]
    layers = {layer["name"]: layer for layer in left["layers"] if layer["kind"] == "curve"}
    gan = np.mean(found.families["gan"].values("frechet_of_few"))
    assert floats(layers["GAN, one pass"])[0, 0, 1] == pytest.approx(gan, rel=1e-5)
    rows = [run["few_steps"] for run in found.families["pixel_diffusion"].runs]
    assert floats(layers["pixel diffusion"])[0, :, 1] == pytest.approx(
        np.mean([[row["frechet"] for row in run] for run in rows], axis=0), rel=1e-5
    )


def test_few_steps_are_drawn_beside_the_gan():
    wanted = steps.check(2, 5)
    said, clip = last(steps.work(wanted))
    assert said == "Drawn with 2 steps."
    titles = [panel["title"] for panel in json.loads(clip)["panels"]]
    assert titles[0].startswith("GAN, 1 pass: ") and titles[1].startswith("pixel diffusion, 4 passes: ")
    with pytest.raises(gr.Error, match="must be one of"):
        steps.check(4, 0)
    with pytest.raises(gr.Error, match="The seed must be"):
        steps.check(5, 0.5)


def test_a_digit_is_shown_larger_and_the_table_has_means_over_seeds():
    found = contest_recorded.patch()
    whole, one = json.loads(patch.sheets(found, patch.ALL)), json.loads(patch.sheets(found, "3"))
    assert len(whole["panels"]) == len(one["panels"]) == 3
    part = patch._part(found.sheets[0], "3")
    assert part.shape == (1, 56, 140, 3)
    assert (part[0, :28, :, 0] == found.sheets[0][84:112, :140]).all()
    html = patch.table(found)
    assert "0.0910 ± 0.0010" in html and "20.10 ± 0.10" in html
    with pytest.raises(gr.Error, match="The digit must be"):
        patch.check(3)


def test_text_in_a_table_is_never_markup():
    html = tables.rows([tables.Head("<b>")], [("<i>", [tables.Cell("<img src=x>\n&")])], "<u>")
    assert not any(tag in html for tag in ("<b>", "<i>", "<img", "<u>"))
    assert "&lt;img src=x&gt;<br>&amp;" in html


@pytest.mark.parametrize("name", ["race", "scoreboard", "tasks", "stability", "steps", "patch", "verdict"])
def test_without_its_record_a_lab_says_how_to_get_it_back(name, tmp_path, monkeypatch):
    monkeypatch.setattr(contest_recorded, "FOLDER", tmp_path)
    closing.scoreboard.board.cache_clear()
    with gr.Blocks() as page, gr.Tab("x"):
        closing.LABS[name](page)
    closing.scoreboard.board.cache_clear()
    said = [block.value for block in page.blocks.values() if isinstance(block, gr.Markdown)]
    assert any("This lab cannot open" in str(text) and "git checkout" in str(text) for text in said)


def test_the_notebook_places_every_lab_once_and_imports_only_what_the_app_needs():
    notebook = chapters.read("closing")
    tags = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])]
    assert sorted(tags) == sorted(f"lab-{name}" for name in closing.LABS)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)
            if shown := cell.metadata.get("source"):
                assert chapters.source(shown)
    assert chapters.promise(notebook).startswith("At the end of this chapter")


def test_the_cells_run_and_say_something(stage, capsys, monkeypatch):
    """As a notebook would run them, on what stands here for the shipped models and records."""
    from tutorial.contest import families

    monkeypatch.setattr(families.load, "__defaults__", (stage,))
    known: dict = {}
    for cell in chapters.read("closing").cells:
        if cell.cell_type == "code":
            exec(cell.source, known)
            assert capsys.readouterr().out.strip(), cell.source


def test_every_title_of_a_column_is_its_own():
    assert len({column.title for column in COLUMNS.values()}) == len(COLUMNS)


def test_the_prose_has_the_constants_of_the_code():
    prose = " ".join(cell.source for cell in chapters.read("closing").cells if cell.cell_type == "markdown")
    words = " ".join(prose.split())
    assert f"\\beta = {vae.BETA:g}$" in words
    assert f"with a code of {vae.ContestVAEConfig().latent} numbers" in words
    assert f"\\lambda = {search.PRIOR:g}," in words
    assert f"{first_stage.ADVERSARIAL:g} \\cdot" in words
    assert first_stage.BEGINS == 0.25 and "joins in after a quarter of the time" in words
    assert len(SEEDS) == 3 and "from three seeds" in words
    assert len(contest_rates.FACTORS) == 7 and "with seven learning rates over three decades" in words
    assert max(contest_rates.FACTORS) / min(contest_rates.FACTORS) == pytest.approx(1e3)
    assert contest_rates.SECONDS == BUDGET / 10 and "a tenth of the time each" in words
    assert f"draw {race.MANY} digits" in words
