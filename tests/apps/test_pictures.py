"""Pictures that carry their settings, and files that do not."""

from __future__ import annotations

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from apps.pictures import KEY, png_bytes, read_settings, served
from apps.tabs.latent.draw.wish import SIDE, alone, bring_back, check
from tutorial import weights

PIXELS = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
WISH = check("a blue one — 🦄 <b>", "night", 30, 4.5, "ddim", 0.25, 7, 3, SIDE)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_size(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_saved_picture_brings_back_the_settings_that_draw_it_alone(tmp_path):
    path = tmp_path / "critter.png"
    path.write_bytes(png_bytes(PIXELS, alone(WISH, 2)))
    assert np.array_equal(np.array(Image.open(path)), PIXELS)
    assert bring_back(path) == ["a blue one — 🦄 <b>", "night", 30, 4.5, "ddim", 0.25, 9, 1, SIDE]


def test_a_picture_from_when_there_was_but_one_size_has_that_size(tmp_path):
    path = tmp_path / "critter.png"
    path.write_bytes(png_bytes(PIXELS, {name: value for name, value in alone(WISH, 0).items() if name != "side"}))
    assert bring_back(path)[-1] == str(weights.SIDE)


@pytest.mark.parametrize(
    "change",
    [{"steps": 10**9}, {"sampler": ["ddim"]}, {"seed": "abc"}, {"prompt": {"a": 1}}, {"side": 96}, {"side": None}],
)
def test_settings_amiss_are_refused_in_a_sentence(tmp_path, change):
    path = tmp_path / "critter.png"
    path.write_bytes(png_bytes(PIXELS, alone(WISH, 0) | change))
    with pytest.raises(gr.Error, match="must be"):
        bring_back(path)


FOREIGN = {
    "another PNG": png_bytes(PIXELS),
    "cut off": png_bytes(PIXELS, {"prompt": "a"})[:60],
    "empty": b"",
    "text": b"hello",
    "not JSON": None,
    "a list": None,
    "deep JSON": None,
    "a bomb of 13,000 × 13,000": png_of_size(13_000, 13_000),
    "a bomb of 2³¹ − 1 each way": png_of_size(2**31 - 1, 2**31 - 1),
    "a text that unpacks to 100 MB": b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + chunk(b"zTXt", KEY.encode() + b"\0\0" + zlib.compress(b"a" * 10**8))
    + chunk(b"IEND", b""),
}


@pytest.mark.parametrize("kind", [*FOREIGN, "a CMYK JPEG", "an animation", "1 × 1"])
def test_a_foreign_file_is_refused_in_a_sentence(tmp_path, kind):
    path = tmp_path / "file"
    if kind == "a CMYK JPEG":
        Image.new("CMYK", (8, 8)).save(path, "JPEG")
    elif kind == "an animation":
        Image.new("RGB", (8, 8)).save(path, "GIF", save_all=True, append_images=[Image.new("RGB", (8, 8), "red")])
    elif kind == "1 × 1":
        Image.new("L", (1, 1)).save(path, "PNG")
    elif FOREIGN[kind] is not None:
        path.write_bytes(FOREIGN[kind])
    else:
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt(KEY, {"not JSON": "{", "a list": "[1]", "deep JSON": "[" * 50_000}[kind])
        Image.fromarray(PIXELS).save(path, "PNG", pnginfo=info)
    with pytest.raises(gr.Error, match="carries no settings"):
        read_settings(path)


def test_a_picture_that_many_save_at_once_is_never_half_there():
    png = png_bytes(np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8))

    def save_and_read(_: int) -> bytes:
        return Path(served(png, "one.png")).read_bytes()

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(save_and_read, range(200))) == {png}
