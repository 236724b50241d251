"""The lab "compare": its cells are what /sample draws, its marks what the reader reads, and what it refuses."""

from __future__ import annotations

import json

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from apps.pictures import read_settings
from apps.tabs.latent.compare import ask as compare_ask
from apps.tabs.latent.compare import lab as compare
from apps.tabs.latent.compare import pictures as compare_pictures
from apps.tabs.latent.compare.grid import AXES, MOST_EVALUATIONS, SUGGESTED, cost, filled, swapped
from apps.tabs.latent.studio import studio
from tests.alone import alone
from tests.work import last
from tutorial.data.critters import ATTRIBUTES
from tutorial.data.pixels import to_arrays
from tutorial.networks.compiled import CompiledUNet

pytestmark = pytest.mark.usefixtures("one_thread")
PROMPT = "a smiling red critter with long ears"
SMALL = compare.DEFAULTS | {"prompt": PROMPT, "x_values": "2, 3", "y": "nothing", "y_values": ""}


@pytest.fixture(scope="module")
def client():
    with alone(compare.lab) as address:
        yield Client(address, verbose=False)


def test_every_cell_is_exactly_what_sample_draws_with_its_settings():
    wish = compare.check(
        **SMALL
        | {"x": "sampler", "x_values": "DDIM, heun, ddpm", "y": "guidance", "y_values": "1, 3", "steps": 3, "seed": 4}
    )
    *_, (grid, _) = filled(wish)
    expected = [(sampler, guidance) for guidance in (1.0, 3.0) for sampler in ("ddim", "heun", "ddpm")]
    assert [(cell.request.sampler, cell.request.guidance) for cell in grid.cells] == expected
    for cell, (sampler, guidance) in zip(grid.cells, expected, strict=True):
        *_, step = studio().model.sample(PROMPT, steps=3, guidance=guidance, sampler=sampler, seed=4)
        assert torch.equal(cell.x, studio().model.decode(step.x_next))
    assert sorted(grid.walks) == [0, 5]


@pytest.mark.parametrize("name", AXES)
def test_every_axis_takes_the_values_that_it_suggests(name):
    wish = compare.check(**SMALL | {"x": name, "x_values": SUGGESTED[name]})
    requests = wish.each
    assert len(requests) == len(SUGGESTED[name].split(","))
    differ = {field for field in vars(requests[0]) if len({str(vars(one)[field]) for one in requests}) > 1}
    assert differ == {{"η": "eta", "word": "prompt"}.get(name, name)}


def test_words_are_swapped_whole_and_whatever_their_case():
    assert swapped("A red one in bed, Red ears", "red", "blue") == "A blue one in bed, blue ears"
    assert swapped("a woolly hat", "woolly hat", r"\1 crown") == r"a \1 crown"
    wish = compare.check(**SMALL | {"x": "word", "x_values": "red, blue", "y": "word", "y_values": "long, round"})
    assert [request.prompt for request in wish.each] == [
        PROMPT,
        PROMPT.replace("red", "blue"),
        PROMPT.replace("long", "round"),
        PROMPT.replace("red", "blue").replace("long", "round"),
    ]


def test_evaluations_are_those_of_the_network(monkeypatch):
    """Counted as the network is asked; guidance puts two into one batch."""
    asked, answer = 0, CompiledUNet.__call__

    def counted(self, x, *given):
        nonlocal asked
        asked += len(x)
        return answer(self, x, *given)

    monkeypatch.setattr(CompiledUNet, "__call__", counted)
    wish = compare.check(
        **SMALL | {"y": "sampler", "y_values": "ddim, heun", "x": "guidance", "x_values": "0, 1, 2", "steps": 3}
    )
    for part in filled(wish):
        assert part
    assert asked == sum(map(cost, wish.each))


def test_cells_come_one_by_one_and_then_the_film():
    parts = [part for part in compare.work(compare.check(**SMALL)) if part is not None]
    tables = [json.loads(table)["cells"] for _, table, _ in parts if isinstance(table, str)]
    assert [[cell is not None for cell in cells] for cells in tables] == [[True, False], [True, True], [True, True]]
    said, _, film = parts[-1]
    assert said.startswith("2 cells · 10 network evaluations · ")
    clip = json.loads(film)
    assert (clip["frames"], clip["labels"][-1]) == (4, "done · done")
    titles = [panel["title"] for panel in clip["panels"]]
    assert titles == ["steps 2", "steps 3", "where they differ", "how far apart"]


def test_cells_are_called_by_what_sets_them_apart_and_samplers_by_their_names():
    """As the dropdown of samplers has them."""
    keys = {"x": "sampler", "x_values": "heun, dpm_solver_pp_2m", "y": "guidance", "y_values": "1, 2", "steps": 1}
    grid, _ = last(filled(compare.check(**SMALL | keys)))
    assert json.loads(compare_pictures.table(grid))["x"]["values"] == ["Heun", "DPM-Solver++(2M)"]
    assert [grid.wish.called(k) for k in (0, 3)] == ["guidance 1, Heun", "guidance 2, DPM-Solver++(2M)"]
    word = compare.check(**SMALL | {"x": "word", "x_values": "red, blue"})
    assert word.called(1) == "blue"
    alone = compare.check(**SMALL | {"x_values": "2"})
    assert alone.called(0) == "steps 2"
    assert json.loads(last(compare_pictures.film(last(filled(alone))[0])))["panels"][0]["title"] == "the cell"


def test_longer_walks_are_thinned_to_so_many_frames():
    wish = compare.check(**SMALL | {"x_values": "1, 40", "guidance": 1})
    clip = json.loads([part for part in compare.work(wish) if part is not None][-1][2])
    assert clip["frames"] == compare_pictures.FRAMES + 1
    assert clip["labels"][0] == "step 1 of 1 · step 1 of 40"


def test_what_it_opens_with_is_small_enough():
    _, table, film = last(compare.work(compare.check(**compare.DEFAULTS)))
    assert len(table) < 500_000
    assert len(film) < 500_000
    assert all(json.loads(table)["cells"])


def test_a_visitors_text_stays_text_and_is_cut():
    evil = "<img src=x onerror=alert(1)>" * 4
    wish = compare.check(**SMALL | {"prompt": evil, "x": "word", "x_values": ["<img src=x", evil], "steps": 1})
    assert wish.x.values[1] == evil
    grid, _ = last(filled(wish))
    assert max(map(len, json.loads(compare_pictures.table(grid))["x"]["values"])) <= 41


BAD = [
    ({"x": "colour"}, "The setting along x must be one of"),
    ({"x": ["steps"]}, "The setting along x must be one of"),
    ({"x_values": ""}, "Give the values along x"),
    ({"x_values": " , ,"}, "Give the values along x"),
    ({"x_values": "1,2,3,4,5,6"}, "at most 5 values"),
    ({"x_values": "two"}, "Steps must be a number"),
    ({"x_values": "2.5"}, "Steps must be a whole number"),
    ({"x_values": "nan"}, "Steps must be a number"),
    ({"x_values": [10**400]}, "A value along x must be between"),
    ({"x_values": [True]}, "A value along x must be a text"),
    ({"x_values": [["1"]]}, "A value along x must be a text"),
    ({"x_values": "1" * 501}, "at most 500 characters"),
    ({"x": "sampler", "x_values": "magic"}, "“magic” is none of the samplers; there are: DPM-Solver"),
    ({"x": "guidance", "x_values": "16"}, "Guidance must be between"),
    ({"x": "word", "x_values": "purple, blue"}, "“purple” is not in the prompt"),
    ({"y": "steps", "y_values": "4"}, "Both axes go along steps"),
    ({"x_values": "100, 100, 100, 100, 100", "y": "seed", "y_values": "1, 2"}, "at most 1,600"),
    ({"eta": 2}, "η must be between"),
    ({"seed": -1}, "The seed must be between"),
]


@pytest.mark.parametrize(("values", "sentence"), BAD)
def test_bad_values_are_refused_in_a_sentence(values, sentence):
    with pytest.raises(gr.Error, match=sentence):
        compare.check(**SMALL | values)


def test_the_largest_grid_that_is_let_through_is_as_costly_as_is_said():
    wish = compare.check(**SMALL | {"x_values": "40, 40, 40, 40, 40", "y": "seed", "y_values": "1, 2, 3, 4"})
    assert sum(map(cost, wish.each)) == MOST_EVALUATIONS


# --- the endpoint ---
def test_the_endpoint_draws_the_grid(client):
    said, rows, files = client.predict(PROMPT, "steps", ["2", "3"], "seed", ["7"], guidance=1, api_name="/compare")
    assert said == "2 of 2 cells"
    assert [(row["steps"], row["seed"], row["evaluations"]) for row in rows] == [(2, 7, 2), (3, 7, 3)]
    assert rows[0]["asked"] == {"mood": "smiling", "colour": "red", "ears": "long"}
    for row, file in zip(rows, files, strict=True):
        x = studio().model.draw(PROMPT, steps=row["steps"], guidance=1.0, seed=7)
        found = np.array(Image.open(file))
        assert np.abs(found.astype(int) - to_arrays(x)[0]).max() <= 1
        assert read_settings(file)["steps"] == row["steps"]
        read = studio().reader.read(x)
        seen = {name: values[int(read[name][0])] for name, values in ATTRIBUTES.items()}
        assert row["right"] == [name for name, value in row["asked"].items() if seen[name] == value]


def test_the_endpoint_refuses_in_a_sentence(client):
    with pytest.raises(AppError, match="at most 5 values"):
        client.predict("a", "seed", list("123456"), api_name="/compare")


# --- the question ---
def readings(ears: int) -> torch.Tensor:
    """Made up: eight seeds whose ears change last before reading `ears`, and all else never."""
    found = torch.zeros(compare_ask.STEPS + 1, compare_ask.SEEDS, len(ATTRIBUTES), dtype=torch.long)
    found[:ears, :, list(ATTRIBUTES).index("ears")] = 1
    return found


@pytest.mark.parametrize(
    ("ears", "right", "words"),
    [(0, 0, "by step 1"), (5, 1, "by step 6"), (19, 3, "by step 20"), (20, 3, "at the end")],
)
def test_the_verdict_is_what_was_read(ears, right, words):
    answers = list(compare_ask.ANSWERS)
    for k, answer in enumerate(answers):
        said = compare_ask.verdict(answer, readings(ears))
        assert ("So it is" in said) == (k == right)
        assert f"have their ears decided {words}." in said


def test_half_of_the_seeds_decide():
    found = readings(3)
    found[:7, :4, list(ATTRIBUTES).index("ears")] = 1  # four of the eight are later
    assert compare_ask.halves(found)["ears"] == 4
    found[:7, :5, list(ATTRIBUTES).index("ears")] = 1
    assert compare_ask.halves(found)["ears"] == 8


def test_the_question_is_answered_by_running():
    said, film = last(compare_ask.work(next(iter(compare_ask.ANSWERS))))
    assert said.startswith("You said: step 1–5.")
    clip = json.loads(film)
    assert clip["frames"] == compare_ask.STEPS + 1
    ends = [layer["name"] for layer in clip["panels"][1]["layers"]]
    assert ends == list(compare_ask.SHOWN)
    with pytest.raises(gr.Error, match="Your answer must be one of"):
        compare_ask.check("sometime")
