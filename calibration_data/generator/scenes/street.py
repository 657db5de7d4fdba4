"""Streets, malls and banners: words on surfaces that are seen from an angle, in poor light."""

from __future__ import annotations

import cv2
import numpy as np

from calibration_data.generator.arrays import Pixels, reals
from calibration_data.generator.degradation import glow, photographed
from calibration_data.generator.layers import Layer, Quad, rectangle
from calibration_data.generator.printer import EVERYDAY, Printer
from calibration_data.generator.randomness import Random, between, chance, pick, whole
from calibration_data.generator.surfaces import (
    Colour,
    colour,
    dull,
    filled,
    foliage,
    goods,
    gradient,
    lit,
    mixed,
    noise,
    photograph,
    strew,
    textured,
    thing,
    vivid,
    wall,
    windows,
)
from calibration_data.generator.texts import Kind


def street(printer: Printer, height: int, width: int) -> Layer:
    """Outdoors: sky, buildings on both sides, trees, passers-by, signs on posts."""
    random = printer.random
    page = Layer.opaque(_sky(random, height, width))
    _raise_walls(printer, page, far_wall=windows(random, height // 2, width // 2))
    for _ in range(whole(random, 1, 4)):
        _plant(random, page)
    _add_things(random, page, whole(random, 0, 8))
    for _ in range(whole(random, 1, 3)):
        _put_up_sign(printer, page)
    _add_people(random, page, whole(random, 0, 8))
    page.colour = photographed(random, page.colour)
    return page


def mall(printer: Printer, height: int, width: int) -> Layer:
    """Indoors: bright ceiling, glossy floor, shop fronts, lamps."""
    random = printer.random
    ceiling = textured(random, filled(height, width, colour(random, (0, 0.2), (0.4, 1.0))), 0.2, 200)
    page = Layer.opaque(ceiling)
    _raise_walls(printer, page, far_wall=goods(random, height // 2, width // 2))
    _add_things(random, page, whole(random, 2, 10))
    for _ in range(whole(random, 1, 3)):
        _put_up_sign(printer, page)
    _add_people(random, page, whole(random, 2, 10))
    page.colour = glow(random, page.colour, whole(random, 2, 14))
    page.colour = photographed(random, page.colour)
    return page


def banner(printer: Printer, height: int, width: int) -> Layer:
    """One sign or hoarding that fills much of the frame, seen from an angle."""
    random = printer.random
    page = Layer.opaque(photograph(random, height, width))
    sign_height = int(height * between(random, 0.4, 0.95))
    sign = _sign(printer, sign_height, int(width * between(random, 0.6, 0.95)))
    page.project(sign, _tilted(random, _centred(sign, page), 0.12))
    _add_people(random, page, whole(random, 0, 3))
    page.colour = photographed(random, page.colour)
    return page


def _raise_walls(printer: Printer, page: Layer, far_wall: Pixels) -> None:
    """Floor, far wall and the two sides of a passage that runs to a vanishing point."""
    random = printer.random
    width, height = page.width, page.height
    x, y = width * between(random, 0.25, 0.75), height * between(random, 0.35, 0.55)
    half_width, half_height = width * between(random, 0.05, 0.22), height * between(random, 0.08, 0.22)
    left, right, top, bottom = x - half_width, x + half_width, y - half_height, y + half_height
    floor = _floor(random, height, width)
    page.project(floor, _quad((left, bottom), (right, bottom), (width * 1.4, height), (-width * 0.4, height)))
    page.project(Layer.opaque(far_wall), _quad((left, top), (right, top), (right, bottom), (left, bottom)))
    up, down = -height * between(random, 0.0, 0.5), height * between(random, 1.0, 1.3)
    page.project(_shop_fronts(printer, height, int(x) + 200), _quad((0, up), (left, top), (left, bottom), (0, down)))
    side = _shop_fronts(printer, height, width - int(x) + 200)
    page.project(side, _quad((right, top), (width, up), (width, down), (right, bottom)))


def _shop_fronts(printer: Printer, height: int, width: int) -> Layer:
    """A wall with shop windows and the signs above them."""
    random = printer.random
    front = Layer.opaque(lit(wall(random, height, width), between(random, 0.5, 1.2)))
    x = whole(random, 0, 60)
    while x < width - 120:
        unit = whole(random, 120, 420)
        window_height = int(height * between(random, 0.3, 0.5))
        window = lit(goods(random, window_height, unit), between(random, 0.5, 1.6))
        top = int(height * between(random, 0.42, 0.5))
        front.place(Layer.opaque(window), x, top)
        if chance(random, 0.85):
            sign = _sign(printer, whole(random, 40, max(48, height // 7)), unit)
            front.place(sign, x, top - sign.height)
        if chance(random, 0.4):
            notice = _sign(printer, whole(random, 60, 140), whole(random, 60, 120))
            front.place(notice, x + whole(random, 0, max(1, unit - notice.width)), top + window_height * 0.3)
        x += unit + whole(random, 4, 60)
    return front


def _sign(printer: Printer, height: int, width: int) -> Layer:
    """A flat board: a large line, perhaps small ones below it."""
    random = printer.random
    shade = vivid(random) if chance(random, 0.7) else dull(random)
    board = filled(height, width, shade)
    if chance(random, 0.2):
        board, shade = gradient(random, height, width), (128, 128, 128)
    sign = Layer.opaque(textured(random, board, between(random, 0.02, 0.2), 80))
    if chance(random, 0.4):
        edge = dull(random)
        cv2.rectangle(sign.colour, (0, 0), (width - 1, height - 1), edge, max(1, height // 30))
    y = height * between(random, 0.04, 0.15)
    size = int(min(height * between(random, 0.3, 0.6), width / 3))
    kinds: tuple[Kind, ...] = ("shop", "shop", "title", "capitals", "capitals", "brand", "english", "slogan", "run")
    while size >= 9 and y < height - 1.3 * size:
        lettering = printer.lettering(size, shade, difference=pick(random, (25, 60, 90)), fancy=0.2)
        line = printer.line(kinds, lettering, widest=0.92 * width)
        if y + line.height > height:
            break
        sign.place(line, (width - line.width) * pick(random, (0.1, 0.5, 0.5)), y)
        y += line.height * between(random, 1.05, 1.6)
        size = int(size * pick(random, (0.4, 0.6, 1.0)))
        kinds = EVERYDAY
    return sign


def _put_up_sign(printer: Printer, page: Layer) -> None:
    """A sign on a post or a hanging board, turned a little."""
    random = printer.random
    height, width = int(page.height * between(random, 0.06, 0.25)), int(page.width * between(random, 0.06, 0.25))
    sign = _sign(printer, max(height, 40), max(width, 60))
    x, y = between(random, 0, page.width - sign.width), between(random, 0.05, 0.5) * page.height
    if chance(random, 0.5):
        foot = (int(x + sign.width / 2), page.height)
        cv2.line(page.colour, (int(x + sign.width / 2), int(y)), foot, dull(random), max(2, sign.width // 25))
    page.project(sign, _tilted(random, rectangle(x, y, sign.width, sign.height), 0.15))


def _floor(random: Random, height: int, width: int) -> Layer:
    """Paving or tiles, glossy in places."""
    surface = wall(random, height, width)
    gloss = noise(random, height, width, height / 2, 0.4)
    return Layer.opaque(lit(surface, (0.4 + 1.2 * gloss).astype(np.float32)))


def _sky(random: Random, height: int, width: int) -> Pixels:
    """Blue, overcast, evening or night."""
    upper: Colour = pick(random, ((200, 130, 60), (225, 220, 215), (120, 90, 130), (30, 18, 12), (250, 250, 250)))
    lower: Colour = pick(random, ((245, 235, 220), (200, 200, 200), (60, 50, 45)))
    clouds = noise(random, height, width, height / 2, 0.6)
    return mixed(upper, lower, (0.6 * clouds + np.linspace(0, 0.6, height, dtype=np.float32)[:, None]))


def _plant(random: Random, page: Layer) -> None:
    """A tree's crown with a ragged outline."""
    height, width = int(page.height * between(random, 0.2, 0.6)), int(page.width * between(random, 0.1, 0.35))
    crown = Layer.opaque(foliage(random, height, width))
    y, x = np.mgrid[-1 : 1 : complex(0, height), -1 : 1 : complex(0, width)].astype(np.float32)
    ragged = np.hypot(x, y) + 0.8 * (noise(random, height, width, width / 4, 0.8) - 0.5)
    crown.alpha = np.where(ragged < 0.85, 255, 0).astype(np.uint8)
    page.place(crown, between(random, -0.1, 0.9) * page.width, between(random, -0.1, 0.4) * page.height)


def _add_things(random: Random, page: Layer, count: int) -> None:
    """Shaded shapes standing about on the floor."""
    for _ in range(count):
        strew(random, page, thing(random, page.height // 2), top=0.5)


def _add_people(random: Random, page: Layer, count: int) -> None:
    """Passers-by, as upright rounded shapes in cloth colours."""
    for _ in range(count):
        tall = page.height * between(random, 0.12, 0.5)
        height, width = max(int(tall), 12), max(int(tall * 0.32), 6)
        body = Layer.opaque(textured(random, filled(height, width, dull(random)), 0.6, height / 5))
        body.colour[height // 2 :] = lit(body.colour[height // 2 :], between(random, 0.2, 0.9))
        body.alpha[:] = 0
        shoulders, head = (width // 2, int(height * 0.45)), (width // 2, int(height * 0.09))
        cv2.ellipse(body.alpha, shoulders, (width // 2, int(height * 0.28)), 0, 0, 360, 255, -1, cv2.LINE_AA)
        cv2.rectangle(body.alpha, (width // 4, height // 2), (3 * width // 4, height), 255, -1)
        cv2.circle(body.alpha, head, int(height * 0.08), 255, -1, cv2.LINE_AA)
        cv2.circle(body.colour, head, int(height * 0.08), (110, 140, 190), -1, cv2.LINE_AA)
        page.place(body, between(random, 0, page.width), page.height * between(random, 0.5, 0.95) - height * 0.3)


def _centred(sign: Layer, page: Layer) -> Quad:
    x, y = (page.width - sign.width) / 2, (page.height - sign.height) / 2
    return rectangle(x, y, sign.width, sign.height)


def _tilted(random: Random, quad: Quad, amount: float) -> Quad:
    """The quad with every corner moved by up to `amount` of its smaller side."""
    reach = amount * min(np.ptp(quad[:, 0]), np.ptp(quad[:, 1]))
    return (quad + random.uniform(-reach, reach, (4, 2))).astype(np.float32)


def _quad(*corners: tuple[float, float]) -> Quad:
    return reals(corners)
