"""The float TFLite models against the originals under onnxruntime: the same numbers, at every size, at every call.

Both look at real pictures through the runtime's own stages, so that resizing, padding and normalisation are those of
the device. Only rounding may differ; a wrong rewrite, a size that was frozen into a constant or a state that is carried
from call to call is seen here, and named, before any accuracy is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from converters.calibration import CalibrationPictures
from converters.errors import ConversionError
from converters.progress import Progress
from edge_ocr import geometry
from edge_ocr.bundle import Bundle
from edge_ocr.engines.base import Array
from edge_ocr.engines.onnx import OnnxRuntime
from edge_ocr.ocr import OCR
from edge_ocr.pictures import load_picture

FloatArray = npt.NDArray[np.float32]

LARGEST_DIFFERENCE = 1e-3
"""Of a probability. Rounding came to 5e-4 at most where it was measured, on real pages and lines."""
LONG_SIDES = (320, 640, 960)
"""Of the pictures that a detector is shown, in pixels."""
LINE_WIDTHS = (128, 320, 1280)
"""Likewise for a recognizer."""
_PICTURES = 2
"""At each size."""
_WRONG_REWRITE = "one of the rewrites that it went through (converters/graph) is not equal to what it replaces"

Shown = Mapping[int, Sequence[Array]]
"""Size in pixels -> pictures of that size, (height, width, 3) uint8 BGR."""
Look = Callable[[Array], FloatArray]
"""The probabilities that a model sees in a picture."""


def check_equivalence(
    reference: Bundle, floats: Bundle, pictures: CalibrationPictures, progress: Progress
) -> dict[str, dict[int, float]]:
    """Hold float TFLite models against the originals.

    Args:
        reference: the originals, of format "onnx".
        floats: the same as float TFLite.
        pictures: some of them are looked at.
        progress: shows how far it is.

    Returns:
        Kind of model -> long side or width of what it was shown, in pixels -> the largest difference of a probability.

    Raises:
        ConversionError: a difference is larger than LARGEST_DIFFERENCE, or a model gives other numbers when it is shown
            the same picture again after others.
        PictureError: a picture cannot be read.
    """
    # What onnxruntime makes of a graph averages large maps so roughly that a white page differs by 1e-3 from itself.
    as_it_stands = OnnxRuntime("onnxruntime", optimised=False)
    originals = OCR(reference, engine=as_it_stands, threads=1, det_side=max(LONG_SIDES))
    converted = OCR(floats, threads=1, det_side=max(LONG_SIDES))
    shown = _shown(pictures, originals)
    looks = _looks(originals), _looks(converted)
    differences = {}
    with progress.bar("compare with onnxruntime", sum(map(_count, shown.values())), "picture") as done:
        for kind, at_sizes in shown.items():
            name = f"the {kind} of {floats.name}"
            differences[kind] = _differences(name, looks[0][kind], looks[1][kind], at_sizes)
            done(_count(at_sizes))
    return differences


def _looks(ocr: OCR) -> dict[str, Look]:
    looks: dict[str, Look] = {"detector": ocr.detector.probabilities, "recognizer": ocr.recognizer.probabilities}
    if (direction := ocr.direction) is not None:
        looks["direction"] = lambda line: np.array([direction.probability(line)], np.float32)
    return looks


def _shown(pictures: CalibrationPictures, ocr: OCR) -> dict[str, Shown]:
    """What each kind of model is to look at."""
    pages = [load_picture(path) for path in (pictures.pages or pictures.lines)[:_PICTURES]]
    lines = _lines(pictures, ocr)
    models = ocr.bundle.manifest.models
    height = models.recognizer.input.size.height
    shown: dict[str, Shown] = {
        "detector": {side: [_with_long_side(page, side) for page in pages] for side in LONG_SIDES},
        "recognizer": {width: _of_size(lines, width, height) for width in LINE_WIDTHS},
    }
    if models.direction is not None:
        shown["direction"] = {models.direction.input.size.width: lines[:_PICTURES]}
    return shown


def _lines(pictures: CalibrationPictures, ocr: OCR) -> list[Array]:
    """Pictures of lines: those there are, else what is found on a page, else the page, where nothing is."""
    if pictures.lines:
        return [load_picture(path) for path in pictures.lines]
    page = load_picture(pictures.pages[0])
    quads = [geometry.along_text(quad) for quad in ocr.detector.detect(page)]
    sizes = [ocr.recognizer.line_size(*geometry.side_lengths(quad)) for quad in quads]
    return [geometry.crop(page, quad, *size) for quad, size in zip(quads, sizes, strict=True)] or [page]


def _with_long_side(picture: Array, side: int) -> Array:
    scale = side / max(picture.shape[:2])
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    return cv2.resize(picture, (width, height))


def _of_size(lines: Sequence[Array], width: int, height: int) -> list[Array]:
    """The lines that need the least stretching, brought to this size."""

    def stretching(line: Array) -> float:
        return abs(math.log(width / height * line.shape[0] / line.shape[1]))

    return [cv2.resize(line, (width, height)) for line in sorted(lines, key=stretching)[:_PICTURES]]


def _count(shown: Shown) -> int:
    return sum(map(len, shown.values()))


def _differences(name: str, original: Look, converted: Look, shown: Shown) -> dict[int, float]:
    """The largest difference at each size; ConversionError where it is too large, or the model not always the same.

    The sizes take turns, and so each look follows one at another size.
    """
    turns = [(size, turn) for turn in range(_PICTURES) for size in shown if turn < len(shown[size])]
    found = {(size, turn): converted(shown[size][turn]) for size, turn in turns}
    for size, turn in turns:
        if not np.array_equal(converted(shown[size][turn]), found[size, turn], equal_nan=True):
            raise ConversionError(
                f"{name} gives other numbers when it sees the same picture of {size} px again; an operator in it keeps "
                "something from one call to the next, which its conversion must prevent (converters/tflite)"
            )
    differences = dict.fromkeys(shown, 0.0)
    for size, turn in turns:
        expected = original(shown[size][turn])
        if expected.shape != found[size, turn].shape:
            raise ConversionError(
                f"{name} as float TFLite gives {found[size, turn].shape} numbers at {size} px, where onnxruntime gives "
                f"{expected.shape}; {_WRONG_REWRITE}"
            )
        difference = float(np.abs(expected - found[size, turn]).max())
        if not difference <= LARGEST_DIFFERENCE:  # nor where it is no number
            raise ConversionError(
                f"{name} as float TFLite differs from onnxruntime by {difference:.2g} in a probability at {size} px, "
                f"more than {LARGEST_DIFFERENCE:g}; {_WRONG_REWRITE}"
            )
        differences[size] = max(differences[size], difference)
    return differences
