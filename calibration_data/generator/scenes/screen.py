"""Screens: chats, lists and dialogs, sharp and flat, as screenshots show them."""

from __future__ import annotations

import cv2

from calibration_data.generator.degradation import compressed
from calibration_data.generator.layers import Layer
from calibration_data.generator.lettering import Lettering
from calibration_data.generator.printer import Printer
from calibration_data.generator.randomness import between, chance, whole
from calibration_data.generator.surfaces import colour, contrasting, filled, photograph, vivid
from calibration_data.generator.texts import Kind

ROWS: tuple[Kind, ...] = (
    "sentence", "title", "feature", "mixed", "english sentence", "date", "contact", "number", "run", "menu", "symbols"
)  # fmt: skip


def screen(printer: Printer, height: int, width: int) -> Layer:
    """A title bar and rows: bubbles of a chat, entries of a list with a small picture, plain lines."""
    random = printer.random
    ground = colour(random, (0, 0.1), (0.9, 1.0)) if chance(random, 0.75) else colour(random, (0, 0.3), (0.05, 0.2))
    page = Layer.opaque(filled(height, width, ground))
    size = whole(random, 16, 28)
    bar = vivid(random) if chance(random, 0.5) else ground
    cv2.rectangle(page.colour, (0, 0), (width, 2 * size), bar, -1)
    title = printer.line(("title", "capitals", "brand"), printer.lettering(size, bar, 90), ("plain",), 0.6 * width)
    page.place(title, (width - title.width) / 2, size - title.height / 2)
    y = 2.8 * size
    while y < height - 2 * size:
        y += _row(printer, page, y, size) + between(random, 0.4, 1.0) * size
    if chance(random, 0.4):
        page.colour = compressed(page.colour, whole(random, 50, 90))
    return page


def _row(printer: Printer, page: Layer, y: float, size: int) -> float:
    """One row at height `y`; returns how high it is."""
    random = printer.random
    ground = page.colour[min(int(y), page.height - 1), 1]
    shade = (int(ground[0]), int(ground[1]), int(ground[2]))
    x = between(random, 0.02, 0.2) * page.width
    bubble = chance(random, 0.5)
    if bubble:
        shade = colour(random, (0.1, 0.7), (0.75, 1.0))
    elif chance(random, 0.4):
        page.place(Layer.opaque(photograph(random, 2 * size, 2 * size)), 6, y)
        x = 2 * size + 16.0
    lettering = Lettering(size, contrasting(random, shade, 110))
    line = printer.line(ROWS, lettering, ("plain",), page.width - x - size)
    if bubble:
        corner = (int(x + line.width + size), int(y + line.height + 0.6 * size))
        cv2.rectangle(page.colour, (int(x), int(y)), corner, shade, -1)
        page.place(line, x + size / 2, y + 0.3 * size)
        return line.height + 0.6 * size
    page.place(line, x, y)
    return float(line.height)
