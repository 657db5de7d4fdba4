"""Means over large maps: as exact as float can be."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from converters.tflite.graph import TFLiteGraph
from converters.tflite.inspection import assert_one_partition
from converters.tflite.resizable import make_resizable
from converters.tflite.row_means import average_rows_first
from tests.converters.tiny_tflite import TinyModel, run

BOTH = (1, 2)


def averaging(axes: tuple[int, ...], *, free: tuple[int, ...]) -> bytes:
    """The mean over `axes` of a map that may be resized along `free`."""
    model = TinyModel(1, 64, 96, 3)
    return make_resizable(model.to_bytes(model.mean(model.input, axes)), free)


def kinds(content: bytes) -> Counter[str]:
    graph = TFLiteGraph(content)
    return Counter(graph.kind(operator) for operator in graph.operators)


@pytest.mark.parametrize("size", [(64, 96), (480, 480), (1, 7)])
def test_the_mean_of_a_large_map_is_that_of_float64(size: tuple[int, int]) -> None:
    content = average_rows_first(averaging(BOTH, free=BOTH))
    assert_one_partition(content, "mean")
    x = np.random.default_rng(0).random((1, *size, 3), np.float32) + 100
    expected = x.astype(np.float64).mean(BOTH, keepdims=True)
    np.testing.assert_allclose(run(content, x), expected, rtol=2e-6)


@pytest.mark.parametrize("content", [averaging(BOTH, free=(2,)), averaging(BOTH, free=()), averaging((2,), free=BOTH)])
def test_other_means_stay(content: bytes) -> None:
    assert kinds(average_rows_first(content)) == {"MEAN": 1}
