"""Figures, against cases worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.evaluation.datasets import LabelledBox
from converters.evaluation.metrics import (
    character_error_rate,
    character_errors,
    count_matches,
    edit_distance,
    hmean,
    iou,
    normalise,
    paired_bootstrap,
    precision,
    recall,
    same_text,
)


def square(x: float, y: float, side: float = 10) -> np.ndarray:
    return np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], np.float32)


def label(x: float, y: float, text: str = "a", ignore: bool = False) -> LabelledBox:
    return LabelledBox(square(x, y), text, ignore)


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


@pytest.mark.parametrize(
    ("first", "second", "edits"),
    [
        ("kitten", "sitting", 3),  # the textbook's
        ("Saturday", "Sunday", 3),
        ("", "abc", 3),
        ("出口", "入口", 1),
        ("ab", "ba", 2),  # a swap is two edits
    ],
)
def test_edit_distances_known_from_elsewhere(first: str, second: str, edits: int) -> None:
    assert edit_distance(first, second) == edits


def slow_edit_distance(first: str, second: str) -> int:
    """The definition itself, without a table."""
    if not first or not second:
        return len(first) + len(second)
    return min(
        slow_edit_distance(first[1:], second) + 1,
        slow_edit_distance(first, second[1:]) + 1,
        slow_edit_distance(first[1:], second[1:]) + (first[0] != second[0]),
    )


SHORT = st.text("ab出", max_size=5)


@given(SHORT, SHORT)
def test_edit_distance_is_what_its_definition_says(first: str, second: str) -> None:
    assert edit_distance(first, second) == slow_edit_distance(first, second)


@given(st.text(max_size=20), st.text(max_size=20))
def test_edit_distance_is_symmetric_and_bounded(first: str, second: str) -> None:
    edits = edit_distance(first, second)
    assert edits == edit_distance(second, first)
    assert abs(len(first) - len(second)) <= edits <= max(len(first), len(second))
    assert (edits == 0) == (first == second)


def test_character_error_rate_by_hand() -> None:
    rows = [character_errors("Grand H0tel", "GRAND HOTEL"), character_errors("", "ab"), character_errors("xyz", "")]
    assert rows == [(1, 10), (2, 2), (3, 0)]  # spaces and case do not count
    assert character_error_rate(np.array(rows, float)) == pytest.approx(100 * 6 / 12)
    assert character_error_rate(np.zeros((1, 2))) == 0.0


def test_precision_and_recall_by_hand() -> None:
    counts = np.array([[2.0, 1, 2, 4], [1, 1, 6, 1]])  # found 3, read 2, of 8 labelled, 5 detected
    assert precision(counts) == pytest.approx(60.0)
    assert recall(counts) == pytest.approx(37.5)
    assert precision(counts, of="read") == pytest.approx(40.0)
    assert recall(counts, of="read") == pytest.approx(25.0)
    assert precision(np.zeros((1, 4))) == recall(np.zeros((1, 4))) == 0.0


PAGES = st.lists(
    st.tuples(*[st.integers(0, 9)] * 4).map(lambda page: (*sorted(page[:2], reverse=True), page[2] + 9, page[3] + 9)),
    min_size=1,
    max_size=6,
)


@given(PAGES, st.randoms())
def test_hmean_lies_between_precision_and_recall_whatever_the_order(pages: list[tuple[int, ...]], draw) -> None:
    counts = np.array(pages, float)
    draw.shuffle(pages)
    for of in ("found", "read"):
        both = (precision(counts, of=of), recall(counts, of=of))
        assert min(both) - 1e-9 <= hmean(counts, of=of) <= max(both) + 1e-9
        assert hmean(np.array(pages, float), of=of) == hmean(counts, of=of)


def test_matches_do_not_depend_on_the_order_of_the_labels() -> None:
    labels = [label(0, 0, "a"), label(50, 0, "b"), label(100, 0, "c", ignore=True)]
    quads = [square(1, 0), square(50, 1), square(101, 0)]
    rows = {count_matches(quads, ["a", "x", "c"], list(order)).row() for order in itertools.permutations(labels)}
    assert rows == {(2, 1, 2, 2)}
