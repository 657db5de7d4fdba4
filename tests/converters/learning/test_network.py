"""A TFLite file as a PyTorch network: ai-edge-litert is the judge of what it computes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema

from converters.errors import ConversionError
from converters.learning.network import QuantisedNetwork
from converters.quantization.operators import Prepared
from converters.quantization.recipes import ModelRecipe
from converters.quantization.static import quantise
from tests.converters.tiny_tflite import ACTIVATION, TinyModel, run

FloatArray = npt.NDArray[np.float32]
RANDOM = np.random.default_rng(2)


def drawn(*shape: int) -> FloatArray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def windowed(options: schema.Conv2DOptionsT, stride: int, padding: int = schema.Padding.SAME) -> schema.Conv2DOptionsT:
    options.padding, options.fusedActivationFunction = padding, ACTIVATION.RELU6
    options.strideH = options.strideW = stride
    if hasattr(options, "dilationHFactor"):
        options.dilationHFactor = options.dilationWFactor = 1
    return options


def strided(model: TinyModel, source: int) -> int:
    options = windowed(schema.Conv2DOptionsT(), 2)
    return model.add(
        "CONV_2D", [source, model.constant(drawn(5, 3, 3, 4)), model.constant(drawn(5))], [1, 4, 5, 5], options
    )


def unpadded(model: TinyModel, source: int) -> int:
    options = windowed(schema.Conv2DOptionsT(), 1, schema.Padding.VALID)
    return model.add(
        "CONV_2D", [source, model.constant(drawn(5, 3, 3, 4)), model.constant(drawn(5))], [1, 5, 7, 5], options
    )


def depthwise(model: TinyModel, source: int) -> int:
    options = windowed(schema.DepthwiseConv2DOptionsT(), 2)
    options.depthMultiplier = 1
    inputs = [source, model.constant(drawn(1, 3, 3, 4)), model.constant(drawn(4))]
    return model.add("DEPTHWISE_CONV_2D", inputs, [1, 4, 5, 4], options)


def pooled(kind: str) -> Callable[[TinyModel, int], int]:
    def add(model: TinyModel, source: int) -> int:
        options = schema.Pool2DOptionsT()
        options.padding, options.strideH, options.strideW = schema.Padding.VALID, 2, 3
        options.filterHeight, options.filterWidth = 2, 3
        options.fusedActivationFunction = ACTIVATION.NONE
        return model.add(kind, [source], [1, 3, 3, 4], options)

    return add


def gated(model: TinyModel, source: int) -> int:
    means = model.mean(source, [1, 2])
    product = schema.MulOptionsT()
    product.fusedActivationFunction = ACTIVATION.RELU
    gate = model.add("MUL", [means, model.constant([0.5])], [1, 1, 1, 4], product)
    return model.add("MUL", [source, gate], [1, 7, 9, 4], schema.MulOptionsT())


def bordered(model: TinyModel, source: int) -> int:
    borders = model.constant([[0, 0], [1, 2], [0, 3], [0, 0]], np.int32)
    return model.add("PAD", [source, borders], [1, 10, 12, 4])


def joined(model: TinyModel, source: int) -> int:
    options = schema.ConcatenationOptionsT()
    options.axis = 3
    moved = schema.DepthToSpaceOptionsT()
    moved.blockSize = 2
    both = model.add("CONCATENATION", [source, source], [1, 7, 9, 8], options)
    return model.add("DEPTH_TO_SPACE", [both], [1, 14, 18, 2], moved)


def classified(model: TinyModel, source: int) -> int:
    flat = model.add("RESHAPE", [source, model.constant([1, 252], np.int32)], [1, 252])
    options = schema.FullyConnectedOptionsT()
    scores = model.add(
        "FULLY_CONNECTED", [flat, model.constant(0.1 * drawn(3, 252)), model.constant(drawn(3))], [1, 3], options
    )
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    return model.add("SOFTMAX", [scores], [1, 3], softmax)


def curved(kind: str, options: schema.GeluOptionsT | None = None) -> Callable[[TinyModel, int], int]:
    return lambda model, source: model.add(kind, [source], [1, 7, 9, 4], options)


def of_two(kind: str, options: schema.AddOptionsT) -> Callable[[TinyModel, int], int]:
    return lambda model, source: model.add(kind, [source, model.constant(drawn(4))], [1, 7, 9, 4], options)


@pytest.mark.parametrize(
    "build",
    [
        strided,
        unpadded,
        depthwise,
        pooled("AVERAGE_POOL_2D"),
        pooled("MAX_POOL_2D"),
        gated,
        bordered,
        joined,
        classified,
        curved("GELU", schema.GeluOptionsT()),
        curved("HARD_SWISH"),
        curved("LOGISTIC"),
        of_two("ADD", schema.AddOptionsT()),
        of_two("SUB", schema.SubOptionsT()),
    ],
)
def test_each_operator_computes_what_tflite_computes(build: Callable[[TinyModel, int], int]) -> None:
    model = TinyModel(1, 7, 9, 4)
    content = model.to_bytes(build(model, model.input))
    batch = drawn(3, 7, 9, 4)
    found = QuantisedNetwork(content, {}, ())(torch.from_numpy(batch)).detach().numpy()
    wanted = np.concatenate([run(content, picture[None]) for picture in batch])
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-5


def blocks() -> bytes:
    """What recognizers are made of: a border, convolutions, GELU, a gate and a sum."""
    model = TinyModel(1, 8, 16, 3)
    borders = model.constant([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
    padded = model.add("PAD", [model.input, borders], [1, 10, 18, 3])
    first = model.conv(padded, drawn(8, 3, 3, 3), drawn(8))
    curve = model.add("GELU", [first], [1, 10, 18, 8], schema.GeluOptionsT())
    second = model.conv(curve, drawn(8, 1, 1, 8), drawn(8))
    gate = model.conv(model.mean(second, [1, 2]), drawn(8, 1, 1, 8), drawn(8), ACTIVATION.RELU6)
    product = model.add("MUL", [second, gate], [1, 10, 18, 8], schema.MulOptionsT())
    total = model.add("ADD", [product, second], [1, 10, 18, 8], schema.AddOptionsT())
    return model.to_bytes(model.conv(total, drawn(5, 1, 1, 8), drawn(5)))


RECIPE = ModelRecipe("static", ("CONV_2D", "ADD", "MUL", "PAD", "MEAN"), ranges="least-error", samples=4)


def test_it_rounds_as_the_written_file_does() -> None:
    content, inputs = blocks(), [drawn(1, 8, 16, 3) for _ in range(4)]
    seen: list[Prepared] = []

    def look(prepared: Prepared) -> Prepared:
        seen.append(prepared)
        return prepared

    written = quantise(content, RECIPE, inputs, learn=look)
    network = QuantisedNetwork(seen[0].content, seen[0].ranges, [each.output for each in seen[0].operators])
    with torch.no_grad():
        found = [network(torch.from_numpy(tensor)).numpy() for tensor in inputs]
    wanted = [run(written, tensor) for tensor in inputs]
    exact = [run(content, tensor) for tensor in inputs]
    apart = np.mean([np.square(a - b).mean() for a, b in zip(found, wanted, strict=True)])
    noise = np.mean([np.square(a - b).mean() for a, b in zip(wanted, exact, strict=True)])
    # The file's integers and floating point round a few values to either side; all else is the same.
    assert apart < 0.05 * noise


def test_what_has_not_learned_comes_back_as_it_was() -> None:
    content = blocks()
    written, ranges = QuantisedNetwork(content, {}, ()).learned()
    picture = drawn(1, 8, 16, 3)
    assert ranges == {}
    assert np.abs(run(written, picture) - run(content, picture)).max() < 1e-4


def test_an_operator_that_it_does_not_know_is_named() -> None:
    model = TinyModel(1, 4, 4, 3)
    content = model.to_bytes(model.add("SQRT", [model.input], [1, 4, 4, 3]))
    with pytest.raises(ConversionError, match="cannot follow the operators SQRT"):
        QuantisedNetwork(content, {}, ())
