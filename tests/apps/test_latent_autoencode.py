"""The lab "through the autoencoder": its endpoint, its pictures, its question, and what it refuses."""

from __future__ import annotations

import base64
import io
import json

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from torch.distributions import Normal, kl_divergence

from apps.tabs.latent.autoencode import lab as autoencode
from apps.tabs.latent.autoencode import pictures as autoencode_pictures
from apps.tabs.latent.autoencode import question as autoencode_question
from apps.tabs.latent.autoencode import scale as autoencode_scale
from apps.tabs.latent.autoencode.scene import DEFAULTS, GRAFTS, PAIRS, Scene, autoencoder, check, sizes, staged
from apps.tabs.latent.source import OWN, SIDE, WORDS
from tests.alone import alone
from tests.apps.gan_stage import floats, titles
from tests.apps.test_pictures import png_of_size
from tests.work import last
from tutorial.data.critter_art import render
from tutorial.data.critters import EVALUATION_SEED, any_critter
from tutorial.data.pixels import from_image, to_arrays, to_signed

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def client():
    with alone(autoencode.lab) as address:
        yield Client(address, verbose=False)


@pytest.fixture(scope="module")
def scene(one_thread_throughout) -> Scene:
    return staged(check(**DEFAULTS))


@pytest.fixture(autouse=True)
def few_factors(monkeypatch):
    """Sixteen pictures are enough of those that a clip of scaled channels has."""
    monkeypatch.setattr(autoencode_pictures, "FACTORS", [-2.0, 0.0, 1.0, 3.0])


@pytest.fixture
def saved(tmp_path):
    """Writes a picture, or other content, and gives its path."""

    def go(content, kind: str = "PNG", **options) -> str:
        path = tmp_path / f"mine.{kind.lower()}"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.save(path, kind, **options)
        return str(path)

    return go


def fresh(seed: int, **asked: str) -> torch.Tensor:
    return to_signed(from_image(render(any_critter(EVALUATION_SEED + seed, **asked))))[None]


def png(file) -> np.ndarray:
    return np.array(Image.open(file["path"] if isinstance(file, dict) else file))


def decibels(x: torch.Tensor, y: torch.Tensor) -> float:
    return 10 * np.log10(4 / np.mean((x.double().numpy() - y.double().numpy()) ** 2))


def test_a_critter_goes_through_the_encoder_and_comes_back(client):
    file, latent, numbers, channels = client.predict(seed=7, api_name="/autoencode")
    x = fresh(7)
    mean, logvar = autoencoder().encode(x)
    y = autoencoder().decode(mean).clamp(-1, 1)
    assert np.allclose(latent, mean[0], atol=1e-4)
    assert numbers["psnr"] == pytest.approx(decibels(x, y), abs=0.01)
    assert np.abs(png(file).astype(int) - to_arrays(y)[0]).max() <= 1
    kl = kl_divergence(Normal(mean, (0.5 * logvar).exp()), Normal(0.0, 1.0)).sum((0, 2, 3))
    assert numbers["kl"] == pytest.approx(kl.sum().item(), rel=1e-4)
    assert [row["kl"] for row in channels] == pytest.approx(kl.tolist(), rel=1e-4)
    assert [row["mean"] for row in channels] == pytest.approx(mean[0].mean((1, 2)).tolist(), abs=1e-4)
    assert all(0 < row["sigma_min"] <= row["sigma_mean"] <= row["sigma_max"] for row in channels)
    assert numbers["picture_bytes"] == 64 * 64 * 3
    assert (numbers["float32_bytes"], numbers["float16_bytes"]) == (4 * 256, 2 * 256)
    buffer = io.BytesIO()
    Image.fromarray(to_arrays(x)[0]).save(buffer, "PNG")
    assert numbers["png_bytes"] == buffer.tell()


def test_a_description_overrides_what_the_seed_says(client):
    _, latent, _, _ = client.predict(seed=7, description="a white one at night", api_name="/autoencode")
    mean = autoencoder().encode(fresh(7, colour="white", background="night"))[0]
    assert np.allclose(latent, mean[0], atol=1e-4)


def test_channels_are_swapped_and_then_scaled(client):
    _, before, _, _ = client.predict(seed=7, api_name="/autoencode")
    _, after, _, _ = client.predict(
        seed=7, swap="channels 1 and 3", scales=[2, 1, 0, -1], other=3, api_name="/autoencode"
    )
    before, after = np.array(before), np.array(after)
    assert np.allclose(after, [2 * before[2], before[1], 0 * before[0], -before[3]], atol=1e-4)
    _, grafted, _, _ = client.predict(
        seed=7, swap="channel 2 with the other critter’s", other=3, api_name="/autoencode"
    )
    assert np.allclose(grafted[1], autoencoder().encode(fresh(3))[0][0, 1], atol=1e-4)
    assert np.allclose(np.delete(grafted, 1, 0), np.delete(before, 1, 0), atol=1e-4)


def test_a_picture_of_ones_own_is_cropped_scaled_and_encoded(client, saved):
    wide = Image.new("RGB", (300, 100), "white")
    wide.paste((200, 30, 30), (90, 0, 210, 100))  # the middle square, and a little more
    _, latent, numbers, _ = client.predict(picture=handle_file(saved(wide)), api_name="/autoencode")
    red = to_signed(torch.tensor([200, 30, 30], dtype=torch.uint8))[:, None, None].expand(1, 3, SIDE, SIDE)
    assert np.allclose(latent, autoencoder().encode(red)[0][0], atol=1e-3)
    assert numbers["psnr"] > 5
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    _, latent, _, _ = client.predict(picture=handle_file(saved(clear, "WEBP")), api_name="/autoencode")
    assert np.allclose(latent, autoencoder().encode(torch.ones(1, 3, SIDE, SIDE))[0][0], atol=1e-3)


def moving() -> bytes:
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")  # as the app does; pytest has its own
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"hello", "no undamaged picture"),
        (png_of_size(13_000, 13_000), "no undamaged picture"),
        (png_of_size(5000, 10), "must have 8 to 4,096 pixels"),
        (moving(), "This picture moves"),
    ],
    ids=["text", "a bomb", "large", "animated"],
)
def test_files_that_are_no_still_picture_are_refused_in_a_sentence(client, saved, content, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(picture=handle_file(saved(content)), api_name="/autoencode")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"seed": -1}, "The critter’s seed must be between"),
        ({"seed": 2**31 - 1}, "The critter’s seed must be between"),
        ({"seed": "one"}, "The critter’s seed must be a number"),
        ({"other": 1.5}, "The other critter’s seed must be a whole number"),
        ({"description": "a steam engine"}, "No word of this description"),
        ({"description": "x" * 30_000}, "may have at most"),
        ({"description": 5}, "must be a text"),
        ({"scales": [1, 1, 1]}, "a list of 4 numbers"),
        ({"scales": "all"}, "a list of 4 numbers"),
        ({"scales": [1, 1, 4, 1]}, "The scale of channel 3 must be between"),
        ({"scales": [1, None, 1, 1]}, "The scale of channel 2 must be a number"),
        ({"swap": "all"}, "The swap must be one of"),
        ({"picture": {"path": "/etc/passwd"}}, "uploaded file"),
        ({"picture": "/etc/passwd"}, "uploaded file"),
    ],
    ids=str,
)
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/autoencode")


def test_one_picture_of_ones_own_is_needed_and_no_link_brings_it():
    with pytest.raises(gr.Error, match="Drop a picture of yours first"):
        check(**DEFAULTS | {"source": OWN})
    assert check(**DEFAULTS | {"source": WORDS}).source.asked == {"colour": "blue", "hat": "crown"}


def sheet(layer: dict) -> np.ndarray:
    """The pictures of a clip's image layer, (tiles, 64, 64, 3)."""
    whole = np.array(Image.open(io.BytesIO(base64.b64decode(layer["data"]))).convert("RGB"))
    rows = whole.reshape(-1, SIDE, layer["columns"], SIDE, 3).swapaxes(1, 2)
    return rows.reshape(-1, SIDE, SIDE, 3)[: layer["tiles"]]


def layers(clip: str, panel: int) -> list[dict]:
    return json.loads(clip)["panels"][panel]["layers"]


def near(pixels: np.ndarray, x: torch.Tensor) -> bool:
    """Whether a tile is this picture, as closely as lossy WebP keeps it: two critters are some 70 levels apart."""
    return float(np.abs(pixels.astype(float) - to_arrays(x)[0]).mean()) < 8


def test_the_way_there_and_back_begins_at_the_mean(scene):
    clip = last(autoencode_pictures.there_and_back(scene))
    whole = json.loads(clip)
    assert whole["start"] == 0
    assert whole["labels"][0].startswith("z = μ: ")
    assert whole["labels"][2].startswith("z = μ + 2 σ ξ: ")
    heights = [float(label.split(": ")[1].removesuffix(" dB")) for label in whole["labels"]]
    assert heights[0] - heights[1] < 2  # a draw, as in training, is nearly as good
    assert heights[-1] < heights[0] - 5  # σ is small, not nothing
    assert np.array_equal(sheet(layers(clip, 0)[0]), to_arrays(scene.x))  # without loss: here every level counts
    y = autoencoder().decode(scene.found.mean).clamp(-1, 1)
    assert np.abs(sheet(layers(clip, 2)[0])[0].astype(int) - to_arrays(y)[0]).max() <= 1
    assert len(clip) < 300_000


def test_a_change_is_decoded_and_said(scene):
    wish = check(**DEFAULTS | {"scale1": 0.0, "swap": "channels 2 and 4"})
    changed = staged(wish)
    clip = last(autoencode_pictures.there_and_back(changed))
    assert "Changed: swapped channels 2 and 4, channel 1 × 0.00." in json.loads(clip)["note"]
    z = scene.found.mean[:, [0, 3, 2, 1]].clone()
    z[:, 0] = 0
    assert near(sheet(layers(clip, 2)[0])[0], autoencoder().decode(z).clamp(-1, 1))
    text, shown, *others = last(autoencode.changing((wish, False)))
    assert shown == clip
    assert "and from the changed latent with" in text
    assert not any(isinstance(other, str) for other in others)
    assert len(PAIRS) == 6
    assert len(GRAFTS) == 4


def test_the_costs_of_this_picture_are_drawn_after_the_answer(scene):
    before, after = (last(autoencode_pictures.each_channel(scene, answered)) for answered in (False, True))
    assert len(titles(before)) == 4
    assert titles(after)[4] == "what it costs"
    one = autoencode_pictures.FACTORS.index(1)
    assert json.loads(before)["start"] == one
    curves = np.stack([floats(layer)[0] for layer in layers(after, 4)])
    expected = decibels(scene.x, autoencoder().decode(scene.found.mean).clamp(-1, 1))
    assert curves[:, one, 1] == pytest.approx([expected] * 4, abs=0.01)
    gone = scene.found.mean.clone()
    gone[:, 2] = 0
    y = autoencoder().decode(gone).clamp(-1, 1)
    zero = autoencode_pictures.FACTORS.index(0)
    assert curves[2, zero, 1] == pytest.approx(decibels(scene.x, y), abs=0.01)
    assert near(sheet(layers(before, 2)[0])[zero], y)
    assert len(before) < 500_000


def test_mixed_latents_and_mixed_pixels_share_their_ends(scene):
    clip = last(autoencode_pictures.between(scene))
    mixed, pixels = (sheet(layers(clip, k)[0]) for k in (0, 1))
    for end, found in ((0, scene.found), (-1, scene.other)):
        y = autoencoder().decode(found.mean).clamp(-1, 1)
        assert near(mixed[end], y)
        assert near(pixels[end], y)
    edges = [floats(layer)[0, :, 1] for layer in layers(clip, 2)]
    assert edges[0][[0, -1]] == pytest.approx(edges[1][[0, -1]], rel=1e-4)
    middle = len(edges[0]) // 2
    assert edges[1][middle] < 0.75 * edges[0][middle]  # two ghosts
    assert f"mixed pixels {edges[1][middle] / edges[1][[0, -1]].mean():.0%}" in json.loads(clip)["note"]


def test_off_the_map_the_reader_knows_nothing_again(scene):
    clip = last(autoencode_pictures.off_the_map(scene))
    sure, same = ([floats(layer)[0, :, 1] for layer in layers(clip, k)] for k in (2, 3))
    assert [row[0] for row in sure] == pytest.approx([sure[0][0]] * 2, abs=1e-4)
    assert [row[0] for row in same] == [1.0, 1.0]
    assert same[1][-1] < 0.5  # in a random direction
    assert all(row[-1] < row[0] for row in sure)


def test_scales_are_compared_with_the_one_that_was_learned(scene):
    clip = last(autoencode_scale.rescaling(scene))
    theirs, ours, unit, moving = (floats(layer)[..., 1] for layer in layers(clip, 0))
    assert theirs - unit == pytest.approx(20 * np.log10(1 / 0.18215), abs=0.01)
    assert np.abs(ours - unit).max() < 1  # this autoencoder's latents need it little
    assert moving[autoencode_scale.MIDDLE] == pytest.approx(unit[0], abs=1e-3)
    assert np.allclose(np.diff(moving, axis=0), 20 * np.log10(2**0.5), atol=0.01)
    decoded, redrawn = (floats(layer)[0, :, 1] for layer in layers(clip, 3))
    middle = autoencode_scale.MIDDLE
    assert decoded[middle] == 1
    assert decoded[0] < 0.8
    assert redrawn[0] < redrawn[middle]
    assert "0.18" in json.loads(clip)["note"]
    assert "5.49" in json.loads(clip)["note"]


def test_a_run_fills_everything_in_order():
    filled = [[], []]
    for part in autoencode.work((check(**DEFAULTS | {"seed": 11}), False)):
        if part is not None:
            filled[0].append(part[0])
            filled[1].append([k for k, one in enumerate(part[1:]) if isinstance(one, str)])
    assert filled[1] == [[k] for k in range(len(autoencode.PICTURES))]
    assert filled[0][0].endswith(" dB: 1 of 6 parts")
    assert filled[0][-1].endswith(" s of computing.")
    assert all(line.startswith("Critter 11 comes back with a PSNR of ") for line in filled[0])


def test_the_answer_is_what_the_critters_say(monkeypatch):
    monkeypatch.setattr(autoencode_question, "ASKED", 6)
    said = [part for part in autoencode_question.answering((check(**DEFAULTS), "channel 2")) if part is not None]
    assert said[0][0] == "4 of 6 critters"
    text, _, clip = said[-1]
    assert "what it costs" in titles(clip)
    lost = []
    for x in map(fresh, range(6)):
        mean = autoencoder().encode(x)[0]
        heights = [decibels(x, autoencoder().decode(mean).clamp(-1, 1))]
        for c in range(4):
            gone = mean.clone()
            gone[:, c] = 0
            heights.append(decibels(x, autoencoder().decode(gone).clamp(-1, 1)))
        lost.append(heights[0] - np.array(heights[1:]))
    worst = int(np.mean(lost, 0).argmax())
    assert text.startswith(f"You said: channel 2. It is channel {worst + 1}, in ")
    assert f"in {sum(int(row.argmax()) == worst for row in lost)} of 6 critters" in text
    assert f"channel 4 {np.mean(lost, 0)[3]:.1f} ± {np.std(lost, 0, ddof=1)[3]:.1f} dB" in text
    with pytest.raises(gr.Error, match="Your answer must be one of"):
        autoencode.asked("all", *DEFAULTS.values(), None)


def test_bytes_are_told_with_what_comes_back(scene):
    by_name = {name: (taken, db) for name, taken, db in sizes(scene)}
    assert by_name["the picture, 8 bits a number"] == (12288, float("inf"))
    full, half, small = (by_name[f"the latent, in {form}"] for form in ("float32", "float16", "8 bits"))
    assert (full[0], half[0], small[0]) == (1024, 512, 264)
    assert half[1] == pytest.approx(full[1], abs=0.1)
    assert small[1] == pytest.approx(full[1], abs=0.5)
