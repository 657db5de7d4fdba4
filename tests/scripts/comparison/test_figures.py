"""The figures, on readings made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from comparison.figures import agreement, figures, ratio_of_sums, stage_shares, time_ratio
from comparison.sides import EDGE_OCR, RAPIDOCR, TESSERACT

from tests.scripts.comparison.readings import PAGES, UNLABELLED, read_by, reading


def test_time_is_a_ratio_of_sums_with_an_interval_around_it() -> None:
    ratio = ratio_of_sums(np.array([[1.0, 2.0], [3.0, 4.0], [2.0, 10.0]]))
    assert ratio.value == pytest.approx(6 / 16)
    assert ratio.low < ratio.value < ratio.high
    assert ratio.low >= 0.2  # the smallest and the largest ratio of a single page
    assert ratio.high <= 0.75


def test_pages_that_agree_leave_no_doubt() -> None:
    ratio = ratio_of_sums(np.array([[1.0, 2.0], [30.0, 60.0]]))
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((0.5, 0.5, 0.5))
    assert str(ratio) == "0.500 [0.500, 0.500]"


def test_any_two_sides_have_a_time_ratio() -> None:
    assert time_ratio(PAGES, EDGE_OCR, RAPIDOCR).value == pytest.approx(0.4 / 0.8)
    assert time_ratio(PAGES[:1], TESSERACT, RAPIDOCR).value == pytest.approx(5)


def test_figures_of_pages_counted_by_hand() -> None:
    found = figures("receipts", PAGES, RAPIDOCR)
    assert (found.name, found.pages, found.lines) == ("receipts", 2, (3, 2))
    assert found.milliseconds == pytest.approx((200, 400))
    assert found.time.value == found.cpu_time.value == pytest.approx(0.5)
    assert found.detection is not None
    assert found.end_to_end is not None
    # edge_ocr: 2 of 3 labels with 3 boxes; RapidOCR: 2 of 3 with 2
    assert found.detection.edge_ocr == pytest.approx(100 * 2 * 2 / 6)
    assert found.detection.peer == pytest.approx(100 * 2 * 2 / 5)
    # texts equal but for case: both of edge_ocr's, one of RapidOCR's
    assert found.end_to_end.edge_ocr == pytest.approx(100 * 2 * 2 / 6)
    assert found.end_to_end.peer == pytest.approx(100 * 2 * 1 / 5)
    assert found.end_to_end.delta.value == pytest.approx(66.67 - 40, abs=0.01)
    assert found.end_to_end.delta.low < found.end_to_end.delta.value < found.end_to_end.delta.high


def test_a_peer_that_read_one_page_is_judged_on_it() -> None:
    found = figures("receipts", PAGES[:1], TESSERACT)
    assert found.milliseconds == pytest.approx((100, 1000))
    assert found.end_to_end is not None
    assert found.end_to_end.peer == pytest.approx(100 * 2 * 1 / 3)
    assert (found.same_boxes, found.same_text) == pytest.approx((100 * 2 * 1 / 3, 100))


def test_only_labelled_pages_have_an_accuracy() -> None:
    unlabelled = replace(PAGES[0], page=UNLABELLED)
    assert figures("photos", [unlabelled], RAPIDOCR).detection is None
    assert figures("photos", [unlabelled], RAPIDOCR).end_to_end is None
    of_labelled = figures("labelled", PAGES[:1], RAPIDOCR).detection
    assert figures("mixed", [unlabelled, PAGES[0]], RAPIDOCR).detection == of_labelled


def test_agreement_is_of_boxes_and_of_the_text_in_common_ones() -> None:
    left, right = reading(1, ("a", 0), ("b", 200), ("c", 400)), reading(1, ("A", 5), ("8", 195))
    boxes, texts = agreement([read_by(UNLABELLED, left, right)], RAPIDOCR)
    assert boxes == pytest.approx(100 * 2 * 2 / 5)
    assert texts == pytest.approx(50)


def test_no_text_on_either_side_is_no_division_by_zero() -> None:
    assert agreement([read_by(UNLABELLED, reading(1), reading(1))], RAPIDOCR) == (0, 0)


def test_shares_of_the_stages_add_up() -> None:
    pages = [{"detect": 40.0, "recognise": 10.0, "total": 60.0}, {"detect": 20.0, "total": 40.0}]
    shares = stage_shares(pages)
    assert shares == pytest.approx({"detect": 60, "recognise": 10, "rest": 30})
