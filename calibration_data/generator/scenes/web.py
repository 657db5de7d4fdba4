"""Pictures of a web shop: a product, a large title in colour, stickers, many small lines."""

from __future__ import annotations

import cv2
import numpy as np

from calibration_data.generator.arrays import Pixels, pixels
from calibration_data.generator.degradation import published
from calibration_data.generator.layers import Layer
from calibration_data.generator.printer import EVERYDAY, Printer
from calibration_data.generator.randomness import between, chance, pick, whole
from calibration_data.generator.surfaces import (
    Colour,
    colour,
    filled,
    gradient,
    photograph,
    strew,
    textured,
    thing,
    vivid,
)

ATTEMPTS = 8
"""Tries at finding room for a line before it is left out."""


def product(printer: Printer, height: int, width: int) -> Layer:
    """A product before a light or graded ground, with title, features, price and stickers."""
    random = printer.random
    ground = pick(random, (gradient, gradient, photograph))(random, height, width)
    page = Layer.opaque(ground)
    for _ in range(whole(random, 2, 9)):
        strew(random, page, thing(random, min(height, width)))
    if chance(random, 0.6):
        _add_photograph(printer, page)
    _add_label_on_product(printer, page)
    _add_title(printer, page, whole(random, height // 14, height // 6))
    for _ in range(whole(random, 1, 4)):
        _add_sticker(printer, page)
    _add_lines(printer, page, whole(random, 4, 18))
    page.colour = published(random, page.colour)
    return page


def poster(printer: Printer, height: int, width: int) -> Layer:
    """Mostly text: huge outlined characters, bands of colour, fine print at the bottom."""
    random = printer.random
    page = Layer.opaque(photograph(random, height, width) if chance(random, 0.5) else gradient(random, height, width))
    for _ in range(whole(random, 1, 3)):
        _add_title(printer, page, whole(random, height // 12, height // 4))
    for _ in range(whole(random, 0, 3)):
        _add_band(printer, page)
    _add_lines(printer, page, whole(random, 3, 12))
    _add_fine_print(printer, page)
    page.colour = published(random, page.colour)
    return page


def _put(printer: Printer, page: Layer, line: Layer) -> None:
    """Lay `line` where no other text is; leave it out if no such place is found."""
    for _ in range(ATTEMPTS):
        x = between(printer.random, 0, max(1, page.width - line.width))
        y = between(printer.random, 0, max(1, page.height - line.height))
        if page.is_free(x, y, line.width, line.height):
            page.place(line, x, y)
            return


def _mean_colour(picture: Pixels) -> Colour:
    blue, green, red = picture.reshape(-1, 3).mean(axis=0)
    return int(blue), int(green), int(red)


def _add_title(printer: Printer, page: Layer, size: int) -> None:
    lettering = printer.lettering(size, _mean_colour(page.colour), difference=60, fancy=0.7)
    line = printer.line(("title", "slogan", "mixed", "brand", "shop", "run"), lettering, widest=0.95 * page.width)
    _put(printer, page, line)


def _add_lines(printer: Printer, page: Layer, count: int) -> None:
    """Lines of one size after another down a column, as lists of features are set."""
    random = printer.random
    size = whole(random, 12, 34)
    x, y = between(random, 0.02, 0.6) * page.width, between(random, 0.05, 0.5) * page.height
    for _ in range(count):
        if y > page.height - 1.4 * size:
            break
        window = page.colour[int(y) : int(y + 1.4 * size), int(x) : int(x) + 8 * size]
        lettering = printer.lettering(size, _mean_colour(window), difference=80, fancy=0.1)
        line = printer.line(EVERYDAY, lettering, widest=max(60.0, page.width - x - 4))
        if page.is_free(x, y, line.width, line.height):
            page.place(line, x, y)
        y += line.height + between(random, 0, 0.8) * size


def _add_fine_print(printer: Printer, page: Layer) -> None:
    random = printer.random
    size = whole(random, 10, 15)
    ground = filled(int(size * 1.8), page.width, colour(random, (0, 0.5), (0, 1)))
    strip = Layer.opaque(ground)
    lettering = printer.lettering(size, _mean_colour(ground), difference=90)
    strip.place(printer.line(("sentence", "contact", "address"), lettering, widest=page.width - 8), 4, 2)
    page.place(strip, 0, page.height - strip.height)


def _add_sticker(printer: Printer, page: Layer) -> None:
    """A badge: a round, rounded or slanted patch with a word or a price on it."""
    random = printer.random
    size = whole(random, 14, max(18, page.height // 16))
    shade = vivid(random)
    line = printer.line(("price", "feature", "number", "capitals", "single"), printer.lettering(size, shade, 90))
    pad = size // 2
    badge = Layer(filled(line.height + 2 * pad, line.width + 2 * pad, shade), np.zeros((1, 1), np.uint8))
    badge.alpha = np.zeros(badge.colour.shape[:2], np.uint8)
    middle = (badge.width // 2, badge.height // 2)
    if chance(random, 0.4):
        cv2.ellipse(badge.alpha, middle, middle, 0, 0, 360, 255, -1, cv2.LINE_AA)
    else:
        cv2.rectangle(badge.alpha, (0, 0), (badge.width, badge.height), 255, -1)
    badge.place(line, pad, pad)
    _put(printer, page, badge)


def _add_band(printer: Printer, page: Layer) -> None:
    random = printer.random
    shade = vivid(random)
    band = Layer.opaque(filled(whole(random, 26, max(30, page.height // 8)), page.width, shade))
    lettering = printer.lettering(int(band.height * 0.6), shade, difference=90, fancy=0.2)
    line = printer.line(("slogan", "feature", "english", "price"), lettering, widest=0.9 * page.width)
    band.place(line, between(random, 0, band.width - line.width), (band.height - line.height) / 2)
    y = between(random, 0, page.height - band.height)
    if page.is_free(0, y, band.width, band.height):
        page.place(band, 0, y)


def _add_photograph(printer: Printer, page: Layer) -> None:
    """A second picture set into the page."""
    random = printer.random
    height, width = int(page.height * between(random, 0.25, 0.6)), int(page.width * between(random, 0.25, 0.7))
    inset = Layer.opaque(photograph(random, height, width))
    page.place(inset, between(random, 0, page.width - width), between(random, 0, page.height - height))


def _add_label_on_product(printer: Printer, page: Layer) -> None:
    """A box or bottle with shaded sides and a label of its own."""
    random = printer.random
    width, height = int(page.width * between(random, 0.2, 0.4)), int(page.height * between(random, 0.3, 0.55))
    shade = vivid(random) if chance(random, 0.6) else colour(random, (0, 0.2), (0.7, 1))
    across = np.linspace(-1, 1, width, dtype=np.float32)
    roundness = between(random, 0.2, 0.7)
    body = np.clip(filled(height, width, shade) * (1 - roundness * across**2)[None, :, None], 0, 255)
    pack = Layer.opaque(textured(random, pixels(body), 0.06, 40))
    y = between(random, 0.05, 0.3) * height
    for size in (width // 5, width // 9, width // 14, width // 14):
        lettering = printer.lettering(max(10, size), shade, difference=90)
        line = printer.line(("brand", "feature", "english", "mixed", "number"), lettering, widest=0.9 * width)
        if y + line.height < height:
            pack.place(line, (width - line.width) / 2, y)
        y += line.height * between(random, 1.1, 1.8)
    page.place(pack, between(random, 0, page.width - width), between(random, 0.2, 0.45) * page.height)
