"""How outputs of two CPUs compare, on numbers made by hand; and the same models twice on this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from emulated.equality import Equality, Outputs, compare, gathered, logits_of, outputs_here

from converters.evaluation.datasets import evaluation_datasets, spread
from converters.evaluation.metrics import Delta
from edge_ocr.bundle import Bundle
from edge_ocr.engines.base import TensorType
from edge_ocr.errors import BenchmarkError
from edge_ocr.models import DEFAULT_BUNDLE

STEPS = TensorType(np.dtype(np.int8), scale=0.5, zero_point=10)


def outputs(sha256: str, **lines: tuple[str, list[int]]) -> Outputs:
    """Of a model, and of (text, numbers) lines."""
    texts = {name: text for name, (text, _) in lines.items()}
    return Outputs(
        {"detector 640x640": sha256}, texts, {name: np.int8(numbers) for name, (_, numbers) in lines.items()}
    )


def test_equal_outputs_are_equal() -> None:
    same = outputs("aa", first=("a", [1, 2]), second=("b", [3, 4]))
    assert compare("cortex-a72", same, same, STEPS, {"first": "a", "second": "x"}) == Equality(
        "cortex-a72", {"detector 640x640": True}, 2, 2, 0.0, {}, Delta(0, 0, 0)
    )


def test_a_difference_is_counted_in_logits_and_its_text_is_listed() -> None:
    here = outputs("aa", first=("a", [1, 2]), second=("b", [3, 4]), third=("c", [5, 6]))
    there = outputs("bb", first=("a", [1, 2]), second=("b", [3, 7]), third=("e", [5, 4]))
    found = compare("cortex-a76", here, there, STEPS, {"first": "a", "second": "b", "third": "e"})
    assert found.same_sha256 == {"detector 640x640": False}
    assert (found.lines, found.identical) == (3, 1)
    assert found.largest == 1.5  # three steps
    assert found.differing == {"third": ("c", "e")}
    assert found.exact_match.value == pytest.approx(100 / 3)  # one of three lines more is right


def test_this_machine_agrees_with_itself() -> None:
    lines = spread([line for data in evaluation_datasets() for line in data.lines], 3)
    with gathered(lines) as folder:
        here, again = outputs_here(DEFAULT_BUNDLE, folder), outputs_here(DEFAULT_BUNDLE, folder)
    labels = {line.picture.name: line.text for line in lines}
    found = compare("itself", here, again, logits_of(Bundle.open()), labels)
    assert set(here.texts) == {line.picture.name for line in lines}
    assert set(found.same_sha256) == {"detector 640x640", "direction 48x192", "recognizer 48x320"}
    assert all(found.same_sha256.values())
    assert (found.identical, found.largest, found.differing) == (3, 0.0, {})


def test_models_that_do_not_run_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="do not run on this machine: there is no bundle"):
        outputs_here(tmp_path / "missing", tmp_path)
