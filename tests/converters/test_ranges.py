"""Which range an activation gets from what calibration saw of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.errors import ConversionError
from converters.quantization.ranges import Range, choose_ranges, observe
from converters.quantization.recipes import ModelRecipe
from converters.quantization.static import quantise
from converters.tflite.graph import TFLiteGraph
from tests.converters.tiny_tflite import TinyModel, run

SHAPE = [1, 16, 16, 8]


def normal(count: int = 20) -> list[np.ndarray]:
    """Inputs of standard deviation 1."""
    random = np.random.default_rng(1)
    return [random.standard_normal((1, 16, 16, 3)).astype(np.float32) for _ in range(count)]


def widened(*activation: str) -> bytes:
    """A convolution whose outputs have standard deviation 10, these operators, and another convolution.

    Two operators stand for Swish: the sigmoid of a tensor, and the product of the two.
    """
    random = np.random.default_rng(3)
    model = TinyModel(1, 16, 16, 3)
    kernel = random.standard_normal((8, 1, 1, 3)).astype(np.float32)
    kernel *= 10 / np.linalg.norm(kernel, axis=3, keepdims=True)
    features = wide = model.conv(model.input, kernel, np.zeros(8, np.float32))
    for kind in activation:
        options = {"GELU": schema.GeluOptionsT, "MUL": schema.MulOptionsT, "ADD": schema.AddOptionsT}.get(kind)
        inputs = [wide, features] if kind in ("MUL", "ADD") else [features]
        features = model.add(kind, inputs, SHAPE, *([options()] if options else []))
    return model.to_bytes(model.conv(features, np.ones((2, 1, 1, 8), np.float32), np.zeros(2, np.float32)))


def chosen(content: bytes, method: str) -> Range:
    """For the output of the first convolution."""
    graph = TFLiteGraph(content)
    ranges = choose_ranges(content, observe(content, normal(), lambda: None), method)
    return ranges[graph.tensor_name(graph.operators[0].outputs[0])]


def test_a_percentile_is_that_of_the_distribution() -> None:
    """Of the normal distribution 2.28 % is beyond two standard deviations on either side."""
    found = chosen(widened(), "percentile-97.725")
    assert found.low == pytest.approx(-20, rel=0.03)
    assert found.high == pytest.approx(20, rel=0.03)


def test_a_percentile_clips_neither_the_input_nor_the_output() -> None:
    content = widened()
    graph, seen = TFLiteGraph(content), observe(content, normal(), lambda: None)
    clipped, whole = (choose_ranges(content, seen, method) for method in ("percentile-90", "extremes"))
    for index in graph.boundary:
        assert clipped[graph.tensor_name(index)] == whole[graph.tensor_name(index)]
    assert sum(clipped[name] != whole[name] for name in whole) == 1


def test_a_tensor_that_is_nearly_always_0_keeps_what_it_seldom_is() -> None:
    model = TinyModel(1, 16, 16, 3)
    kernel = np.array([1, 0, 0], np.float32).reshape(1, 1, 1, 3)
    seldom = model.conv(model.input, kernel, np.zeros(1, np.float32))
    content = model.to_bytes(model.conv(seldom, np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32)))
    tensor = np.zeros((1, 16, 16, 3), np.float32)
    tensor[0, 3, 3, 0] = 5
    graph = TFLiteGraph(content)
    name = graph.tensor_name(graph.operators[0].outputs[0])
    ranges = choose_ranges(content, observe(content, [tensor], lambda: None), "percentile-99")
    assert ranges[name] == Range(0, 5)


def test_a_model_is_quantised_by_percentiles() -> None:
    content = widened("GELU")
    recipe = ModelRecipe("static", ("CONV_2D",), ranges="percentile-99.9", samples=4)
    quantised = quantise(content, recipe, normal(4))
    wanted = run(content, normal()[5])
    assert 0 < np.square(run(quantised, normal()[5]) - wanted).mean() < 0.01 * np.square(wanted).mean()


def test_a_median_of_parts_is_not_moved_by_a_strange_input() -> None:
    content, inputs = widened(), normal()
    graph = TFLiteGraph(content)
    name = graph.tensor_name(graph.operators[0].outputs[0])

    def high(median_of: int, *, strange: bool) -> float:
        seen = observe(content, [50 * inputs[0] if strange else inputs[0], *inputs[1:]], lambda: None)
        return choose_ranges(content, seen, "percentile-99", median_of=median_of)[name].high

    assert high(5, strange=True) == pytest.approx(high(5, strange=False), rel=0.05)
    assert high(5, strange=False) == pytest.approx(high(1, strange=False), rel=0.05)
    assert high(1, strange=True) > 2 * high(1, strange=False)


def test_more_parts_than_inputs_are_as_many_as_there_are() -> None:
    content, seen = widened(), observe(widened(), normal(3), lambda: None)
    three, many = (choose_ranges(content, seen, "least-error", median_of=number) for number in (3, 100))
    assert three == many


def test_a_median_clips_neither_the_input_nor_the_output() -> None:
    content = widened()
    graph, seen = TFLiteGraph(content), observe(content, normal(), lambda: None)
    whole, median = (choose_ranges(content, seen, "least-error", median_of=number) for number in (1, 4))
    assert all(whole[graph.tensor_name(index)] == median[graph.tensor_name(index)] for index in graph.boundary)
    assert whole != median


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"median_of": 0}, "median_of is 0; give a whole number from 1"),
        ({"median_of": 2.5}, "median_of is 2.5"),
        ({"median_of": 3, "ranges": "extremes"}, "median_of is about ranges that are clipped"),
        ({"median_of": 3, "mode": "weights", "samples": 0}, "median_of is about ranges that are clipped"),
    ],
)
def test_a_median_is_of_clipped_ranges(fields: dict[str, Any], complaint: str) -> None:
    entry = {"mode": "static", "operators": ("CONV_2D",), "ranges": "least-error", "samples": 4}
    with pytest.raises(ConversionError, match=complaint):
        ModelRecipe(**{**entry, **fields})


@pytest.mark.parametrize("activation", [("GELU",), ("HARD_SWISH",), ("LOGISTIC",), ("LOGISTIC", "MUL")])
def test_the_lower_end_gives_up_what_the_activation_behind_it_flattens(activation: tuple[str, ...]) -> None:
    plain, before = chosen(widened(), "least-error"), chosen(widened(*activation), "least-error")
    assert plain.low < -20
    assert -9 < before.low < -1


def test_a_sigmoid_that_gates_something_else_is_no_swish() -> None:
    """Behind a sum with the sigmoid what is far below zero counts in full."""
    assert chosen(widened("LOGISTIC", "ADD"), "least-error").low < -20


@pytest.mark.parametrize("ranges", ["percentile", "percentile-", "percentile-101", "percentile-9", "percentile-nan"])
def test_a_percentile_is_a_number_from_50_to_100(ranges: str) -> None:
    with pytest.raises(ConversionError, match=f"ranges '{ranges}' is not one of extremes, least-error, nor a perc"):
        ModelRecipe("static", ("CONV_2D",), ranges=ranges, samples=4)
