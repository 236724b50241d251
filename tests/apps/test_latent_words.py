"""The lab "what the words do": its pictures and arms, what it says of them, its endpoint, and what it refuses."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from apps import limits, wiring
from apps.pictures import read_settings
from apps.tabs.latent.draw.wish import bring_back
from apps.tabs.latent.studio import studio
from apps.tabs.latent.words import lab as words
from apps.tabs.latent.words import pictures as words_pictures
from apps.tabs.latent.words import work as words_work
from apps.tabs.latent.words.pictures import ALL, Drawn, Looked
from apps.tabs.latent.words.work import AS_IT_IS, LEFT_OUT, WEIGHTED, Progress, check
from tests.alone import alone
from tests.apps.gan_stage import floats, titles
from tests.browser.drawing import EVIL
from tests.work import last
from tutorial.data.critters import ATTRIBUTES
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import looking
from tutorial.diffusion.looking import END, START, token_weights

pytestmark = pytest.mark.usefixtures("one_thread")
PROMPT = "a blue one with a crown"
QUICK = words.DEFAULTS | {"steps": 3, "n": 1, "seed": 2}
NAMES = [START, "a", "blue", "one", "with", "a (2)", "crown", END]


@pytest.fixture(scope="module")
def client():
    with alone(words.lab) as address:
        yield Client(address, verbose=False)


@pytest.fixture(scope="module")
def quick(one_thread_throughout) -> Progress:
    """The three arms of a run of three steps."""
    return last(words_work.drawn(check(**QUICK)))


@pytest.fixture
def looked(quick) -> Looked:
    assert quick.looked is not None
    return quick.looked


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture).astype(int)


def test_the_endpoint_gives_each_words_maps_and_the_pictures_of_three_arms(client):
    said, rows, arms, files = client.predict(PROMPT, "crown", steps=3, seed=2, api_name="/attention")
    assert said.startswith("With the word × 0 the reader sees ")
    assert [row["word"] for row in rows] == NAMES
    model = studio().model
    ones = token_weights(model.tokenizer.length, (), 1)
    found = [maps for _, maps in looking.sample(model, PROMPT, ones, steps=3, seed=2)]
    for side in (8, 4):
        mean = torch.stack([maps[side][0] for maps in found]).mean(0)
        for row in rows:
            expected = mean[row["tokens"]].sum(0)
            assert np.allclose(row["maps"][f"{side}×{side}"], expected, atol=1e-4)
    for resolution in (ALL, "8×8", "4×4"):
        total = np.sum([row["maps"][resolution] for row in rows], axis=0)
        assert np.allclose(total, 1, atol=1e-5)
    assert sum(row["share"] for row in rows) == pytest.approx(1, abs=1e-5)
    assert [arm["arm"] for arm in arms] == [AS_IT_IS, WEIGHTED, LEFT_OUT]
    assert [arm["prompt"] for arm in arms] == [PROMPT, PROMPT, "a blue one with a"]
    assert all(arm["sees"][0].keys() == ATTRIBUTES.keys() for arm in arms)
    assert [Path(file).name for file in files] == ["as-it-is-2.png", "weighted-2.png", "left-out-2.png"]


def test_pictures_as_they_are_are_those_of_the_drawing_lab(client):
    """And carry the settings with which that draws them; a weighted one carries none."""
    *_, files = client.predict(PROMPT, "blue", weight=1, steps=4, seed=5, n=2, api_name="/attention")
    assert len(files) == 6
    drawn = to_arrays(studio().model.draw(PROMPT, steps=4, seed=5, n=2)).astype(int)
    for k in range(2):
        assert abs(pixels(files[k]) - drawn[k]).max() <= 2
        assert abs(pixels(files[2 + k]) - drawn[k]).max() <= 2  # at weight 1 as well
    settings = read_settings(files[5])
    assert (settings["prompt"], settings["seed"], settings["n"]) == ("a one with a crown", 6, 1)
    assert bring_back(files[5])[0] == "a one with a crown"
    with pytest.raises(gr.Error, match="carries no settings"):
        read_settings(files[2])


def test_start_and_end_have_no_arm_without_them(client):
    said, _, arms, files = client.predict(PROMPT, END, steps=2, api_name="/attention")
    assert [arm["arm"] for arm in arms] == [AS_IT_IS, WEIGHTED]
    assert len(files) == 2
    assert "left out" not in said


def test_the_film_shows_the_shares_of_each_step_and_their_mean(looked):
    crown = looked.words[6]
    film = json.loads(words_pictures.film(looked, crown, "4×4"))
    assert film["frames"] == 4
    assert film["labels"][-1] == "mean of all steps"
    assert titles(json.dumps(film))[1] == "looked up: “crown”"
    heat = film["panels"][2]["layers"][0]
    codes = np.frombuffer(base64.b64decode(heat["data"]), np.uint8).reshape(heat["shape"])
    shares = np.stack([maps[4][0, 6].numpy() for maps in looked.maps])
    low, high = heat["range"]
    shown, step = (low + codes / 254 * (high - low)) / 100, (high - low) / 254 / 100
    assert (low, high) == pytest.approx((100 * shares.min(), 100 * shares.max()))
    assert np.allclose(shown[:3], shares, atol=step)
    assert np.allclose(shown[3], shares.mean(0), atol=step)
    course = {layer["name"]: floats(layer)[0, :, 1] for layer in film["panels"][3]["layers"]}
    assert list(course) == ["“crown”", START, END, "the other words"]
    assert np.allclose(course["“crown”"], 100 * shares.mean((1, 2)), atol=1e-3)
    assert np.allclose(sum(course.values()), 100, atol=1e-3)


def test_a_picture_is_grey_and_orange_where_its_word_is_looked_up():
    pictures = np.full((1, 8, 8, 3), 200, np.uint8)
    pictures[..., 0] = 20
    heat = np.zeros((1, 2, 2), np.float32)
    heat[0, 0, 1] = 1  # upper right
    tinted = words_pictures.tinted(pictures, heat)[0].astype(int)
    assert np.ptp(tinted[7, 0]) == 0
    assert tinted[7, 0, 0] == 140  # the mean of 20, 200 and 200
    cover = words_pictures.OPAQUE
    assert tinted[0, 7].tolist() == [round(cover * hue + (1 - cover) * 140) for hue in words_pictures.TINT]


def test_all_words_stand_in_the_strip_with_their_share(looked):
    strip = words_pictures.strip(looked)
    shown = titles(strip)
    assert [title.split(" · ")[0] for title in shown] == NAMES
    shares = [float(title.split(" · ")[1].rstrip("%")) for title in shown]
    assert sum(shares) == pytest.approx(100, abs=0.05 * len(shares) + 0.01)


def test_arms_are_shown_beside_each_other_from_the_same_noises(quick, looked):
    clip = words_pictures.side_by_side(quick.arms, 2, looked.times)
    assert titles(clip) == ["as it is", "“crown” × 0", "without “crown” in the prompt"]
    assert json.loads(clip)["frames"] == 4
    assert "the noise of seed 2" in json.loads(clip)["note"]
    assert len(words_pictures.film(looked, looked.words[6], ALL)) < 520_000


def test_pictures_of_a_sheet_stand_in_rows():
    four = np.stack([np.full((5, 6, 3), k, np.uint8) for k in range(4)])
    sheet = words_pictures.sheet(four, 2)
    gap = words_pictures.GAP
    assert sheet.shape == (10 + gap, 12 + gap, 3)
    assert sheet[0, 0, 0] == 0
    assert sheet[0, -1, 0] == 1
    assert sheet[-1, 0, 0] == 2
    assert words_pictures.sheet(four[:3], 2).shape == sheet.shape
    assert words_pictures.sheet(four, 4).shape == (5, 24 + 3 * gap, 3)


def made(name: str, *hats: str, colour: str = "blue") -> Drawn:
    """An arm in whose pictures the reader sees these hats."""
    usual = {attribute: values[0] for attribute, values in ATTRIBUTES.items()} | {"colour": colour}
    sees = [usual | {"hat": hat} for hat in hats]
    return Drawn(name, name, PROMPT, torch.zeros(1), torch.zeros(len(hats), 1), sees)


def test_what_is_said_of_the_arms_is_what_the_reader_saw():
    arms = [
        made(AS_IT_IS, "crown", "crown"),
        made(WEIGHTED, "crown", "none"),
        made(LEFT_OUT, "none", "flower", colour="red"),
    ]
    wish, now = replace(check(**QUICK), weight=-0.5), Progress("", arms, seconds=1.2)
    wish = replace(wish, drawing=replace(wish.drawing, n=2))
    said = words_work.told(wish, now)
    assert said == (
        "With the word × −0.5 the reader sees 0.5 of 10 attributes otherwise, with the word left out of the prompt 2 "
        "(means over 2 pictures, each from one noise in all arms). 1.2 s."
    )
    table = words_work.compared(arms).splitlines()
    assert table[0] == "| the reader sees | as it is | word weighted | word left out |"
    assert table[2:4] == [
        "| colour | 2 blue | 2 blue | 2 red |",
        "| hat | 2 crown | 1 crown, 1 none | 1 flower, 1 none |",
    ]
    assert table[-1].startswith("In the other 8 attributes")
    verdict = words.verdict("it stays", now)
    assert verdict.startswith("You said: it stays. The reader sees a crown in 2 of 2 pictures as it is, in 1 with the")
    assert "and in 0 with the word left out" in verdict
    assert words_work.compared([arms[0], arms[0]]) == "The reader sees the same in all of them."


def test_the_answer_puts_the_question_into_the_controls_and_draws_it(monkeypatch):
    monkeypatch.setattr(words, "DEFAULTS", QUICK)
    parts = [part for part in words.answered("it goes") if part is not None]
    assert list(parts[0][6:]) == list(QUICK.values())
    assert all(value == gr.skip() for part in parts[1:] for value in part[6:])
    text, *_, arms, table, _ = parts[-1][:6]
    assert text.startswith("You said: it goes. The reader sees a crown in ")
    assert len(titles(arms)) == 3
    assert "the reader sees" in table.lower()
    with pytest.raises(gr.Error, match="Your answer must be one of"):
        words.answer("perhaps")


def test_a_new_run_ends_the_one_before():
    visitor = gr.Request(session_hash="an impatient visitor")
    run = wiring.as_it_goes(words.work, check, words.LAB, pictures=5, afresh=True)
    first, second = (run(visitor, *(QUICK | {"steps": steps}).values()) for steps in (50, 2))
    next(first)
    assert last(second)[0].startswith("With the word × 0 the reader sees")
    assert last(first)[0].endswith("then stopped.")


def test_another_word_is_looked_at_without_drawing_again(looked):
    film = words.look_again(looked, "blue", "8×8")
    assert film == words_pictures.film(looked, looked.words[2], "8×8")
    with pytest.raises(gr.Error, match="drawn from another prompt"):
        words.look_again(looked, "hat", ALL)
    with pytest.raises(gr.Error, match="The resolution must be one of"):
        words.look_again(looked, "blue", "3×3")


def test_the_words_of_what_is_typed_are_offered():
    assert words.offered(PROMPT, "crown") == gr.update(choices=NAMES, value="crown")
    assert words.offered("a red hat.", "crown")["value"] == "hat"
    assert words.offered("", "crown") == gr.update(choices=[START, END], value=START)


def test_nothing_that_a_visitor_wrote_is_said_as_markup():
    *parts, end = (part for part in words.work(check(**QUICK | {"prompt": EVIL, "word": "img"})) if part is not None)
    for part in [*parts, end]:
        assert "img" not in str(part[0])
        assert "img" not in str(part[4])
    assert "“img” × 0" in titles(end[3])


def test_a_run_that_was_stopped_gives_no_half_of_the_arms():
    visitor = gr.Request(session_hash="a visitor of the words")
    run = words.attention(visitor, PROMPT, "crown", steps=50)
    next(run)
    limits.stop(visitor)
    with pytest.raises(gr.Error, match="was stopped"):
        list(run)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"word": "hat"}, "The word must be one of the prompt’s that are read"),
        ({"prompt": 7}, "The prompt must be a text"),
        ({"weight": 5}, "The weight must be between"),
        ({"weight": float("nan")}, "The weight must be a number"),
        ({"steps": 51}, "Steps must be between"),
        ({"guidance": 0}, "Guidance must be between"),
        ({"seed": -1}, "The seed must be between"),
        ({"n": 5}, "The number of pictures must be between"),
    ],
)
def test_bad_values_are_refused_in_a_sentence(values, sentence):
    with pytest.raises(gr.Error, match=sentence):
        next(words.attention(gr.Request(session_hash="another"), **{"prompt": PROMPT, "word": "crown"} | values))


def test_a_program_is_told_so_too(client):
    with pytest.raises(AppError, match="The word must be one of"):
        client.predict(PROMPT, "hat", api_name="/attention")
