"""The gate: what passes it, what it refuses, and the limits that the project has set itself."""

from __future__ import annotations

import pytest
from comparison.outcome import Comparison
from comparison.targets import Limit, judge, read_limits

from tests.scripts.comparison.readings import comparison

WITH_VNNI, WITHOUT = "A CPU (avx2, avx512_vnni)", "A CPU (avx2)"


def test_the_limits_are_those_that_were_promised() -> None:
    assert read_limits() == [
        Limit("page time", vnni=True, at_most=0.42),
        Limit("page time", vnni=False, at_most=0.50),
        Limit("start to first text", at_most=0.28),
        Limit("peak memory", at_most=0.58),
        Limit("installed size", at_most=0.85),
        Limit("end-to-end hmean, difference", at_least=-0.5),
        Limit("end-to-end hmean, lower end of the difference", at_least=-1.0),
    ]


GOOD = {
    "page time": 0.42,
    "start to first text": 0.28,
    "peak memory": 0.58,
    "installed size": 0.85,
    "end-to-end hmean, difference": -0.5,
    "end-to-end hmean, lower end of the difference": -1.0,
}


def test_figures_on_their_limits_pass() -> None:
    assert all(verdict.met for verdict in judge(read_limits(), GOOD, WITH_VNNI))


@pytest.mark.parametrize("figure", GOOD)
def test_each_figure_beyond_its_limit_is_refused(figure: str) -> None:
    worse = -0.01 if "hmean" in figure else 0.01
    missed = [
        verdict.limit.figure
        for verdict in judge(read_limits(), {**GOOD, figure: GOOD[figure] + worse}, WITH_VNNI)
        if not verdict.met
    ]
    assert missed == [figure]


def test_a_cpu_without_vnni_may_take_longer() -> None:
    slower = {**GOOD, "page time": 0.50}
    assert [verdict.met for verdict in judge(read_limits(), slower, WITH_VNNI)].count(False) == 1
    assert all(verdict.met for verdict in judge(read_limits(), slower, WITHOUT))
    assert len(judge(read_limits(), slower, WITHOUT)) == len(GOOD)


def test_a_comparison_has_every_figure_that_has_a_limit() -> None:
    measured = comparison().measured()
    assert measured.keys() == {limit.figure for limit in read_limits()}
    assert measured["page time"] == pytest.approx(0.5)
    assert measured["start to first text"] == pytest.approx(0.6 / 1.8)  # the middle one of .5, .2 and .333
    assert measured["peak memory"] == pytest.approx(0.5)
    assert measured["installed size"] == pytest.approx(0.8)
    assert measured["end-to-end hmean, difference"] == pytest.approx(66.67 - 40, abs=0.01)


def test_every_side_is_held_against_rapidocr_with_the_same_models() -> None:
    found: Comparison = comparison()
    assert found.page_time("Tesseract").value == pytest.approx(1.0 / 0.2)  # the page that it read
    assert found.first_text("Tesseract") == pytest.approx(1 / 1.8)
    assert found.peak_memory("RapidOCR as installed") == pytest.approx(1.5)
    assert found.installed("RapidOCR as installed") == pytest.approx(1)
    assert found.installed("Tesseract") is None
