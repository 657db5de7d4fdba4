"""The gate between a rewritten model and its original: what it lets through, and what it refuses by name."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from converters.calibration import CalibrationPictures, find_pictures
from converters.errors import ConversionError
from converters.evaluation.equivalence import LARGEST_DIFFERENCE, LINE_WIDTHS, LONG_SIDES, check_equivalence
from converters.progress import Progress
from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE
from edge_ocr.recognizer import Recognizer


@pytest.fixture(scope="module")
def pictures(few_pictures: Path) -> CalibrationPictures:
    return find_pictures(few_pictures, Progress())


@pytest.mark.parametrize("shown", ["pages", "lines"])
def test_the_originals_are_equal_to_themselves_at_every_size(
    reference: Bundle, pictures: CalibrationPictures, shown: str
) -> None:
    some = CalibrationPictures(pictures.pages, ()) if shown == "pages" else CalibrationPictures((), pictures.lines)
    differences = check_equivalence(reference, reference, some, Progress())
    assert {kind: set(at_sizes) for kind, at_sizes in differences.items()} == {
        "detector": set(LONG_SIDES),
        "recognizer": set(LINE_WIDTHS),
        "direction": {192},
    }
    assert max(difference for at_sizes in differences.values() for difference in at_sizes.values()) < 5e-4


def test_other_numbers_are_refused_with_model_size_and_difference(
    reference: Bundle, pictures: CalibrationPictures
) -> None:
    quantised = Bundle.open(DEFAULT_BUNDLE)
    with pytest.raises(ConversionError, match=r"the detector of ppocrv6-tiny .* by 0\.\d+ in a probability at 320 px"):
        check_equivalence(reference, quantised, pictures, Progress())


def drifting(step: float) -> Callable[[Recognizer, np.ndarray], np.ndarray]:
    """A recognizer that adds a little more to what it sees at each call."""
    original, calls = Recognizer.probabilities, count()
    return lambda self, line: original(self, line) + np.float32(step * next(calls))


def test_a_state_that_is_carried_from_call_to_call_is_refused_however_little_it_changes(
    reference: Bundle, pictures: CalibrationPictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recognizer, "probabilities", drifting(LARGEST_DIFFERENCE / 1000))
    with pytest.raises(ConversionError, match=r"the recognizer of .* sees the same picture of 128 px again"):
        check_equivalence(reference, reference, pictures, Progress())


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        (lambda frames: frames + np.float32(0.002), r"differs from onnxruntime by 0\.002 in a probability at 128 px"),
        (lambda frames: frames * np.nan, "differs from onnxruntime by nan"),
        (lambda frames: frames[1:], r"gives \(\d+, 6906\) numbers at 128 px, where onnxruntime gives"),
    ],
    ids=["other numbers", "no numbers", "a frame is missing"],
)
def test_what_differs_or_cannot_be_compared_is_refused(
    reference: Bundle,
    pictures: CalibrationPictures,
    monkeypatch: pytest.MonkeyPatch,
    spoilt: Callable[[np.ndarray], np.ndarray],
    sentence: str,
) -> None:
    original, calls = Recognizer.probabilities, count()
    looks_of_one = 2 * 2 * len(LINE_WIDTHS)  # the converted model's, which come first: two pictures, twice

    def look(self: Recognizer, line: np.ndarray) -> np.ndarray:
        frames = original(self, line)
        return spoilt(frames) if next(calls) < looks_of_one else frames

    monkeypatch.setattr(Recognizer, "probabilities", look)
    with pytest.raises(ConversionError, match=f"the recognizer of .* {sentence}"):
        check_equivalence(reference, reference, pictures, Progress())
