"""Weights that are rounded together, layer by layer."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.errors import ConversionError
from converters.quantization.linear import LinearLayer
from converters.quantization.recipes import ModelRecipe
from converters.quantization.rounding import reconstruct, round_together
from converters.quantization.single_operator import SingleOperator
from converters.quantization.static import prepare, quantise
from converters.tflite.graph import TFLiteGraph
from tests.converters.tiny_tflite import ACTIVATION, TinyModel, run

LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
WEIGHTS = ModelRecipe("weights", LAYERS, samples=8, rounding="reconstructed")
STATIC = ModelRecipe("static", LAYERS, samples=8, rounding="reconstructed")


def depthwise(model: TinyModel, source: int, weights: np.ndarray, stride: int = 1, dilation: int = 1) -> int:
    """A depthwise convolution with padding; weights (1, h, w, channels)."""
    options = schema.DepthwiseConv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.SAME, stride, stride
    options.dilationHFactor = options.dilationWFactor = dilation
    _, height, width, channels = model.graph.tensors[source].shape
    options.depthMultiplier = weights.shape[3] // channels
    shape = [1, -(-height // stride), -(-width // stride), weights.shape[3]]
    bias = model.constant(np.linspace(-1, 1, weights.shape[3]))
    return model.add("DEPTHWISE_CONV_2D", [source, model.constant(weights), bias], shape, options)


def network(seed: int = 0) -> bytes:
    """conv -> ReLU -> depthwise -> GELU -> conv, whose channels read much the same."""
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    model = TinyModel(1, 16, 16, 3)
    features = model.conv(model.input, normal(12, 3, 3, 3), normal(12), ACTIVATION.RELU)
    features = depthwise(model, features, normal(1, 3, 3, 12))
    features = model.add("GELU", [features], [1, 16, 16, 12], schema.GeluOptionsT())
    return model.to_bytes(model.conv(features, normal(6, 1, 1, 12), normal(6)))


def pictures(count: int = 8, seed: int = 1) -> list[np.ndarray]:
    """Smooth, as pictures are: neighbouring pixels differ little."""
    random = np.random.default_rng(seed)
    return [
        np.kron(random.standard_normal((1, 4, 4, 3)), np.ones((1, 4, 4, 1))).astype(np.float32)
        + 0.1 * random.standard_normal((1, 16, 16, 3)).astype(np.float32)
        for _ in range(count)
    ]


def error(content: bytes, reference: bytes) -> float:
    """At the output, on pictures that nothing was calibrated on."""
    return float(np.mean([np.square(run(content, x) - run(reference, x)).mean() for x in pictures(seed=2)]))


@pytest.mark.parametrize(
    ("recipe", "share"),
    [
        pytest.param(WEIGHTS, 0.5, id="weights"),
        pytest.param(STATIC, 0.97, id="static, where most of the error is of activations"),
    ],
)
def test_the_output_comes_closer_to_the_float_models(recipe: ModelRecipe, share: float) -> None:
    content = network()
    nearest = ModelRecipe(recipe.mode, LAYERS, samples=8 if recipe.mode == "static" else 0)
    together = error(quantise(content, recipe, pictures()), content)
    assert 0 < together < share * error(quantise(content, nearest, pictures()), content)


@pytest.mark.parametrize("recipe", [WEIGHTS, STATIC], ids=["weights", "static"])
def test_the_file_holds_the_integers_that_were_chosen(recipe: ModelRecipe) -> None:
    chosen = TFLiteGraph(reconstruct(prepare(network(), recipe, pictures()), pictures()).content)
    written = TFLiteGraph(quantise(network(), recipe, pictures()))
    constants = filter(written.is_constant, range(len(written.subgraph.tensors)))
    stored = [written.constant(index) for index in constants if written.tensor(index).type == schema.TensorType.INT8]
    layers = [operator for operator in chosen.operators if chosen.kind(operator) in LAYERS]
    assert len(layers) == 3
    for operator in layers:
        weights = chosen.constant(operator.inputs[1])
        axes = (0, 1, 2) if chosen.kind(operator) == "DEPTHWISE_CONV_2D" else (1, 2, 3)
        integers = weights * 127 / np.abs(weights).max(axes, keepdims=True)
        np.testing.assert_allclose(integers, np.round(integers), atol=1e-4)
        assert any(array.shape == weights.shape and np.array_equal(array, np.round(integers)) for array in stored)


def test_the_mean_of_each_channel_is_the_float_models() -> None:
    content = network()
    together = quantise(content, WEIGHTS, pictures())
    nearest = quantise(content, ModelRecipe("weights", LAYERS), [])

    def bias(quantised: bytes) -> float:
        shift = [(run(quantised, x) - run(content, x)).mean((0, 1, 2)) for x in pictures()]
        return float(np.abs(np.mean(shift, 0)).max())

    assert bias(together) < 0.2 * bias(nearest)


def test_same_inputs_same_bytes() -> None:
    assert quantise(network(), STATIC, pictures()) == quantise(network(), STATIC, pictures())


def test_every_input_is_told_of_once_for_each_time_that_it_is_looked_at() -> None:
    for recipe in (WEIGHTS, STATIC):
        calls: list[None] = []
        quantise(network(), recipe, pictures(), partial(calls.append, None))
        assert len(calls) == 8 * recipe.passes


def test_weights_that_were_trained_for_their_steps_stay_on_them() -> None:
    nearest = ModelRecipe("static", LAYERS, samples=8)
    assert quantise(network(), STATIC, pictures(), learned={}) == quantise(network(), nearest, pictures(), learned={})


def test_layers_that_training_has_switched_off_do_no_harm() -> None:
    model = TinyModel(1, 16, 16, 3)
    off = model.conv(model.input, np.zeros((4, 1, 1, 3), np.float32), np.zeros(4, np.float32), ACTIVATION.RELU)
    content = model.to_bytes(model.conv(off, np.ones((4, 1, 1, 4), np.float32), np.ones(4, np.float32)))
    np.testing.assert_allclose(run(quantise(content, WEIGHTS, pictures()), pictures()[0]), 1, atol=1e-6)


def test_no_pictures_is_an_error() -> None:
    with pytest.raises(ConversionError, match="at least one picture"):
        quantise(network(), WEIGHTS, [])


def test_numbers_that_are_not_finite_are_refused() -> None:
    model = TinyModel(1, 16, 16, 3)
    output = model.conv(model.input, np.full((2, 1, 1, 3), np.nan, np.float32), np.zeros(2, np.float32))
    with pytest.raises(ConversionError, match="not finite"):
        quantise(model.to_bytes(output), WEIGHTS, pictures())


def test_rounding_together_comes_close_to_the_best_of_all_choices() -> None:
    random = np.random.default_rng(3)
    weights = random.standard_normal((1, 20, 7))
    samples = random.standard_normal((200, 2)) @ random.standard_normal((2, 7)) + 0.1 * random.standard_normal((200, 7))
    products = samples.T @ samples / 200
    steps = np.abs(weights).max(-1, keepdims=True) / 127

    def cost(chosen: np.ndarray) -> np.ndarray:
        return np.einsum("...d,de,...e->...", chosen - weights, products, chosen - weights)

    below = np.floor(weights / steps + 1e-9)
    ups = np.array(list(product((0, 1), repeat=7)))[:, None, None]
    best = cost(np.clip(below + ups, -127, 127) * steps).min(0)
    chosen = round_together(weights, products[None])
    np.testing.assert_allclose(np.abs(chosen).max(-1), np.abs(weights).max(-1), rtol=1e-12)
    # It may leave the two neighbours of a weight, which the enumeration does not.
    assert np.median(cost(chosen) / best) < 1.5
    assert cost(chosen).sum() < 0.2 * cost(np.round(weights / steps) * steps).sum()


def one_layer(kind: str, weights: np.ndarray, shape: tuple[int, ...], **settings: int) -> TFLiteGraph:
    model = TinyModel(*shape)
    options = getattr(schema, {"CONV_2D": "Conv2DOptionsT"}.get(kind, "FullyConnectedOptionsT"))()
    for name, value in settings.items():
        setattr(options, name, value)
    bias = model.constant(np.arange(len(weights)))
    # The interpreter works the output's size out by itself.
    return TFLiteGraph(model.to_bytes(model.add(kind, [model.input, model.constant(weights), bias], [1], options)))


def one_depthwise(**settings: int) -> TFLiteGraph:
    model = TinyModel(1, 9, 14, 3)
    weights = np.random.default_rng(7).standard_normal((1, 3, 5, 6))
    return TFLiteGraph(model.to_bytes(depthwise(model, model.input, weights, **settings)))


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(6).standard_normal(shape).astype(np.float32)


VALID = {"padding": schema.Padding.VALID, "strideH": 2, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 2}
SAME = VALID | {"padding": schema.Padding.SAME}


@pytest.mark.parametrize(
    ("graph", "shape"),
    [
        pytest.param(one_layer("CONV_2D", normal(4, 3, 2, 3), (1, 9, 14, 3), **SAME), (1, 9, 14, 3), id="padded"),
        pytest.param(one_layer("CONV_2D", normal(4, 3, 2, 3), (1, 9, 14, 3), **VALID), (1, 9, 14, 3), id="unpadded"),
        pytest.param(one_layer("CONV_2D", normal(6, 3, 3, 2), (1, 9, 14, 6), **SAME), (1, 9, 14, 6), id="3 groups"),
        pytest.param(one_depthwise(stride=2), (1, 9, 14, 3), id="depthwise, two outputs a channel"),
        pytest.param(one_depthwise(dilation=2), (1, 9, 14, 3), id="depthwise, dilated"),
        pytest.param(one_layer("FULLY_CONNECTED", normal(5, 12), (7, 3, 4)), (7, 3, 4), id="fully connected"),
    ],
)
def test_a_layer_is_the_product_of_its_weights_with_its_columns(graph: TFLiteGraph, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(5).standard_normal(shape).astype(np.float32)
    layer = LinearLayer(graph, graph.operators[0])
    places = layer.draw(values, 200, np.random.default_rng(0))
    products = np.einsum("god,gnd->ngo", layer.weights, layer.columns(values, places)) + layer.bias
    entry, end = int(graph.subgraph.inputs[0]), int(graph.subgraph.outputs[0])
    found = SingleOperator(graph, graph.operators[0]).run({entry: values})[end]
    found = found.reshape(-1, 1, 1, found.shape[-1]) if found.ndim == 2 else found
    assert [len(set(axis)) for axis in places] == list(found.shape[:3])
    np.testing.assert_allclose(products.reshape(200, -1), found[tuple(places)], rtol=1e-4, atol=1e-5)


def test_operators_run_one_by_one_compute_what_the_model_does() -> None:
    content, values = network(), pictures()[0][:, :, :11]
    graph = TFLiteGraph(content)
    tensors = {int(graph.subgraph.inputs[0]): values}
    for operator in graph.operators:
        step = SingleOperator(graph, operator)
        tensors |= step.run(tensors)
    np.testing.assert_allclose(tensors[int(graph.subgraph.outputs[0])], run(content, values), rtol=1e-4, atol=1e-4)


def test_a_tensor_that_an_operator_reads_twice() -> None:
    model = TinyModel(1, 16, 16, 3)
    features = model.conv(model.input, normal(8, 1, 1, 3), normal(8))
    squares = model.add("MUL", [features, features], [1, 16, 16, 8], schema.MulOptionsT())
    content = model.to_bytes(model.conv(squares, normal(4, 1, 1, 8), normal(4)))
    nearest = ModelRecipe("weights", LAYERS)
    assert error(quantise(content, WEIGHTS, pictures()), content) < error(quantise(content, nearest, []), content)
