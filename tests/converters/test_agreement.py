"""Agreement of two readings, against figures worked out by hand and against the binomial distribution."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converters.evaluation.agreement import agreement
from converters.evaluation.datasets import LabelledLine, LabelledPage
from converters.evaluation.metrics import Interval
from converters.evaluation.readings import LinePair, LineReading, PagePair, Readings
from edge_ocr.page import Page
from tests.converters.gallery import paper_readings

SURE, UNSURE = 0.95, 0.5


def line(reference: str, bundle: str, score: float = SURE) -> LinePair:
    picture = LabelledLine(Path("line.png"), None)
    return LinePair(picture, LineReading(reference, 0.99, score), LineReading(bundle, 1.0, 1.0))


def page(*texts: str, score: float = SURE, shift: float = 0) -> Page:
    """Lines of 100 x 20 pixels, one below the other."""
    corners = np.array([[0, 0], [100, 0], [100, 20], [0, 20]], np.float32)
    places = [corners + np.array([shift, 40 * row], np.float32) for row in range(len(texts))]
    lines = tuple(paper_readings.line(text, place, score) for text, place in zip(texts, places, strict=True))
    return Page(200, 1000, lines)


def pages(*pairs: tuple[Page, Page]) -> Readings:
    return Readings((), tuple(PagePair(LabelledPage(Path("page.png"), None), *pair) for pair in pairs))


def test_the_interval_of_lines_that_agree_is_that_of_the_binomial_distribution() -> None:
    found = agreement(Readings(tuple(line("a", "a" if number < 90 else "b") for number in range(100)), ()))
    distribution = np.cumsum([math.comb(100, k) * 0.9**k * 0.1 ** (100 - k) for k in range(101)])
    low, high = np.searchsorted(distribution, [0.025, 0.975])
    assert (low, high) == (84, 95)
    assert found.same_text is not None
    assert found.same_text.value == pytest.approx(90)
    assert found.same_text.low == pytest.approx(low, abs=1)
    assert found.same_text.high == pytest.approx(high, abs=1)


def test_only_lines_that_the_original_is_sure_of_count_as_sure() -> None:
    """However sure it is on average: what counts is the character that it doubts most."""
    found = agreement(Readings((line("a", "a"), line("b", "c", UNSURE), line("d", "d", 0.7)), ()))
    assert (found.lines, found.sure_lines) == (3, 2)
    assert found.same_text_where_sure == Interval(100, 100, 100)
    assert found.same_text is not None and found.same_text.value == pytest.approx(200 / 3)


def test_width_case_and_spaces_are_no_difference() -> None:
    found = agreement(Readings((line("Grand Hotel １", "GRANDHOTEL 1"),), ()))
    assert found.same_text == Interval(100, 100, 100)
    assert found.change_of_length == Interval(0, 0, 0)


def test_dropped_characters_show_as_a_negative_change_of_length() -> None:
    readings = (line("abcd", "abd"), line("efg", "efg"), line("hij", "h"), line("k l", "kmml"), line("op", "", UNSURE))
    found = agreement(Readings(readings, ()))
    # -1, 0, -2 and +2 characters; the space does not count, and what the original doubts neither.
    assert found.change_of_length is not None
    assert found.change_of_length.value == pytest.approx(-0.25)
    assert found.change_of_length.low < -0.25 < found.change_of_length.high


def test_boxes_agree_by_the_harmonic_mean_of_what_each_one_has() -> None:
    # Two of three boxes in common, the bundle has two: 2 * 2 / (3 + 2). The second page has none.
    found = agreement(pages((page("a", "b", "c"), page("a", "b")), (page(), page())))
    assert found.same_boxes is not None and found.same_boxes.value == pytest.approx(80)
    assert found.lines == 2


def test_boxes_that_lie_elsewhere_are_not_compared() -> None:
    found = agreement(pages((page("a"), page("a", shift=60))))
    assert found.same_boxes == Interval(0, 0, 0)
    assert (found.boxes, found.common_boxes) == (1, 0)
    assert found.same_text is found.same_direction is None


def test_a_line_is_held_the_same_way_up_where_its_text_begins_at_the_same_end() -> None:
    upright = page(*"abcd")
    third = upright.lines[2]
    turned = replace(third, box=np.roll(third.box, 2, axis=0))
    found = agreement(pages((upright, replace(upright, lines=(*upright.lines[:2], turned, upright.lines[3])))))
    assert found.same_direction is not None and found.same_direction.value == 75
    assert found.same_boxes == Interval(100, 100, 100)


def test_the_lines_of_a_page_are_drawn_together() -> None:
    same, other = page(*"abcdefghij"), page(*"ABCDEFGHIJ")
    wrong = page(*"klmnopqrst")
    found = agreement(pages((same, other), (same, wrong)))
    # Of two pages, one in four draws takes the wrong one twice, and one in four the right one.
    assert found.same_text == Interval(50, 0, 100)


def test_one_page_is_not_taken_for_certain() -> None:
    """Its lines are drawn one by one, where pages would be the same in every draw."""
    found = agreement(pages((page(*"abcdefghij"), page(*"abcdefgh", "x", "y"))))
    distribution = np.cumsum([math.comb(10, k) * 0.8**k * 0.2 ** (10 - k) for k in range(11)])
    low, high = 10 * np.searchsorted(distribution, [0.025, 0.975])
    assert found.same_text == Interval(80, low, high)


def test_pictures_without_text_have_no_figures() -> None:
    found = agreement(pages((page(), page())))
    assert (found.lines, found.same_text, found.same_text_where_sure) == (0, None, None)
    assert (found.change_of_length, found.same_boxes, found.same_direction) == (None, None, None)
