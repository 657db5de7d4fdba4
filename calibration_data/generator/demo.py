"""The picture that the documentation reads: a tea house with its sign, a tin, a menu board and a receipt.

Unlike the scenes, every text has its chosen place; only the textures come from the random stream.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from calibration_data.generator.arrays import Pixels, Reals, blurred, reals
from calibration_data.generator.degradation import sensor_noise, toned
from calibration_data.generator.fonts import CALIBRATION_FONTS, Typeface
from calibration_data.generator.layers import Layer, Quad, rectangle
from calibration_data.generator.lettering import Lettering, set_line
from calibration_data.generator.randomness import Random, whole
from calibration_data.generator.surfaces import BLACK, WHITE, Colour, filled, lit, mixed, noise, ramp, textured

HEIGHT, WIDTH = 720, 960
OVERSAMPLING = 2
"""Everything is drawn this many times larger and then shrunk, for smooth edges."""

CREAM: Colour = (205, 232, 244)
GOLD: Colour = (110, 196, 235)
DARK_GREEN: Colour = (42, 62, 30)
TEA_RED: Colour = (38, 40, 168)
INK: Colour = (48, 44, 42)


def demo(random: Random) -> Layer:
    """The picture with its labels, (720, 960)."""
    page = Layer.opaque(_wall(random))
    page.project(_shade(_sign(random)), _corners(150, 64, 1500, 420))
    page.project(_sign(random), _corners(140, 50, 1500, 420))
    table_top = 980
    page.place(Layer.opaque(_table(random, OVERSAMPLING * HEIGHT - table_top, OVERSAMPLING * WIDTH)), 0, table_top)
    for body, quad in (
        (_board(random), reals([[90, 560], [650, 572], [636, 1200], [74, 1180]])),
        (_tin(random), _corners(760, 600, 440, 640)),
        (_receipt(random), reals([[1310, 570], [1800, 596], [1770, 1350], [1250, 1320]])),
    ):
        page.project(_shade(body), quad + reals((26, 22)))
        page.project(body, quad)
    page.colour = lit(page.colour, _light(page))
    return _finished(random, page)


def _finished(random: Random, page: Layer) -> Layer:
    """The picture in its final size, through a good camera."""
    shrink = np.diag((1 / OVERSAMPLING, 1 / OVERSAMPLING, 1.0))
    items = page.warped(shrink, WIDTH, HEIGHT).items
    colour = np.asarray(cv2.resize(page.colour, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
    colour = sensor_noise(random, toned(colour, 1.08, -0.01, 0.95, (0.96, 1.0, 1.0)), 2.0)
    return replace(Layer.opaque(colour), items=items)


def _typeface(file: str) -> Typeface:
    return next(typeface for typeface in CALIBRATION_FONTS if typeface.file.endswith(file))


def _write(layer: Layer, text: str, font: str, size: int, fill: Colour, y: float, *, x: float | None = None) -> None:
    """Put a line on the layer, centred unless `x` is given."""
    line = set_line(text, _typeface(font), Lettering(size, fill))
    layer.place(line, (layer.width - line.width) / 2 if x is None else x, y)


def _corners(x: float, y: float, width: float, height: float) -> Quad:
    """An upright rectangle seen very slightly from the left."""
    lower, higher = (0.0, 0.012 * width), (0.0, -0.012 * width)
    return rectangle(x, y, width, height) + reals([(0.0, 0.0), lower, higher, (0.0, 0.0)])


def _shade(body: Layer) -> Layer:
    """The soft shadow of a thing: its outline, dark and half transparent."""
    return Layer(np.zeros_like(body.colour), (blurred(body.alpha, 9) * 0.45).astype(np.uint8))


def _wall(random: Random) -> Pixels:
    """Grey-green bricks."""
    height, width = OVERSAMPLING * HEIGHT, OVERSAMPLING * WIDTH
    picture = filled(height, width, (128, 140, 136))
    course, length = 76, 190
    for row, y in enumerate(range(0, height, course)):
        for x in range(-length * (row % 2) // 2, width, length):
            tone = whole(random, -16, 14)
            brick = (104 + tone, 120 + tone, 118 + tone + whole(random, -4, 8))
            cv2.rectangle(picture, (x + 4, y + 4), (x + length - 4, y + course - 4), brick, -1)
    return blurred(textured(random, picture, 0.12, 60), 1.5)


def _table(random: Random, height: int, width: int) -> Pixels:
    """Planks, darker towards the wall."""
    grain = noise(random, height, width // 16, 20, 0.8)
    grain = reals(cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC))
    planks = mixed((44, 66, 104), (92, 128, 176), grain)
    for y in (120, 262):
        cv2.line(planks, (0, y), (width, y), (30, 44, 66), 5)
    return lit(planks, (0.65 + 0.4 * ramp(height, width, np.pi / 2)).astype(np.float32))


def _sign(random: Random) -> Layer:
    """Gilded characters on a dark green board."""
    sign = Layer.opaque(textured(random, filled(420, 1500, DARK_GREEN), 0.08, 50))
    cv2.rectangle(sign.colour, (16, 16), (1483, 403), GOLD, 5)
    _write(sign, "春风里茶楼", "NotoSerifCJK-Bold.ttc", 178, GOLD, 48)
    _write(sign, "SPRING BREEZE TEA HOUSE", "LiberationSerif-Regular.ttf", 62, CREAM, 262)
    _write(sign, "营业时间 9:00-21:30", "NotoSansCJK-Regular.ttc", 44, CREAM, 336)
    return sign


def _board(random: Random) -> Layer:
    """A chalk board in a wooden frame."""
    board = Layer.opaque(textured(random, filled(640, 570, (52, 54, 50)), 0.25, 120))
    cv2.rectangle(board.colour, (0, 0), (569, 639), (70, 104, 150), 28)
    _write(board, "今日推荐", "gkai00mp.ttf", 92, (150, 230, 250), 58)
    for row, (dish, price) in enumerate((("芝麻汤圆", "12元"), ("小笼包", "8元"), ("桂花乌龙", "26元"))):
        _write(board, dish, "gkai00mp.ttf", 62, WHITE, 200 + 104 * row, x=60)
        _write(board, price, "gkai00mp.ttf", 62, WHITE, 200 + 104 * row, x=390)
    _write(board, "Free Wi-Fi", "lobster.otf", 66, (170, 220, 170), 524)
    return board


def _tin(random: Random) -> Layer:
    """A round tin of tea, shaded to its sides, with a paper label."""
    height, width = 640, 440
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    tin = Layer.opaque(textured(random, filled(height, width, TEA_RED), 0.04, 80))
    tin.colour[: height // 6] = (60, 66, 182)
    cv2.line(tin.colour, (0, height // 6), (width, height // 6), BLACK, 3)
    label = Layer.opaque(filled(400, 380, CREAM))
    cv2.rectangle(label.colour, (12, 12), (367, 387), TEA_RED, 3)
    _write(label, "云雾", "NotoSerifCJK-Bold.ttc", 128, INK, 34)
    _write(label, "高山绿茶", "NotoSansCJK-Bold.ttc", 58, TEA_RED, 190)
    _write(label, "MOUNTAIN TEA", "RobotoCondensed-Bold.ttf", 44, INK, 272)
    _write(label, "净含量：100克", "NotoSansCJK-Regular.ttc", 38, INK, 330)
    tin.place(label, 30, 170)
    gloss = 1.12 - 0.5 * across**2 + 0.25 * np.exp(-(((across + 0.45) / 0.12) ** 2))
    tin.colour = lit(tin.colour, np.repeat(gloss, height, axis=0).astype(np.float32))
    tin.alpha[:] = 0
    cv2.ellipse(tin.alpha, (width // 2, 26), (width // 2, 26), 0, 0, 360, 255, -1, cv2.LINE_AA)
    cv2.rectangle(tin.alpha, (0, 26), (width, height - 27), 255, -1)
    cv2.ellipse(tin.alpha, (width // 2, height - 27), (width // 2, 26), 0, 0, 360, 255, -1, cv2.LINE_AA)
    return tin


def _receipt(random: Random) -> Layer:
    """A slip from the till."""
    slip = Layer.opaque(textured(random, filled(750, 500, (236, 240, 242)), 0.03, 120))
    _write(slip, "收款收据", "NotoSansCJK-Bold.ttc", 56, INK, 36)
    _write(slip, "No. 20260518-0427", "LiberationMono-Regular.ttf", 36, INK, 128, x=40)
    _write(slip, "2026-05-18 14:32", "LiberationMono-Regular.ttf", 36, INK, 184, x=40)
    cv2.line(slip.colour, (36, 246), (464, 246), INK, 2)
    for row, (item, price) in enumerate((("高山绿茶 ×1", "68.00"), ("芝麻汤圆 ×2", "24.00"), ("Lemon cake", "15.50"))):
        _write(slip, item, "NotoSansCJK-Regular.ttc", 40, INK, 272 + 72 * row, x=40)
        _write(slip, price, "NotoSansCJK-Regular.ttc", 40, INK, 272 + 72 * row, x=346)
    cv2.line(slip.colour, (36, 496), (464, 496), INK, 2)
    _write(slip, "合计：¥107.50", "NotoSansCJK-Bold.ttc", 50, INK, 524, x=40)
    _write(slip, "Thank you!", "LiberationSans-Regular.ttf", 40, INK, 612, x=40)
    _write(slip, "欢迎再次光临", "NotoSansCJK-Regular.ttc", 40, INK, 668, x=40)
    return slip


def _light(page: Layer) -> Reals:
    """Lamplight from above the sign, falling off to the corners."""
    y, x = np.mgrid[0 : page.height, 0 : page.width].astype(np.float32)
    away = np.hypot((x / page.width - 0.5), 0.8 * (y / page.height - 0.3))
    return (1.14 - 0.55 * away**1.5).astype(np.float32)
