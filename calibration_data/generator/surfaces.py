"""Surfaces without text: colours, gradients, noise, walls, goods and shapes with the statistics of photographs."""

from __future__ import annotations

import cv2
import numpy as np

from calibration_data.generator.arrays import Pixels, Reals, blurred, pixels, reals
from calibration_data.generator.layers import Layer, rectangle
from calibration_data.generator.randomness import Random, between, chance, pick, whole

Colour = tuple[int, int, int]
"""Blue, green, red; 0 to 255."""

Field = Reals
"""(height, width) float32, mostly 0 to 1."""

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


def colour(random: Random, saturation: tuple[float, float], brightness: tuple[float, float]) -> Colour:
    """Any hue, with saturation and brightness (0 to 1) from the given ranges."""
    hsv = (between(random, 0, 180), 255 * between(random, *saturation), 255 * between(random, *brightness))
    blue, green, red = cv2.cvtColor(np.array([[hsv]], np.uint8), cv2.COLOR_HSV2BGR)[0, 0]
    return int(blue), int(green), int(red)


def vivid(random: Random) -> Colour:
    """A strong colour, as print and signs use it; red more often than others."""
    strong = colour(random, (0.5, 0.95), (0.45, 0.95))
    return (whole(random, 10, 60), whole(random, 10, 60), whole(random, 160, 240)) if chance(random, 0.2) else strong


def dull(random: Random) -> Colour:
    """A greyish colour, as walls and floors have it."""
    return colour(random, (0.02, 0.35), (0.15, 0.85))


def luminance(of: Colour) -> float:
    """Perceived brightness, 0 to 255 (ITU-R BT.601 weights)."""
    blue, green, red = of
    return 0.114 * blue + 0.587 * green + 0.299 * red


def contrasting(random: Random, ground: Colour, difference: float) -> Colour:
    """A colour whose luminance differs from that of `ground` by at least `difference`, black or white at the latest."""
    for _ in range(12):
        candidate = pick(random, (WHITE, BLACK, vivid(random), vivid(random), colour(random, (0, 0.3), (0, 1))))
        if abs(luminance(candidate) - luminance(ground)) >= difference:
            return candidate
    return BLACK if luminance(ground) > 128 else WHITE


def filled(height: int, width: int, with_colour: Colour) -> Pixels:
    """A plain (height, width, 3) picture."""
    return np.full((height, width, 3), with_colour, np.uint8)


def noise(random: Random, height: int, width: int, cell: float, persistence: float = 0.5) -> Field:
    """Value noise of several octaves, 0 to 1: coarse cells of `cell` pixels, each octave half as large and weaker."""
    total = np.zeros((height, width), np.float32)
    amplitude, weight = 1.0, 0.0
    while cell >= 2:
        grid = random.random((max(2, round(height / cell) + 1), max(2, round(width / cell) + 1)), np.float32)
        total += amplitude * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weight += amplitude
        amplitude, cell = amplitude * persistence, cell / 2
    return np.clip(total / max(weight, 1e-6), 0, 1)


def ramp(height: int, width: int, angle: float) -> Field:
    """A linear ramp, 0 to 1, along `angle` (radians)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    along = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    return (along - along.min()) / max(float(np.ptp(along)), 1e-6)


def mixed(first: Colour, second: Colour, share: Field) -> Pixels:
    """A picture between two colours: `first` where `share` is 0, `second` where it is 1."""
    start, end = reals(first), reals(second)
    return pixels(start + (end - start) * np.clip(share, 0, 1)[..., None])


def lit(picture: Pixels, light: Field | float) -> Pixels:
    """The picture under another light: every pixel times `light`."""
    factor = light if isinstance(light, float) else light[..., None]
    return pixels(picture * factor)


def textured(random: Random, picture: Pixels, strength: float, cell: float) -> Pixels:
    """The picture with an uneven surface: brightness varies by about ±`strength`."""
    height, width = picture.shape[:2]
    return lit(picture, (1 + 2 * strength * (noise(random, height, width, cell, 0.7) - 0.5)).astype(np.float32))


def gradient(random: Random, height: int, width: int) -> Pixels:
    """Two colours, linear or around a spot."""
    first = pick(random, (vivid(random), dull(random), WHITE, colour(random, (0.1, 0.4), (0.85, 1.0))))
    second = pick(random, (vivid(random), WHITE, colour(random, (0.2, 0.7), (0.6, 1.0))))
    if chance(random, 0.6):
        return mixed(first, second, ramp(height, width, between(random, 0, 2 * np.pi)))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot((x / width - between(random, 0.2, 0.8)), (y / height - between(random, 0.2, 0.8)))
    return mixed(second, first, away / np.float32(between(random, 0.6, 1.1)))


def wall(random: Random, height: int, width: int) -> Pixels:
    """Plaster, tiles, bricks, boards or stripes."""
    base = dull(random)
    surface = textured(random, filled(height, width, base), between(random, 0.1, 0.4), between(random, 20, 200))
    joint = tuple(int(channel * between(random, 0.4, 1.3)) % 256 for channel in base)
    course = whole(random, 14, 70)
    kind = pick(random, ("plaster", "tiles", "bricks", "boards", "stripes"))
    if kind in ("tiles", "bricks"):
        length = course if kind == "tiles" else course * 2
        for row, y in enumerate(range(0, height, course)):
            cv2.line(surface, (0, y), (width, y), joint, 1 + course // 30)
            shift = length // 2 if kind == "bricks" and row % 2 else 0
            for x in range(shift, width, length):
                cv2.line(surface, (x, y), (x, y + course), joint, 1 + course // 30)
    elif kind == "boards":
        for x in range(0, width, course):
            shade = between(random, 0.75, 1.2)
            surface[:, x : x + course] = lit(surface[:, x : x + course], shade)
            cv2.line(surface, (x, 0), (x, height), joint, 1)
    elif kind == "stripes":
        for y in range(0, height, course):
            cv2.rectangle(surface, (0, y), (width, y + course // 3), joint, -1)
    return surface


def wood(random: Random, height: int, width: int) -> Pixels:
    """A table top: long grain in brown."""
    grain = noise(random, height, max(width // 12, 8), 24, 0.8)
    grain = reals(cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC))
    rings = 0.5 + 0.5 * np.sin(grain * np.float32(between(random, 15, 45)))
    dark = (whole(random, 20, 50), whole(random, 40, 80), whole(random, 70, 120))
    light = (whole(random, 70, 130), whole(random, 110, 170), whole(random, 150, 220))
    return mixed(dark, light, (0.6 * rings + 0.4 * grain).astype(np.float32))


def foliage(random: Random, height: int, width: int) -> Pixels:
    """Leaves: fine bright specks of green and yellow over darkness."""
    leaves = noise(random, height, width, between(random, 8, 24), 0.9)
    clumps = noise(random, height, width, between(random, 60, 200), 0.5)
    bright = (whole(random, 30, 110), whole(random, 130, 230), whole(random, 70, 200))
    dark = (whole(random, 5, 30), whole(random, 20, 50), whole(random, 10, 35))
    return mixed(dark, bright, np.clip(4 * (leaves - 0.45) + 2 * (clumps - 0.4), 0, 1).astype(np.float32))


def goods(random: Random, height: int, width: int) -> Pixels:
    """Shelves full of small coloured things, as a shop window or a book case shows them."""
    picture = textured(random, filled(height, width, colour(random, (0, 0.4), (0.1, 0.9))), 0.3, 60)
    stock = [colour(random, (0, 0.7), (0.1, 0.9)) for _ in range(whole(random, 3, 9))]
    shelf = whole(random, 18, max(20, height // 3))
    for bottom in range(shelf, height + shelf, shelf):
        x = 0
        while x < width:
            step = whole(random, 3, max(4, shelf // 2))
            top = bottom - whole(random, shelf // 2, shelf - 2)
            shade = pick(random, stock)
            cv2.rectangle(picture, (x, top), (x + step - 1, bottom - 2), shade, -1)
            if chance(random, 0.5):
                band = contrasting(random, shade, 50)
                middle = (top + bottom) // 2
                cv2.rectangle(picture, (x, middle), (x + step - 1, middle + whole(random, 1, 4)), band, -1)
            x += step + whole(random, 0, 3)
        cv2.line(picture, (0, bottom), (width, bottom), dull(random), 2)
    return blurred(picture, 0.7)


def windows(random: Random, height: int, width: int) -> Pixels:
    """The face of a tall building: rows of panes, some lit."""
    picture = wall(random, height, width)
    column, storey = whole(random, 16, 60), whole(random, 20, 70)
    glass = colour(random, (0.1, 0.6), (0.1, 0.7))
    for y in range(storey // 4, height, storey):
        for x in range(column // 4, width, column):
            pane = lit(filled(storey // 2, column // 2, glass), between(random, 0.5, 2.2))
            part = picture[y : y + storey // 2, x : x + column // 2]
            part[:] = pane[: part.shape[0], : part.shape[1]]
    return picture


def blobs(random: Random, height: int, width: int) -> Pixels:
    """Soft and hard rounded shapes with shading over a gradient, as things on a photograph are."""
    picture = textured(random, gradient(random, height, width), 0.25, max(height, width) / 3)
    page = Layer.opaque(picture)
    for _ in range(whole(random, 6, 25)):
        strew(random, page, thing(random, min(height, width)))
    return page.colour


def thing(random: Random, scale: int) -> Layer:
    """One shaded shape (ellipse, polygon) with a texture of its own, up to half of `scale` pixels wide and high."""
    reach = (int(scale * between(random, 0.02, 0.25)) + 4, int(scale * between(random, 0.02, 0.25)) + 4)
    width, height = 2 * reach[0], 2 * reach[1]
    mask = np.zeros((height, width), np.uint8)
    if chance(random, 0.5):
        cv2.ellipse(mask, reach, (reach[0] - 3, reach[1] - 3), 0, 0, 360, 255, -1, cv2.LINE_AA)
    else:
        angles = np.sort(random.uniform(0, 2 * np.pi, whole(random, 3, 7)))
        points = np.stack((reach[0] * (1 + 0.9 * np.cos(angles)), reach[1] * (1 + 0.9 * np.sin(angles))), axis=1)
        cv2.fillPoly(mask, [points.astype(np.int32)], 255, cv2.LINE_AA)
    mask = blurred(mask, between(random, 0.6, 2 if chance(random, 0.6) else scale / 40 + 2))
    first, second = vivid(random) if chance(random, 0.5) else dull(random), dull(random)
    body = mixed(first, second, ramp(height, width, between(random, 0, 2 * np.pi)))
    return Layer(textured(random, body, between(random, 0, 0.6), between(random, 6, 80)), mask)


def strew(random: Random, page: Layer, body: Layer, top: float = 0.0) -> None:
    """Lay `body` anywhere on the page below `top` (a share of its height), turned at will, perhaps cut by the edge."""
    middle = reals([whole(random, 0, page.width), between(random, top, 1) * page.height])
    angle = between(random, 0, 2 * np.pi)
    turn = reals([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = rectangle(-body.width / 2, -body.height / 2, body.width, body.height)
    page.project(body, corners @ turn + middle)


def photograph(random: Random, height: int, width: int) -> Pixels:
    """Something that looks like an out-of-focus or busy photograph without text."""
    make = pick(random, (blobs, blobs, foliage, goods, windows, wall, wood))
    picture = make(random, height, width)
    if chance(random, 0.4):
        picture = blurred(picture, between(random, 1, 8))
    return picture
