"""Figures of samples, against Python's own statistics and against hand-made ones."""

from __future__ import annotations

import random
import statistics

import pytest

from edge_ocr.benchmark.summary import Summary


def test_the_figures_are_those_of_the_statistics_module() -> None:
    chooser = random.Random(1)
    samples = [chooser.uniform(90, 110) for _ in range(101)]
    found = Summary.of(samples)
    hundredths = statistics.quantiles(samples, n=100, method="inclusive")
    expected = Summary(
        count=101,
        mean=statistics.mean(samples),
        std=statistics.stdev(samples),
        min=min(samples),
        p50=statistics.median(samples),
        p90=hundredths[89],
        p99=hundredths[98],
    )
    assert vars(found) == pytest.approx(vars(expected), abs=0.0005)


def test_one_sample_is_every_figure_but_spreads_nothing() -> None:
    assert Summary.of([4.2]) == Summary(1, 4.2, 0.0, 4.2, 4.2, 4.2, 4.2)


def test_percentiles_lie_between_samples() -> None:
    assert Summary.of([0, 10]).p90 == 9.0
    assert Summary.of(range(11)).p90 == 9.0
