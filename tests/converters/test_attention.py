"""An attention block as onnx2tf writes it: resizable, in as few operators as TFLite has for it, and fit to run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.errors import ConversionError
from converters.tflite.graph import TFLiteGraph
from converters.tflite.inspection import assert_one_partition
from converters.tflite.resizable import make_resizable
from converters.tflite.simplify import simplify
from edge_ocr.engines.tflite_file import check_model
from edge_ocr.errors import EngineError
from tests.converters.tiny_tflite import TinyModel, run

HEADS, DEPTH = 2, 3
CHANNELS = HEADS * DEPTH
EPSILON = 1e-5
RANDOM = np.random.default_rng(3)


def numbers(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


JOINED, BIAS, LAST = numbers(CHANNELS, 3 * CHANNELS), numbers(3 * CHANNELS), numbers(CHANNELS, CHANNELS)


def attention(width: int) -> bytes:
    """Layer normalisation and self-attention over (1, 1, width, CHANNELS), written for one width."""
    model = TinyModel(1, 1, width, CHANNELS)

    def binary(name: str, one: int, other: int, shape: list[int]) -> int:
        return model.add(name, [one, other], shape, getattr(schema, f"{name.title()}OptionsT")())

    def product(one: int, other: int, shape: list[int]) -> int:
        return model.add("BATCH_MATMUL", [one, other], shape, schema.BatchMatMulOptionsT())

    def reshape(source: int, shape: list[int]) -> int:
        return model.add("RESHAPE", [source, model.constant(shape, np.int32)], shape)

    def transpose(source: int, axes: list[int]) -> int:
        shape = [model.graph.tensors[source].shape[axis] for axis in axes]
        return model.add("TRANSPOSE", [source, model.constant(axes, np.int32)], shape)

    sequence, row = [1, width, CHANNELS], [1, width, 1]
    lines = reshape(model.input, sequence)
    centred = binary("SUB", lines, model.mean(lines, [2]), sequence)
    variance = model.mean(binary("MUL", centred, centred, sequence), [2])
    deviation = model.add("SQRT", [binary("ADD", variance, model.constant([EPSILON]), row)], row)
    normal = binary("DIV", centred, deviation, sequence)
    joined = [1, width, 3 * CHANNELS]
    projected = binary("ADD", product(normal, model.constant(JOINED), joined), model.constant(BIAS), joined)
    apart = transpose(reshape(projected, [1, width, 3, HEADS, DEPTH]), [2, 0, 3, 1, 4])
    query, key, value = (reshape(part, [1, HEADS, width, DEPTH]) for part in model.split(apart, 0, 3))
    likeness = product(query, transpose(key, [0, 1, 3, 2]), [1, HEADS, width, width])
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    weights = model.add("SOFTMAX", [likeness], [1, HEADS, width, width], options)
    read = transpose(product(weights, value, [1, HEADS, width, DEPTH]), [0, 2, 1, 3])
    last = product(reshape(read, sequence), model.constant(LAST), sequence)
    return model.to_bytes(reshape(last, [1, 1, width, CHANNELS]))


def by_numpy(x: np.ndarray) -> np.ndarray:
    """The same in float64: Vaswani et al., "Attention is all you need" (2017), without the factor."""
    lines = x[0, 0].astype(np.float64)
    normal = (lines - lines.mean(1, keepdims=True)) / np.sqrt(lines.var(1, keepdims=True) + EPSILON)
    query, key, value = (normal @ JOINED + BIAS).reshape(-1, 3, HEADS, DEPTH).transpose(1, 2, 0, 3)
    powers = np.exp(query @ key.transpose(0, 2, 1))
    read = powers / powers.sum(-1, keepdims=True) @ value
    return (read.transpose(1, 0, 2).reshape(len(lines), CHANNELS) @ LAST)[None, None]


def test_attention_serves_every_width_in_one_partition() -> None:
    resizable = make_resizable(simplify(attention(40)), (2,))
    assert_one_partition(resizable, "attention")
    for width in (40, 5, 400, 40, 1):
        x = numbers(1, 1, width, CHANNELS)
        np.testing.assert_allclose(run(resizable, x), by_numpy(x), atol=1e-4)


def test_linear_layers_are_one_operator_with_their_bias() -> None:
    graph = TFLiteGraph(simplify(attention(8)))
    kinds = Counter(graph.kind(operator) for operator in graph.operators)
    assert (kinds["FULLY_CONNECTED"], kinds["BATCH_MATMUL"], kinds["ADD"]) == (2, 2, 1)


def test_a_sum_that_is_no_bias_stays() -> None:
    model = TinyModel(1, 5, 4)
    product = model.add(
        "BATCH_MATMUL", [model.input, model.constant(numbers(4, 4))], [1, 5, 4], schema.BatchMatMulOptionsT()
    )
    content = model.to_bytes(model.add("ADD", [product, model.input], [1, 5, 4], schema.AddOptionsT()))
    x = numbers(1, 5, 4)
    np.testing.assert_allclose(run(simplify(content), x), run(content, x), atol=1e-6)
    graph = TFLiteGraph(simplify(content))
    assert [graph.kind(operator) for operator in graph.operators] == ["FULLY_CONNECTED", "ADD"]


def frozen_sum(model: TinyModel) -> int:
    position = model.constant(numbers(1, 1, 8, 4))
    return model.add("ADD", [model.input, position], [1, 1, 8, 4], schema.AddOptionsT())


def frozen_product(model: TinyModel) -> int:
    options = schema.BatchMatMulOptionsT()
    options.adjX = True
    return model.add("BATCH_MATMUL", [model.input, model.constant(numbers(1, 1, 8, 3))], [1, 1, 4, 3], options)


def computed_weights(model: TinyModel) -> int:
    rows = model.add("RESHAPE", [model.input, model.constant([8, 4], np.int32)], [8, 4])
    inputs = [model.constant(numbers(3, 4)), rows, model.constant(numbers(8))]
    options = schema.FullyConnectedOptionsT()
    return model.add("FULLY_CONNECTED", inputs, [3, 8], options)


def frozen_neighbour(model: TinyModel) -> int:
    options = schema.ConcatenationOptionsT()
    options.axis = 3
    return model.add("CONCATENATION", [model.input, model.constant(numbers(1, 1, 8, 2))], [1, 1, 8, 6], options)


def frozen_parts(model: TinyModel) -> int:
    return model.split(model.input, 2, 2)[0]


def spread_width(model: TinyModel) -> int:
    return model.add("RESHAPE", [model.input, model.constant([1, 2, 4, 4], np.int32)], [1, 2, 4, 4])


def unknown(model: TinyModel) -> int:
    return model.add("REVERSE_V2", [model.input, model.constant([2], np.int32)], [1, 1, 8, 4])


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (frozen_sum, r"ADD works with t\d, whose shape \(1, 1, 8, 4\) was made for the one input size"),
        (frozen_product, r"BATCH_MATMUL works with t\d, whose shape \(1, 1, 8, 3\)"),
        (computed_weights, r"FULLY_CONNECTED works with t\d, whose shape \(8, 4\)"),
        (frozen_neighbour, r"CONCATENATION works with t\d, whose shape \(1, 1, 8, 2\)"),
        (frozen_parts, r"SPLIT works with t0"),
        (spread_width, r"\(1, 1, 8, 4\) -> \(1, 2, 4, 4\) spreads"),
        (unknown, r"REVERSE_V2 may store the size"),
    ],
)
def test_what_serves_one_width_is_refused_by_name(end: Callable[[TinyModel], int], sentence: str) -> None:
    model = TinyModel(1, 1, 8, 4)
    content = model.to_bytes(end(model))
    make_resizable(content, ())
    with pytest.raises(ConversionError, match=sentence):
        make_resizable(content, (2,))


def packed(content: bytes, change: Callable[[TFLiteGraph], None] = lambda graph: None) -> bytes:
    """The file after a change of its object tree."""
    graph = TFLiteGraph(content)
    change(graph)
    return graph.to_bytes()


def first(graph: TFLiteGraph, kind: str) -> schema.OperatorT:
    return next(operator for operator in graph.operators if graph.kind(operator) == kind)


def turned_matrix(graph: TFLiteGraph) -> None:
    first(graph, "BATCH_MATMUL").builtinOptions.adjY = True


def wider_product(graph: TFLiteGraph) -> None:
    graph.tensor(first(graph, "BATCH_MATMUL").outputs[0]).shape = [1, HEADS, 40, 4000]


def more_parts(graph: TFLiteGraph) -> None:
    first(graph, "SPLIT").builtinOptions.numSplits = 1000


def missing_part(graph: TFLiteGraph) -> None:
    split = first(graph, "SPLIT")
    split.builtinOptions.numSplits, split.outputs = 2, split.outputs[:2]


def axis_far_out(graph: TFLiteGraph) -> None:
    split = first(graph, "SPLIT")
    split.inputs = [graph.add_constant(np.array([9], np.int32), like=split.inputs[0]), split.inputs[1]]


def longer_root(graph: TFLiteGraph) -> None:
    graph.tensor(first(graph, "SQRT").outputs[0]).shape = [1, 4000, 1]


def unlike_quotient(graph: TFLiteGraph) -> None:
    graph.tensor(first(graph, "DIV").outputs[0]).shape = [1, 4000, CHANNELS]


def test_the_runtime_runs_it() -> None:
    check_model(packed(make_resizable(simplify(attention(40)), (2,))))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (turned_matrix, "BATCH_MATMUL, does not fit"),
        (wider_product, "BATCH_MATMUL, does not fit"),
        (more_parts, "SPLIT, does not fit"),
        (missing_part, "SPLIT, does not fit"),
        (axis_far_out, "SPLIT, does not fit"),
        (longer_root, "SQRT, does not fit"),
        (unlike_quotient, "DIV, does not fit"),
    ],
)
def test_the_runtime_refuses_harm_by_name(change: Callable[[TFLiteGraph], None], sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        check_model(packed(simplify(attention(40)), change))
