"""Draws critters with Pillow: flat shapes, soft light, four times supersampled.

All lengths are in 1/64ths of the picture's width, so the same drawing works at any size. Features are at
least 3 such units thick: at 64×64 pixels an autoencoder that shrinks eight-fold can still keep them.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageOps

from tutorial.data.critters import Critter

SUPERSAMPLING = 4
UNITS = 64

Colour = tuple[int, int, int]
Point = tuple[float, float]

BODY_COLOURS: dict[str, Colour] = {
    "red": (226, 68, 62),
    "orange": (246, 146, 50),
    "yellow": (252, 212, 66),
    "green": (98, 186, 88),
    "blue": (64, 132, 228),
    "purple": (146, 92, 208),
    "pink": (248, 142, 190),
    "white": (244, 242, 236),
}
INK: Colour = (44, 36, 56)
PAPER: Colour = (255, 255, 255)
ROSE: Colour = (240, 92, 110)
CRIMSON: Colour = (168, 20, 48)
WOOL: Colour = (66, 78, 140)
GOLD: Colour = (255, 202, 40)
RIM: Colour = (196, 138, 12)

# half width, half height, exponent of the superellipse |x/a|^n + |y/b|^n = 1
BODIES = {
    "round": (17.5, 16.5, 2.1),
    "tall": (13.5, 19.0, 2.5),
    "wide": (22.0, 14.5, 2.3),
    "square": (16.5, 16.0, 6.0),
}
GROUND = 57.0  # where feet stand


def render(critter: Critter, size: int = 64) -> Image.Image:
    """Draws a critter as an RGB picture of `size` × `size` pixels.

    Raises ValueError unless 16 ≤ size ≤ 1024.
    """
    if not 16 <= size <= 1024:
        raise ValueError(f"size must lie between 16 and 1024 pixels; got {size}.")
    canvas = _scenery(critter.background, size * SUPERSAMPLING).copy()
    canvas = _slide(canvas, critter.drift * size * SUPERSAMPLING / UNITS)
    _Artist(canvas, critter).draw()
    return canvas.reduce(SUPERSAMPLING)


class _Artist:
    """Pen in hand: draws one critter on a canvas, in coordinates whose origin is the critter's feet."""

    def __init__(self, canvas: Image.Image, critter: Critter) -> None:
        self.canvas, self.critter = canvas, critter
        self.pen = ImageDraw.Draw(canvas)
        self.zoom = critter.scale * canvas.width / UNITS
        self.origin = ((32 + critter.x) * canvas.width / UNITS, (GROUND + critter.y) * canvas.width / UNITS)
        self.half_width, self.half_height, self.exponent = BODIES[critter.body]
        self.top = -2 * self.half_height - 1.5  # of the head; feet are at 0
        self.middle = self.top + self.half_height
        self.eye_line = self.top + 2.0 + 0.5 * self.half_height
        self.mouth_line = self.eye_line + (9.4 if critter.eyes == "single" else 7.6)
        self.base = BODY_COLOURS[critter.colour]
        self.shade = _mix(self.base, INK, 0.28)

    def draw(self) -> None:
        """Paints from back to front."""
        self._shadow()
        self._feet()
        self._ears_behind()
        self._body()
        self._mouth()
        self._cheeks()
        self._neck()
        self._eyes()
        self._floppy_ears()
        self._hat()

    # --- shapes, in units around the feet ---
    def _at(self, points: list[Point]) -> list[Point]:
        return [(self.origin[0] + self.zoom * x, self.origin[1] + self.zoom * y) for x, y in points]

    def _disc(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        self.pen.ellipse(self._at([(x - rx, y - ry), (x + rx, y + ry)]), fill=fill)

    def _shape(self, points: list[Point], fill: Colour) -> None:
        self.pen.polygon(self._at(points), fill=fill)

    def _stroke(self, points: list[Point], width: float, fill: Colour) -> None:
        self.pen.line(self._at(points), fill=fill, width=round(self.zoom * width), joint="curve")
        for x, y in (points[0], points[-1]):
            self._disc(x, y, width / 2, width / 2, fill)

    def _arc(self, x: float, y: float, rx: float, ry: float, bend: float, fill: Colour = INK) -> None:
        """A stroke along half an ellipse; bend +1 hangs down like a smile, −1 stands up."""
        angles = np.linspace(0, math.pi, 17)
        self._stroke([(x + rx * math.cos(a), y + bend * ry * math.sin(a)) for a in angles], 3.0, fill)

    # --- parts ---
    def _shadow(self) -> None:
        mask = Image.new("L", self.canvas.size)
        pen = ImageDraw.Draw(mask)
        for grow, alpha in ((1.16, 26), (1.02, 52), (0.86, 78)):
            width = grow * self.half_width
            pen.ellipse(self._at([(-width, -3.2 * grow), (width, 3.2 * grow)]), fill=alpha)
        self.canvas.paste(INK, mask=mask)

    def _feet(self) -> None:
        for side in (-1, 1):
            self._disc(side * 0.45 * self.half_width, -1.8, 5.0, 3.0, self.shade)

    def _body(self) -> None:
        outline = _superellipse(self.half_width, self.half_height, self.exponent)
        outline = self._at([(x, y + self.middle) for x, y in outline])
        left, top = (math.floor(min(c)) for c in zip(*outline, strict=True))
        right, bottom = (math.ceil(max(c)) + 1 for c in zip(*outline, strict=True))
        box = (right - left, bottom - top)

        mask = Image.new("L", box)
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in outline], fill=255)
        light = Image.radial_gradient("L").crop((40, 64, 256, 256)).resize(box)  # lit from above left
        highlight, shadow = _mix(self.base, PAPER, 0.34), _mix(self.base, INK, 0.22)
        skin = ImageOps.colorize(light, highlight, shadow, mid=self.base, midpoint=110)
        self._pattern(skin, (left, top))
        self.canvas.paste(skin, (left, top), mask)

    def _pattern(self, skin: Image.Image, corner: tuple[int, int]) -> None:
        painter = _Artist(skin, self.critter)
        painter.zoom, painter.origin = self.zoom, (self.origin[0] - corner[0], self.origin[1] - corner[1])
        w, h = self.half_width, self.half_height
        dark = _mix(self.base, INK, 0.34)
        pale = (250, 206, 170) if self.critter.colour == "white" else _mix(self.base, PAPER, 0.72)
        if self.critter.pattern == "spots":
            for x, y, r in (
                (-0.72, -0.52, 3.4),
                (0.74, -0.5, 3.4),
                (-0.6, 0.62, 3.6),
                (0.62, 0.6, 3.6),
                (0.02, 0.88, 3.0),
            ):
                painter._disc(x * w, self.middle + y * h, r, r, dark)
        elif self.critter.pattern == "stripes":
            for y in (-0.74, 0.5, 0.94):
                bow = [(x * w, self.middle + (y + 0.14 * (1 - x * x)) * h) for x in np.linspace(-1.1, 1.1, 15)]
                painter._stroke(bow, 3.6, dark)
        elif self.critter.pattern == "belly":
            painter._disc(0, self.middle + 0.74 * h, 0.68 * w, 0.5 * h, pale)

    def _ears_behind(self) -> None:
        kind, w = self.critter.ears, self.half_width
        inner = _mix(self.base, (255, 120, 150), 0.62)
        for side in (-1, 1):
            x = side * 0.62 * w
            if kind == "long":
                slant = side * 2.6
                self._stroke([(x * 0.9, self.top + 6), (x + slant, self.top - 9)], 7.0, self.base)
                self._stroke([(x * 0.9, self.top + 3), (x + slant, self.top - 8.6)], 3.2, inner)
            elif kind == "round":
                self._disc(x * 1.18, self.top + 2.2, 6.2, 6.2, self.base)
                self._disc(x * 1.18, self.top + 2.2, 3.4, 3.4, inner)
            elif kind == "pointy":
                outer, tip = x + side * 4.6, x + side * 3.4
                self._shape(
                    [(x - side * 5.5, self.top + 5), (tip, self.top - 9), (outer + side, self.top + 11)], self.base
                )
                self._shape(
                    [
                        (x - side * 2.0, self.top + 4),
                        (tip - side * 0.4, self.top - 4.6),
                        (outer - side * 1.4, self.top + 7),
                    ],
                    inner,
                )
            elif kind == "antennae":
                self._stroke([(x * 0.8, self.top + 4), (x * 1.05, self.top - 6)], 3.0, self.shade)
                self._disc(x * 1.05, self.top - 7.5, 3.4, 3.4, self.base)

    def _floppy_ears(self) -> None:
        if self.critter.ears == "floppy":
            for side in (-1, 1):
                x = side * (self.half_width - 0.5)
                lobe = [
                    (x + side * (1.2 + dx), self.middle - 0.42 * self.half_height + dy)
                    for dx, dy in _superellipse(4.2, 8.6, 2.2)
                ]
                self._shape(lobe, _mix(self.base, INK, 0.42))

    def _eyes(self) -> None:
        y, kind = self.eye_line, self.critter.eyes
        if kind == "single":
            self._disc(0, y, 6.4, 6.4, INK)
            self._disc(0, y, 5.4, 5.4, PAPER)
            self._disc(0, y + 0.4, 3.2, 3.2, INK)
            self._disc(1.2, y - 1.0, 1.2, 1.2, PAPER)
            return
        for side in (-1, 1):
            x = side * 6.2
            if kind == "dots":
                self._disc(x, y, 2.5, 3.0, INK)
                self._disc(x + 0.7, y - 1.0, 1.0, 1.0, PAPER)
            elif kind == "big":
                self._disc(x, y, 5.4, 5.6, INK)
                self._disc(x, y, 4.5, 4.7, PAPER)
                self._disc(x - side * 0.6, y + 0.5, 2.6, 2.8, INK)
            else:
                self._arc(x, y - 0.6, 3.2, 2.4, +1)

    def _mouth(self) -> None:
        y, mood = self.mouth_line, self.critter.mood
        if mood == "smiling":
            self._arc(0, y - 0.8, 4.6, 3.2, +1)
        elif mood == "sad":
            self._arc(0, y + 2.6, 4.4, 3.2, -1)
        elif mood == "surprised":
            self._disc(0, y + 1.0, 2.9, 3.4, INK)
        else:
            grin = [(5.4 * math.cos(a), y - 1.4 + 6.2 * math.sin(a)) for a in np.linspace(0, math.pi, 17)]
            self._shape(grin, INK)
            self._disc(0, y + 2.6, 2.8, 1.9, ROSE)

    def _cheeks(self) -> None:
        if self.critter.cheeks == "red":
            warm = self.critter.colour in ("red", "pink", "orange")
            for side in (-1, 1):
                x = side * min(11.4, self.half_width - 3.2)
                self._disc(x, self.eye_line + 5.8, 3.2, 2.5, CRIMSON if warm else ROSE)

    def _neck(self) -> None:
        y = max(self.middle + 0.5 * self.half_height, self.mouth_line + 6.2)  # never over the mouth
        kind = self.critter.neck
        if kind == "scarf":
            rise = abs(y - self.middle) / self.half_height  # the scarf is as wide as the body at its height
            edge = max(0.5, (1 - rise**self.exponent)) ** (1 / self.exponent) * self.half_width
            self._shape([(5.5, y), (11, y), (12, y + 8.5), (6.5, y + 8.5)], _mix(WOOL, INK, 0.25))
            self._stroke([(x * edge, y + 1.4 * (1 - x * x)) for x in np.linspace(-1, 1, 9)], 4.8, WOOL)
        elif kind == "bow tie":
            y += 0.8
            for side in (-1, 1):
                self._shape([(0, y), (side * 7.4, y - 4.2), (side * 7.4, y + 4.2)], CRIMSON)
            self._disc(0, y, 2.3, 2.5, _mix(CRIMSON, INK, 0.4))

    def _hat(self) -> None:
        y, kind = self.top + 2.0, self.critter.hat
        if kind == "crown":
            self._shape(
                [(-7.5, y + 1), (-8.5, y - 8), (-4, y - 4), (0, y - 9.5), (4, y - 4), (8.5, y - 8), (7.5, y + 1)], GOLD
            )
            self._stroke([(-6.6, y + 0.2), (6.6, y + 0.2)], 3.0, RIM)
        elif kind == "top hat":
            self._shape([(-6, y), (-6.6, y - 11), (6.6, y - 11), (6, y)], INK)
            self._shape([(-6.1, y - 1), (-6.3, y - 4.6), (6.3, y - 4.6), (6.1, y - 1)], (214, 60, 70))
            self._stroke([(-9.5, y + 0.2), (9.5, y + 0.2)], 3.0, INK)
        elif kind == "party hat":
            self._shape([(-7, y + 1), (0, y - 14), (7, y + 1)], (64, 196, 190))
            self._shape([(-5.3, y - 2.6), (-3.6, y - 6.2), (5.3, y - 2.6), (6.4, y - 0.2)], (255, 240, 120))
            self._disc(0, y - 13, 2.6, 2.6, (255, 110, 160))
        elif kind == "woolly hat":
            cap = [(9.4 * math.cos(a), y + 0.5 - 9.5 * math.sin(a)) for a in np.linspace(0, math.pi, 17)]
            self._shape(cap, (46, 134, 124))
            self._stroke([(-8.4, y + 0.6), (8.4, y + 0.6)], 4.0, (236, 228, 206))
            self._disc(0, y - 9.8, 3.2, 3.2, (236, 228, 206))
        elif kind == "flower":
            x, y = 5.0, y - 0.6
            for k in range(5):
                a = 2 * math.pi * k / 5 - math.pi / 2
                self._disc(x + 4.0 * math.cos(a), y + 4.0 * math.sin(a), 3.1, 3.1, (255, 92, 168))
            self._disc(x, y, 2.7, 2.7, (255, 224, 80))


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    return tuple(round(p + share * (q - p)) for p, q in zip(a, b, strict=True))  # type: ignore[return-value]


@functools.cache
def _superellipse(a: float, b: float, n: float) -> list[Point]:
    angles = np.linspace(0, 2 * math.pi, 72, endpoint=False)
    c, s = np.cos(angles), np.sin(angles)
    x, y = a * np.sign(c) * np.abs(c) ** (2 / n), b * np.sign(s) * np.abs(s) ** (2 / n)
    return list(zip(x.tolist(), y.tolist(), strict=True))


# --- scenery: sky colours above and below, ground, height of the horizon ---
SCENERY: dict[str, tuple[Colour, Colour, Colour, Colour]] = {
    "meadow": ((138, 206, 245), (222, 242, 250), (132, 204, 106), (96, 172, 84)),
    "desert": ((250, 226, 170), (255, 244, 214), (226, 178, 112), (200, 146, 84)),
    "sunset": ((104, 76, 150), (255, 160, 112), (120, 70, 110), (88, 50, 92)),
    "night": ((24, 28, 66), (62, 70, 124), (44, 56, 84), (30, 40, 64)),
    "snow": ((170, 194, 216), (222, 230, 238), (240, 246, 252), (206, 220, 236)),
    "sea": ((70, 186, 206), (28, 110, 160), (214, 196, 146), (180, 158, 110)),
}
MARGIN = 8  # units of scenery beyond each side, so that it can slide


@functools.lru_cache(maxsize=32)
def _scenery(name: str, width: int) -> Image.Image:
    """The backdrop of a place, `MARGIN` units wider than the picture on both sides."""
    high, low, ground, deep = SCENERY[name]
    unit = width / UNITS
    wide = round((UNITS + 2 * MARGIN) * unit)
    vertical = Image.linear_gradient("L")
    image = ImageOps.colorize(vertical.resize((wide, width)), high, low)
    pen = ImageDraw.Draw(image)

    def disc(x: float, y: float, r: float, fill: Colour, flat: float = 1.0) -> None:
        x += MARGIN
        pen.ellipse([(x - r) * unit, (y - r * flat) * unit, (x + r) * unit, (y + r * flat) * unit], fill=fill)

    if name == "meadow":
        for x, y, r in ((10, 13, 5), (16, 11, 6), (22, 14, 4.5), (52, 18, 4.5), (58, 17, 5.5)):
            disc(x, y, r, (250, 253, 255), 0.72)
    elif name == "desert":
        disc(53, 12, 7, (255, 190, 90))
    elif name == "sunset":
        disc(12, 42, 12, (255, 214, 120))
    elif name == "night":
        moon, shade = Image.new("L", image.size), Image.new("L", image.size)
        for mask, x, y, r in ((moon, 53, 12, 6.5), (shade, 50, 10.5, 5.6)):
            box = [((x + sx * r + MARGIN) * unit, (y + sx * r) * unit) for sx in (-1, 1)]
            ImageDraw.Draw(mask).ellipse(box, fill=255)
        image.paste((250, 240, 200), mask=ImageChops.subtract(moon, shade))
        for x, y in ((8, 9), (24, 6), (4, 27), (60, 32), (14, 19)):
            disc(x, y, 1.6, (236, 234, 214))
    elif name == "snow":
        for x, y in ((6, 8), (18, 16), (30, 5), (45, 9), (58, 18), (5, 30), (60, 36)):
            disc(x, y, 2.0, (250, 252, 255))
    elif name == "sea":
        for x, y, r in ((7, 30, 2.6), (10, 20, 2.0), (57, 26, 3.0), (54, 14, 2.2)):
            disc(x, y, r, (160, 226, 236))
    x = np.linspace(0, wide, 65)
    hill = (50 - 2.2 * np.sin(x / unit / 15 + len(name))) * unit
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).polygon([*zip(x.tolist(), hill.tolist(), strict=True), (wide, width), (0, width)], fill=255)
    lawn = ImageOps.colorize(vertical.resize((wide, round(16 * unit))), ground, deep)
    floor = Image.new("RGB", image.size, ground)
    floor.paste(lawn, (0, width - lawn.height))
    image.paste(floor, mask=mask)
    return image


def _slide(scenery: Image.Image, shift: float) -> Image.Image:
    width = scenery.height
    left = round((scenery.width - width) / 2 + shift)
    return scenery.crop((left, 0, left + width, width))
