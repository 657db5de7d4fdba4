"""What lies between a scene and its file: light, lens, sensor and compression."""

from __future__ import annotations

import cv2
import numpy as np

from calibration_data.generator.arrays import Pixels, blurred, pixels, reals
from calibration_data.generator.randomness import Random, between, chance, pick, whole
from calibration_data.generator.surfaces import Field, lit, noise, ramp


def uneven_light(random: Random, picture: Pixels, depth: float) -> Pixels:
    """Light that falls off across the picture and darker corners; `depth` 0 to 1 is how much of it is lost."""
    height, width = picture.shape[:2]
    slope = ramp(height, width, between(random, 0, 2 * np.pi))
    y, x = np.mgrid[-1 : 1 : complex(0, height), -1 : 1 : complex(0, width)].astype(np.float32)
    corners = (x * x + y * y) / 2
    return lit(picture, (1 - depth * (0.6 * slope + 0.4 * corners)).astype(np.float32))


def cast_shadow(random: Random, picture: Pixels) -> Pixels:
    """The shadow of something outside the frame, with a soft edge."""
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.float32)
    points = random.uniform((-0.3, -0.3), (1.3, 1.3), (whole(random, 3, 5), 2)) * (width, height)
    cv2.fillPoly(mask, [cv2.convexHull(points.astype(np.int32))], between(random, 0.25, 0.6))
    return lit(picture, 1 - blurred(mask, between(random, 2, 30)))


def glow(random: Random, picture: Pixels, lamps: int) -> Pixels:
    """Lamps in the frame: blown-out spots with a halo."""
    height, width = picture.shape[:2]
    light = np.zeros((height, width), np.float32)
    for _ in range(lamps):
        centre = (whole(random, 0, width), whole(random, 0, height // 2))
        reach = (whole(random, 2, 4 + width // 40), whole(random, 2, 4 + height // 60))
        cv2.ellipse(light, centre, reach, 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    halo = light + 0.6 * blurred(light, max(width / 60, 2))
    tint = reals((between(random, 0.75, 1), between(random, 0.88, 1), 1))
    return pixels(picture + 300 * halo[..., None] * tint)


def toned(picture: Pixels, gain: float, lift: float, gamma: float, tint: tuple[float, float, float]) -> Pixels:
    """Exposure, contrast and white balance as one table for each channel."""
    level = np.arange(256, dtype=np.float32) / 255
    curve = np.clip(lift + gain * level, 0, 1) ** np.float32(gamma)
    table = pixels(255 * curve[:, None] * reals(tint))
    return np.asarray(cv2.LUT(picture, table[None]), np.uint8)


def exposed(random: Random, picture: Pixels) -> Pixels:
    """A camera's own idea of exposure and white balance: often dark, sometimes hazy, sometimes burnt out."""
    gain, lift = pick(random, ((1.0, 0.0), (1.15, -0.03), (1.3, -0.08), (0.8, 0.08), (0.65, 0.02), (1.4, 0.0)))
    warmth = between(random, -0.12, 0.12)
    return toned(picture, gain, lift, between(random, 0.75, 1.35), (1 - max(warmth, 0), 1.0, 1 + min(warmth, 0)))


def motion_blur(random: Random, picture: Pixels, length: int) -> Pixels:
    """A camera that moved by `length` pixels while the shutter was open."""
    kernel = np.zeros((length, length), np.float32)
    angle = between(random, 0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    middle = (length - 1) / 2
    (x0, y0), (x1, y1) = (np.rint(middle + sign * reach).astype(int) for sign in (-1, 1))
    cv2.line(kernel, (int(x0), int(y0)), (int(x1), int(y1)), 1.0)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)


def sensor_noise(random: Random, picture: Pixels, deviation: float) -> Pixels:
    """Gaussian noise, part of it common to the three channels; `deviation` in grey levels."""
    height, width = picture.shape[:2]
    grey = random.standard_normal((height, width, 1), np.float32)
    coloured = random.standard_normal((height, width, 3), np.float32)
    return pixels(picture + deviation * (0.8 * grey + 0.6 * coloured))


def sharpened(picture: Pixels, amount: float) -> Pixels:
    """Unsharp masking, as phone cameras and web pages do it."""
    return pixels(picture + amount * (picture - reals(blurred(picture, 1.2))))


def shrunk_and_enlarged(picture: Pixels, scale: float) -> Pixels:
    """The loss of a picture that was once stored at `scale` of its size."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (max(8, int(width * scale)), max(8, int(height * scale))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def compressed(picture: Pixels, quality: int) -> Pixels:
    """The picture after JPEG at `quality`."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def photographed(random: Random, picture: Pixels) -> Pixels:
    """A hand-held camera in whatever light there is."""
    if chance(random, 0.6):
        picture = uneven_light(random, picture, between(random, 0.1, 0.7))
    if chance(random, 0.35):
        picture = cast_shadow(random, picture)
    if chance(random, 0.45):
        picture = blurred(picture, between(random, 0.5, 1.6))
    if chance(random, 0.25):
        picture = motion_blur(random, picture, whole(random, 3, 9))
    picture = exposed(random, picture)
    picture = sensor_noise(random, picture, between(random, 1, 9))
    return sharpened(picture, between(random, 0.2, 1.0)) if chance(random, 0.4) else picture


def published(random: Random, picture: Pixels) -> Pixels:
    """A picture made on a computer and passed on: mild resampling, sharpening, compression."""
    if chance(random, 0.6):
        picture = shrunk_and_enlarged(picture, between(random, 0.6, 0.95))
    if chance(random, 0.25):
        picture = sharpened(picture, between(random, 0.2, 0.8))
    return compressed(picture, whole(random, 45, 90)) if chance(random, 0.6) else picture


def scanned(random: Random, picture: Pixels) -> Pixels:
    """A flatbed scanner or a fax: grey, grainy, sometimes down to black and white."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    height, width = grey.shape
    grey += 10 * (noise(random, height, width, 6, 0.9) - 0.5)
    if chance(random, 0.5):
        grey = blurred(grey, between(random, 0.4, 0.8))
    if chance(random, 0.4):
        grey = _thresholded(random, grey)
    grey = _specks(random, grey)
    return np.repeat(pixels(grey)[..., None], 3, axis=2)


def _thresholded(random: Random, grey: Field) -> Field:
    """Nearly black and white, with the ragged edges of a fax."""
    grain = random.standard_normal(grey.shape, np.float32)
    sharp = 255 / (1 + np.exp(-(grey + 14 * grain - between(random, 150, 205)) / 10))
    return blurred(sharp.astype(np.float32), 0.5)


def _specks(random: Random, grey: Field) -> Field:
    """Dust: isolated dark dots."""
    specks = (random.random(grey.shape, np.float32) < between(random, 0, 0.0006)).astype(np.float32)
    return grey - 200 * blurred(specks, 0.7)
