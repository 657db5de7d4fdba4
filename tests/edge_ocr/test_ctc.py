from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_ocr import ctc
from edge_ocr.engines.base import TensorType
from tests.edge_ocr.fake_network import FLOAT


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(0, 5))
def test_best_path_is_collapsed_as_ctc_defines_it(best: list[int], blank: int) -> None:
    frames = np.eye(6, dtype=np.float32)[best] * 9
    path = ctc.best_path(frames, blank)

    runs = [(value, list(run)) for value, run in groupby(enumerate(best), key=lambda item: item[1])]
    kept = [(value, run[0][0], run[-1][0]) for value, run in runs if value != blank]
    assert list(zip(path.classes.tolist(), path.first.tolist(), path.last.tolist(), strict=True)) == kept


def test_softmax_equals_the_plain_formula() -> None:
    logits = np.random.default_rng(2).normal(0, 8, (20, 500))
    plain = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).max(axis=1)
    assert ctc.probability_of_best(logits.astype(np.float32), FLOAT) == pytest.approx(plain, rel=1e-5)


def test_softmax_of_large_logits_does_not_overflow() -> None:
    assert ctc.probability_of_best(np.array([[1000.0, 0.0]], np.float32), FLOAT).tolist() == [1.0]


@pytest.mark.parametrize("kind", [TensorType(np.dtype(np.int8), 0.2, -3), TensorType(np.dtype(np.uint8), 1.5, 40)])
def test_softmax_of_8_bit_logits_equals_that_of_their_values(kind: TensorType) -> None:
    limits = np.iinfo(kind.dtype)
    numbers = np.random.default_rng(2).integers(limits.min, limits.max, (20, 500), dtype=kind.dtype, endpoint=True)
    expected = ctc.probability_of_best(kind.decode(numbers), FLOAT)
    assert ctc.probability_of_best(numbers, kind) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", [FLOAT, TensorType(np.dtype(np.int8), 0.2, -3)])
def test_no_frames_have_no_scores(kind: TensorType) -> None:
    assert ctc.probability_of_best(np.empty((0, 500), kind.dtype), kind).shape == (0,)
