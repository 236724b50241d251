"""The lab "edit": its films and rows are what the tutorial draws, its masks what was drawn, and what it refuses."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from apps.tabs.latent.edit import ask as edit_ask
from apps.tabs.latent.edit import lab as edit
from apps.tabs.latent.edit import pictures as edit_pictures
from apps.tabs.latent.edit import wish as edit_wish
from apps.tabs.latent.edit import work as edit_work
from apps.tabs.latent.edit.wish import DEFAULTS, KINDS, MASKS, PICTURES, cells, ready, stroke, written
from apps.tabs.latent.edit.work import Look
from apps.tabs.latent.source import OWN, SEED
from apps.tabs.latent.studio import studio
from tests.alone import alone
from tests.apps.gan_stage import floats
from tests.work import last
from tutorial.data.critter_art import render
from tutorial.data.critters import ATTRIBUTES, EVALUATION_SEED, any_critter
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.editing import Settings, img2img, latent_of
from tutorial.networks.autoencoder import reconstruct

pytestmark = pytest.mark.usefixtures("one_thread")
QUICK = DEFAULTS | {"steps": 3, "guidance": 1.0}
NOTHING, EVERYTHING = "0" * 16, "f" * 16


@pytest.fixture(scope="module")
def client():
    with alone(edit.lab) as address:
        yield Client(address, verbose=False)


# --- sources and masks ---
def test_the_source_is_the_critter_of_a_seed_with_what_is_described():
    wish = edit.check(**QUICK | {"description": "a sad red one with a crown", "critter": 5})
    critter = any_critter(EVALUATION_SEED + 5, colour="red", mood="sad", hat="crown")
    assert np.array_equal(wish.pixels, np.array(render(critter)))
    by_seed = edit.check(**QUICK | {"source": SEED, "critter": 5})
    assert np.array_equal(by_seed.pixels, np.array(render(any_critter(EVALUATION_SEED + 5))))


def test_a_visitors_picture_is_its_middle_square(tmp_path):
    path = tmp_path / "wide.png"
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[:, 32:96] = 200
    Image.fromarray(pixels).save(path)
    wish = edit.check(**QUICK | {"source": OWN}, picture=str(path))
    assert wish.pixels.shape == (64, 64, 3)
    assert (wish.pixels == 200).all()


def test_masks_travel_as_digits():
    mask = np.random.default_rng(0).random((8, 8)) < 0.5
    assert (cells(written(mask)) == mask).all()
    assert written(np.eye(8, dtype=bool)) == "8040201008040201"  # a row in two digits, the first cell the highest bit
    assert cells(None).tolist() == cells(ready(next(iter(MASKS)))).tolist()
    assert ready("upper half: hat and ears") == "ffffffff00000000"
    assert ready("left half") == "f0" * 8
    assert (ready("nothing"), ready("everything")) == (NOTHING, EVERYTHING)


def test_a_stroke_marks_the_cells_on_its_way_and_one_from_a_marked_cell_clears_them():
    along = stroke(NOTHING, [[0.01, 0.3], [0.99, 0.3]])
    assert cells(along).sum() == 8
    assert cells(along)[2].all()  # 0.3 · 8 is in the third row
    assert stroke(along, [[0.99, 0.3], [0.5, 0.3]]) == written(cells(along) & (np.arange(8) < 4))
    point = stroke(NOTHING, [[1.0, 1.0]])
    assert cells(point).nonzero() == (np.array([7]), np.array([7]))
    assert stroke(point, [[1.0, 1.0]]) == NOTHING


@pytest.mark.parametrize("points", [None, [], [[0.5]], [[0.5, math.nan]], [[0.5, 1.5]], "draw", [[0, 0]] * 501])
def test_what_is_no_stroke_is_refused(points):
    with pytest.raises(gr.Error):
        stroke(NOTHING, points)


def test_the_canvas_takes_strokes_where_there_is_a_mask():
    clip = json.loads(edit_pictures.canvas(edit.check(**QUICK)))
    assert clip["panels"][0]["takes"] == "points"
    assert clip["note"].startswith("32 of 64 cells")
    other = json.loads(edit_pictures.canvas(edit.check(**QUICK | {"kind": "strength"})))
    assert "takes" not in other["panels"][0]


# --- films ---
@pytest.mark.parametrize("kind", KINDS.values())
def test_every_kind_of_edit_shows_a_film_that_a_page_can_take(kind):
    parts = [part for part in edit.work(edit.check(**QUICK | {"kind": kind})) if part is not None]
    films = [json.loads(film) for _, film, _ in parts if isinstance(film, str)]
    assert [film["frames"] for film in films] == ([4] if kind == "inpaint" else list(range(1, 12)))
    assert all(len(film) < 500_000 for _, film, _ in parts if isinstance(film, str))
    assert "computing" in parts[-1][0]
    assert films[-1]["note"]


def test_at_strength_zero_a_strip_shows_the_autoencoders_copy_and_at_others_what_img2img_draws():
    wish = edit.check(**QUICK | {"kind": "strength", "seed": 6})
    looks = [look for look in edit_work.strengths(wish, [0.0, 0.7]) if look is not None]
    copy = reconstruct(studio().model.autoencoder, wish.x)
    assert (looks[0].x - copy).abs().max() < 1e-3
    z0 = latent_of(studio().model, wish.x)
    *_, step = img2img(studio().model, z0, wish.prompt, wish.settings, strength=0.7, seed=6, n=PICTURES)
    assert torch.equal(looks[1].z, step.x_next)
    assert [look.steps for look in looks] == [0, 2]


def test_what_is_kept_is_measured_on_what_source_and_prompt_want_otherwise():
    """Made-up readings: half of the pictures have the source's colour, none the prompt's, and all else is as it was."""
    wish = edit.check(**QUICK | {"kind": "strength", "prompt": edit_ask.PROMPT})
    assert set(edit_pictures.contested(wish)) == {"colour"}
    has = edit_pictures.source_labels(wish)
    rows = has.repeat(PICTURES, 1)
    column = list(ATTRIBUTES).index("colour")
    rows[:2, column] = ATTRIBUTES["colour"].index("pink")
    nothing = torch.zeros(PICTURES, 4, 8, 8)
    curves = {
        name: y.tolist() for name, _, y in edit_pictures.kept(wish, [Look(0.5, 1, nothing, nothing, nothing, rows)])
    }
    assert curves == {
        "all ten as in the source": [pytest.approx(0.95)],
        "colour: as in the source": [0.5],
        "colour: as asked": [0.0],
    }


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_part_is_redrawn_and_the_rest_kept(rounds):
    wish = edit.check(**QUICK | {"rounds": rounds})
    steps = list(edit_work.stepped(wish))
    assert len(steps) == 3 * rounds
    found = last(edit_work.painted(wish, steps))
    assert torch.equal(found.z[-1:, :, 4:], found.z0[:, :, 4:])
    assert torch.equal(found.mended[-1:, :, 32:], wish.x[:, :, 32:])
    assert torch.equal(found.mended[-1:, :, :32], found.x[-1:, :, :32])
    assert "the largest difference is 0." in edit_pictures.mended(wish, found)
    assert edit_pictures.mended(replace(wish, mask=cells(EVERYTHING)), found) == "No cell is kept."


def test_at_strength_zero_nothing_is_redrawn():
    wish = edit.check(**QUICK | {"strength": 0})
    assert list(edit_work.stepped(wish)) == []
    found = last(edit_work.painted(wish, []))
    assert torch.equal(found.z, found.z0)


def test_the_ends_of_both_ways_are_what_the_seeds_draw():
    wish = edit.check(**QUICK | {"kind": "variations", "seed": 3, "other_seed": 9})
    looks = [look for look in edit_work.strip(wish, [0.0, 0.5, 1.0]) if look is not None]
    for look, seed in ((looks[0], 3), (looks[-1], 9)):
        x = studio().model.draw(wish.prompt, steps=3, guidance=1.0, seed=seed)
        assert (look.x - x).abs().max() < 0.01
    arc, line = looks[1].loudness
    assert line < 0.85 < arc
    drawn = json.loads(edit_pictures.film(wish, looks))["panels"][-1]["layers"]
    assert floats(drawn[1])[0, 1, 1] == pytest.approx(line, abs=1e-5)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim"])
def test_the_ends_of_a_way_between_prompts_are_theirs(sampler):
    """With a sampler that draws noise on its way too: the same at every share."""
    own = {"kind": "prompts", "sampler": sampler, "eta": 1.0, "prompt": "a red one", "other": "a blue one at night"}
    wish = edit.check(**QUICK | own)
    looks = [look for look in edit_work.strip(wish, [0.0, 1.0]) if look is not None]
    for look, prompt in zip(looks, ("a red one", "a blue one at night"), strict=True):
        x = studio().model.draw(prompt, steps=3, guidance=1.0, sampler=sampler, eta=1.0, seed=wish.seed)
        assert (look.x - x).abs().max() < 0.01


BAD = [
    ({"kind": "paint"}, "What to do must be one of"),
    ({"source": "a house"}, "The picture must be one of"),
    ({"source": OWN}, "Drop a picture of yours first"),
    ({"description": "a car"}, "No word of this description"),
    ({"critter": -1}, "The critter’s seed must be between"),
    ({"mask": "ff"}, "The mask must have 16 digits"),
    ({"mask": "g" * 16}, "The mask must have 16 digits"),
    ({"mask": "f" * 17}, "The mask must have 16 digits"),
    ({"mask": 7}, "The mask must be a text"),
    ({"strength": 1.1}, "The strength must be between"),
    ({"strength": math.nan}, "The strength must be a number"),
    ({"rounds": 6}, "Rounds must be between"),
    ({"steps": 51}, "Steps must be between 1 and 50"),
    ({"other_seed": 2**31}, "The other seed must be between"),
    ({"sampler": "magic"}, "The sampler must be one of"),
    ({"other": "a" * 20_001}, "at most 20000"),
]


@pytest.mark.parametrize(("values", "sentence"), BAD)
def test_bad_values_are_refused_in_a_sentence(values, sentence):
    with pytest.raises(gr.Error, match=sentence):
        edit.check(**QUICK | values)


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    path = tmp_path / "text.png"
    path.write_text("no picture")
    with pytest.raises(gr.Error, match="no undamaged picture"):
        edit.check(**QUICK | {"source": OWN}, picture=str(path))


# --- the endpoint ---
def test_the_endpoint_changes_a_picture_that_is_sent(client, tmp_path):
    path = tmp_path / "mine.png"
    render(any_critter(EVALUATION_SEED + 1)).save(path)
    said, rows, files = client.predict(
        "strength", "a blue one", at=[0, 1], picture=handle_file(path), steps=2, guidance=1, seed=4, api_name="/edit"
    )
    assert said == "2 of 2"
    assert [(row["at"], row["steps"]) for row in rows] == [(0, 0), (1, 2)]
    assert len(files) == 2 * PICTURES
    assert min(rows[0]["psnr"]) > max(rows[1]["psnr"])
    wish = edit.check(
        **QUICK | {"source": OWN, "kind": "strength", "prompt": "a blue one", "steps": 2}, picture=str(path)
    )
    z0 = latent_of(studio().model, wish.x)
    settings = Settings(steps=2, guidance=1.0)
    *_, step = img2img(studio().model, z0, "a blue one", settings, strength=1, seed=4, n=PICTURES)
    expected = to_arrays(studio().model.decode(step.x_next))
    found = np.stack([np.array(Image.open(file)) for file in files[PICTURES:]])
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_the_endpoint_redraws_a_part(client):
    answer = client.predict("inpaint", "a crown", mask="f0" * 8, steps=2, guidance=1, api_name="/edit")
    _, (row,), files = answer
    moved = np.array(row["moved"])
    assert (moved[:, 4:] == 0).all()
    assert (moved[:, :4] > 0).all()
    source = np.array(render(any_critter(EVALUATION_SEED)))
    assert (np.array(Image.open(files[1]))[:, 32:] == source[:, 32:]).all()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"kind": "magic"}, "What to do must be one of"),
        ({"at": [2]}, "Each of strengths must be between"),
        ({"at": []}, "Strengths must be a list of 1 to 11"),
        ({"picture": "/etc/passwd"}, "The picture must be an uploaded file"),
    ],
)
def test_the_endpoint_refuses_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**{"kind": "strength", "prompt": "a"} | values, api_name="/edit")


# --- the question ---
def looks(colours: list[list[str]]) -> list[Look]:
    """Made up: at each strength in tenths the colours of the pictures."""
    nothing, column = torch.zeros(PICTURES, 4, 8, 8), list(ATTRIBUTES).index("colour")
    found = []
    for k, names in enumerate(colours):
        rows = torch.zeros(PICTURES, len(ATTRIBUTES), dtype=torch.long)
        rows[:, column] = torch.tensor([ATTRIBUTES["colour"].index(name) for name in names])
        found.append(Look(k / 10, k, nothing, nothing, nothing, rows))
    return found


def test_the_colour_is_lost_from_where_most_pictures_stay_without_it():
    old, half, new = ["yellow"] * 4, ["yellow", "yellow", "blue", "blue"], ["yellow", "blue", "blue", "blue"]
    assert edit_ask.lost(looks([old, new, half, new, new])) == 0.3
    assert edit_ask.lost(looks([old, new, half])) is None
    for strength, answer in ((3, "0.1 to 0.3"), (4, "0.4 to 0.6"), (8, "0.7 or 0.8"), (10, "0.9 or 1")):
        said = edit_ask.verdict(answer, looks([old] * strength + [new]))
        assert "So it is" in said
        assert f"from strength {edit_wish.labels([strength / 10])[0]} on" in said
    assert "It is another: at no strength" in edit_ask.verdict("0.9 or 1", looks([old]))


def test_the_question_speaks_of_what_the_reader_reads():
    wish = edit_ask.asked()
    assert set(edit_pictures.contested(wish)) == {"colour"}
    colour = edit_pictures.source_labels(wish)[list(ATTRIBUTES).index("colour")]
    assert ATTRIBUTES["colour"][colour] == edit_ask.HAS
