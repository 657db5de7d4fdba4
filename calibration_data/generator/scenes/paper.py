"""Papers: scanned forms, photographed letters, cards and tickets, receipts."""

from __future__ import annotations

import cv2
import numpy as np

from calibration_data.generator.arrays import Pixels, pixels, reals
from calibration_data.generator.degradation import photographed, scanned, uneven_light
from calibration_data.generator.fonts import Genre
from calibration_data.generator.layers import Layer, rectangle
from calibration_data.generator.lettering import Lettering
from calibration_data.generator.printer import Printer
from calibration_data.generator.randomness import Random, between, chance, pick, whole
from calibration_data.generator.surfaces import (
    Colour,
    colour,
    filled,
    gradient,
    noise,
    photograph,
    ramp,
    textured,
    wood,
)
from calibration_data.generator.texts import Kind

PRINT: tuple[Genre, ...] = ("plain", "book", "mono")
CARD_ROWS: tuple[Kind, ...] = ("field", "serial", "date", "address", "field", "number")
TILL_ROWS: tuple[Kind, ...] = (
    "receipt", "receipt", "receipt", "date", "serial", "number", "english field", "field"
)  # fmt: skip
STAMP_RED: Colour = (60, 50, 205)


def form(printer: Printer, height: int, width: int) -> Layer:
    """A scanned form: heading, fields on rules, a table, a stamp; Chinese or English."""
    random = printer.random
    english = chance(random, 0.6)
    page = Layer.opaque(filled(height, width, colour(random, (0, 0.03), (0.92, 1.0))))
    size = whole(random, 13, 18)
    heading: Kind = "english heading" if english else "heading"
    title = printer.line((heading,), _ink(random, int(size * between(random, 1.2, 2))), PRINT, 0.8 * width)
    y = between(random, 0.03, 0.08) * height
    page.place(title, (width - title.width) / 2, y)
    y += 2.2 * title.height
    while y < 0.9 * height:
        block = pick(random, (_fields, _fields, _table, _paragraph))
        y = block(printer, page, y, size, english) + between(random, 0.5, 1.5) * size
    if chance(random, 0.5):
        _stamp(printer, page)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), between(random, -1.2, 1.2), 1.0)
    page = page.warped(np.vstack((turn, (0, 0, 1))), width, height)
    page.colour = scanned(random, page.colour) if chance(random, 0.75) else uneven_light(random, page.colour, 0.2)
    return page


def letter(printer: Printer, height: int, width: int) -> Layer:
    """A page of running text, photographed: curved light, grey paper."""
    random = printer.random
    sheet = Layer.opaque(textured(random, filled(height, width, colour(random, (0, 0.12), (0.75, 1.0))), 0.04, 300))
    size, y = whole(random, 16, 26), 0.05 * height
    while y < 0.93 * height:
        y = _paragraph(printer, sheet, y, size, chance(random, 0.3)) + size
    page = _on_table(random, sheet, height, width)
    page.colour = photographed(random, page.colour)
    return page


def receipt(printer: Printer, height: int, width: int) -> Layer:
    """A long narrow slip from a till, on a table."""
    random = printer.random
    slip_width = int(width * between(random, 0.4, 0.6))
    slip = Layer.opaque(textured(random, filled(height, slip_width, colour(random, (0, 0.06), (0.85, 1.0))), 0.05, 200))
    size = whole(random, 17, 25)
    y = 0.04 * height
    head = printer.line(("shop",), _ink(random, int(size * 1.5)), PRINT, 0.9 * slip_width)
    slip.place(head, (slip_width - head.width) / 2, y)
    y += 1.6 * head.height
    while y < 0.94 * height:
        row = printer.line(TILL_ROWS, _ink(random, size), ("mono", "plain"), 0.94 * slip_width)
        slip.place(row, 0.03 * slip_width, y)
        y += row.height + between(random, 0.05, 0.4) * size
        if chance(random, 0.12):
            cv2.line(slip.colour, (6, int(y)), (slip_width - 6, int(y)), (90, 90, 90), 1)
            y += size * 0.5
    page = _on_table(random, slip, height, width)
    page.colour = photographed(random, page.colour)
    return page


def card(printer: Printer, height: int, width: int) -> Layer:
    """A ticket or an identity card: pale pattern, fields, a picture, a number."""
    random = printer.random
    pale = gradient(random, height, width).astype(np.float32) * 0.25 + 185
    face = Layer.opaque(textured(random, pixels(pale), 0.05, 30))
    _guilloche(random, face.colour)
    size = height // whole(random, 11, 16)
    head = printer.line(("heading", "mixed", "title"), _ink(random, int(size * 1.3)), PRINT, 0.9 * width)
    face.place(head, between(random, 0.05, 0.5) * (width - head.width), 0.06 * height)
    y = 0.08 * height + 1.5 * head.height
    while y < 0.9 * height:
        row = printer.line(CARD_ROWS, _ink(random, size), PRINT, 0.6 * width)
        face.place(row, 0.05 * width, y)
        y += row.height * between(random, 1.15, 1.7)
    portrait = photograph(random, int(0.5 * height), int(0.26 * width))
    face.place(Layer.opaque(portrait), 0.7 * width, 0.3 * height)
    page = _on_table(random, face, height, width)
    page.colour = photographed(random, page.colour)
    return page


def _ink(random: Random, size: int) -> Lettering:
    """Black or nearly so; now and then blue or red."""
    grey = whole(random, 0, 90)
    fill: Colour = pick(random, ((grey, grey, grey), (grey, grey, grey), (150, 40, 20), (40, 30, 180)))
    return Lettering(size, fill if chance(random, 0.3) else (grey, grey, grey))


def _fields(printer: Printer, page: Layer, y: float, size: int, english: bool) -> float:
    """Rows of one to three labelled fields over rules; returns where the next block may begin."""
    random = printer.random
    kind: Kind = "english field" if english else "field"
    columns = whole(random, 1, 3)
    for _ in range(whole(random, 1, 4)):
        for column in range(columns):
            x = page.width * (0.07 + 0.88 * column / columns)
            room = 0.84 * page.width / columns
            line = printer.line((kind,), _ink(random, size), PRINT, room)
            page.place(line, x, y)
            base = int(y + 1.35 * size)
            if chance(random, 0.6):
                cv2.line(page.colour, (int(x + line.width), base), (int(x + room), base), (70, 70, 70), 1)
            if chance(random, 0.2):
                corner, opposite = (int(x - 1.2 * size), int(y + 3)), (int(x - 4), int(y + size))
                cv2.rectangle(page.colour, corner, opposite, (60, 60, 60), 1)
        y += size * between(random, 1.5, 2.2)
    return y


def _table(printer: Printer, page: Layer, y: float, size: int, english: bool) -> float:
    """A ruled table of numbers and words."""
    random = printer.random
    rows, columns, step = whole(random, 3, 8), whole(random, 2, 5), int(size * between(random, 1.6, 2.1))
    left, right = 0.07 * page.width, 0.93 * page.width
    cell = (right - left) / columns
    kinds: tuple[Kind, ...] = ("number", "date", "english" if english else "title", "serial")
    for row in range(rows):
        for column in range(columns):
            if chance(random, 0.8):
                line = printer.line(kinds, _ink(random, size), PRINT, cell - 8)
                page.place(line, left + column * cell + 4, y + row * step + (step - line.height) / 2)
    for row in range(rows + 1):
        cv2.line(page.colour, (int(left), int(y + row * step)), (int(right), int(y + row * step)), (50, 50, 50), 1)
    for column in range(columns + 1):
        x = int(left + column * cell)
        cv2.line(page.colour, (x, int(y)), (x, int(y + rows * step)), (50, 50, 50), 1)
    return y + rows * step


def _paragraph(printer: Printer, page: Layer, y: float, size: int, english: bool) -> float:
    """A few sentences, one a line."""
    random = printer.random
    kind: Kind = "english sentence" if english else "sentence"
    lettering = _ink(random, size)
    for _ in range(whole(random, 2, 5)):
        line = printer.line((kind,), lettering, ("book", "plain", "mono"), 0.86 * page.width)
        if y + line.height > page.height:
            break
        page.place(line, 0.07 * page.width, y)
        y += line.height + between(random, 0.25, 0.6) * size
    return y


def _stamp(printer: Printer, page: Layer) -> None:
    """A red seal with a word across it, pressed on unevenly."""
    random = printer.random
    size = whole(random, 16, 26)
    word = printer.line(("single", "title", "english"), Lettering(size, STAMP_RED), ("book", "plain"), widest=130)
    radius = word.width // 2 + size
    seal = Layer(filled(2 * radius, 2 * radius, STAMP_RED), np.zeros((2 * radius, 2 * radius), np.uint8))
    cv2.circle(seal.alpha, (radius, radius), radius - 4, 255, 3, cv2.LINE_AA)
    seal.place(word, radius - word.width / 2, radius - word.height / 2)
    pressure = noise(random, 2 * radius, 2 * radius, 20, 0.8)
    seal.alpha = pixels(seal.alpha * np.clip(1.4 * pressure, 0, 1))
    x, y = between(random, 0.4, 0.8) * page.width, between(random, 0.5, 0.85) * page.height
    if page.is_free(x, y, seal.width, seal.height):
        page.place(seal, x, y)


def _guilloche(random: Random, picture: Pixels) -> None:
    """Fine wavy lines, as on banknotes and cards."""
    height, width = picture.shape[:2]
    x = np.arange(width, dtype=np.float32)
    shade = colour(random, (0.2, 0.6), (0.6, 0.9))
    for phase in np.linspace(0, 2 * np.pi, whole(random, 8, 20)):
        y = height / 2 + height * 0.4 * np.sin(x / between(random, 40, 90) + phase)
        cv2.polylines(picture, [np.stack((x, y), axis=1).astype(np.int32)], False, shade, 1, cv2.LINE_AA)


def _on_table(random: Random, sheet: Layer, height: int, width: int) -> Layer:
    """The sheet lying on a table, seen from a little to one side, with a shadow at its edge."""
    page = Layer.opaque(pick(random, (wood, photograph))(random, height, width))
    scale = between(random, 0.82, 1.0)
    corners = rectangle(-sheet.width / 2, -sheet.height / 2, sheet.width, sheet.height) * scale
    angle = between(random, -0.07, 0.07)
    turn = reals([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    tilt = random.uniform(-0.03, 0.03, (4, 2)) * min(height, width)
    quad = reals(corners @ turn + reals([width, height]) / 2 + tilt)
    shadow = Layer(np.zeros_like(sheet.colour), np.full(sheet.alpha.shape, 110, np.uint8))
    page.project(shadow, quad + reals(0.012 * height))
    sheet.colour = pixels(sheet.colour * (1 - 0.25 * ramp(sheet.height, sheet.width, 0.6)[..., None]))
    page.project(sheet, quad)
    return page
