"""Data sets and figures, against cases worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import ConversionError
from converters.evaluation.datasets import LabelledBox, read_dataset
from converters.evaluation.metrics import count_matches, hmean, iou, normalise, paired_bootstrap, same_text


def square(x: float, y: float, side: float = 10) -> np.ndarray:
    return np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], np.float32)


def label(x: float, y: float, text: str = "a", ignore: bool = False) -> LabelledBox:
    return LabelledBox(square(x, y), text, ignore)


def dataset(folder: Path, rows: list[object]) -> Path:
    cv2.imwrite(str(folder / "0.png"), np.zeros((8, 8, 3), np.uint8))
    (folder / "labels.jsonl").write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return folder


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Ａ１", "a1", True),  # full width
        ("Grand Hotel", "GRANDHOTEL", True),
        ("出 口", "出口", True),
        ("出口", "入口", False),
        ("", "x", False),
    ],
)
def test_texts_are_compared_without_width_case_and_spaces(first: str, second: str, same: bool) -> None:
    assert same_text(first, second) is same


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("shift", "expected"), [((0, 0), 1.0), ((5, 0), 1 / 3), ((5, 5), 25 / 175), ((10, 0), 0.0), ((90, 0), 0.0)]
)
def test_iou_of_two_squares(shift: tuple[float, float], expected: float) -> None:
    assert iou(square(0, 0), square(*shift)) == pytest.approx(expected, abs=1e-4)


def test_matches_are_one_to_one_and_ignored_boxes_cost_nothing() -> None:
    labels = [label(0, 0, "A"), label(50, 0, "B"), label(100, 0, "C", ignore=True)]
    quads = [square(1, 0), square(0, 1), square(50, 0), square(101, 0), square(200, 0)]
    counts = count_matches(quads, ["a", "a", "wrong", "whatever", "nothing"], labels)
    # Two of A compete, one wins; the quad inside the ignored box does not count; the last finds nothing.
    assert counts.row() == (2, 1, 2, 4)


def test_hmean_by_hand() -> None:
    counts = np.array([[2.0, 1, 2, 4], [1, 1, 3, 1]])
    # 3 found of 5 labelled by 5 detected: precision and recall are both 3/5.
    assert hmean(counts) == pytest.approx(60.0)
    assert hmean(counts, of="read") == pytest.approx(40.0)
    assert hmean(np.zeros((1, 4))) == 0.0


def test_bootstrap_of_equal_readings_is_exactly_nothing() -> None:
    hits = np.random.default_rng(0).integers(0, 2, 200) * 100.0
    delta = paired_bootstrap(hits, hits, lambda values: float(values.mean()))
    assert (delta.value, delta.low, delta.high) == (0, 0, 0)


def test_bootstrap_interval_has_the_width_that_theory_gives() -> None:
    random = np.random.default_rng(0)
    first = random.integers(0, 2, 2000) * 100.0
    second = random.integers(0, 2, 2000) * 100.0
    delta = paired_bootstrap(first, second, lambda values: float(values.mean()))
    # Standard error of the mean difference of two fair coins, times 1.96 on either side.
    expected = 2 * 1.96 * np.std(second - first) / np.sqrt(2000)
    assert delta.high - delta.low == pytest.approx(expected, rel=0.15)
    assert delta.low <= delta.value <= delta.high


def test_a_dataset_of_lines_and_pages(tmp_path: Path) -> None:
    box = {"box": [[0, 0], [4, 0], [4, 4], [0, 4]], "text": "x"}
    data = read_dataset(
        dataset(tmp_path, [{"image": "0.png", "text": "\u3000"}, "", {"image": "0.png", "items": [box]}])
    )
    assert [line.text for line in data.lines] == ["\u3000"]
    assert [(item.text, item.ignore) for item in data.pages[0].boxes or ()] == [("x", False)]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (["{"], "row 1: not JSON"),
        ([{"image": "0.png"}], "row 1: neither a line nor a page"),
        (["[]"], "row 1: neither"),
        ([{"image": "1.png", "text": "x"}], "no picture"),
        ([{"image": "0.png", "items": [{"box": [[0, 0]], "text": "x"}]}], "4 points"),
    ],
)
def test_wrong_labels_are_named_by_their_row(tmp_path: Path, rows: list[object], complaint: str) -> None:
    with pytest.raises(ConversionError, match=complaint):
        read_dataset(dataset(tmp_path, rows))


def test_labels_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_bytes(b"\xff\xfe{}")
    with pytest.raises(ConversionError, match="cannot read"):
        read_dataset(tmp_path)


def test_a_folder_without_labels_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"labels\.jsonl"):
        read_dataset(tmp_path)
