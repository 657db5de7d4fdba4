"""Tiny ONNX models, and the question that every rewrite must answer: are the numbers the same?"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime

from converters.graph import Rewritten, rewrite
from tests.converters.graph.plain_lstm import recurrent_logits

CHANNELS = 4
SIZES = ((8, 8), (12, 20))


def tiny_model(body: str, *, channels: int = CHANNELS, opset: int = 17, **constants: np.ndarray) -> onnx.ModelProto:
    """A model of float `x` (1, channels, H, W) and `y`, H and W free, in ONNX's textual syntax."""
    header = f'<ir_version: 8, opset_import: ["": {opset}]>'
    signature = f"tiny (float[1,{channels},H,W] x) => (float[N,C,P,Q] y)"
    model = onnx.parser.parse_model(f"{header} {signature} {{{body}}}")
    for name, array in constants.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    model.graph.output[0].type.tensor_type.ClearField("shape")  # the text needs one, the body knows it
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    onnx.checker.check_model(model)
    return model


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    """Normally distributed float32 numbers, scaled so that a convolution keeps the size of what it reads."""
    spread = float(np.prod(shape[1:])) ** 0.5
    return (np.random.default_rng(seed).standard_normal(shape) / spread).astype(np.float32)


def scalars(**values: float) -> dict[str, np.ndarray]:
    """Float32 constants of rank 0."""
    return {name: np.float32(value).reshape(()) for name, value in values.items()}


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """The model's output under onnxruntime as the graph stands; the sizes that it declares are ignored."""
    free = onnx.ModelProto()
    free.CopyFrom(model)
    for value in (free.graph.input[0], free.graph.output[0]):
        value.type.tensor_type.ClearField("shape")
    del free.graph.value_info[:]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(free.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {model.graph.input[0].name: x})[0]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def spread(y: np.ndarray, block: int) -> np.ndarray:
    """(N, block * block, H, W), the pixels of a block row by row, as (N, 1, block * H, block * W)."""
    batch, _, height, width = y.shape
    blocks = y.reshape(batch, block, block, height, width)
    return blocks.transpose(0, 3, 1, 4, 2).reshape(batch, 1, block * height, block * width)


def undone(rewritten: Rewritten, y: np.ndarray) -> np.ndarray:
    """The rewritten model's output brought back to the source's: blocks spread, the border cropped, logits turned."""
    if rewritten.recurrence is not None:
        y = recurrent_logits(rewritten.recurrence, y)
    if rewritten.meaning == "ctc-logits":
        assert y.ndim == 4 and y.shape[2] == 1
        return softmax(y[:, :, 0].transpose(0, 2, 1))
    if rewritten.meaning == "text-logits":
        y = spread(1 / (1 + np.exp(-y)), rewritten.block)
    border = rewritten.border
    return y[:, :, border:-border, border:-border] if border else y


def largest_difference(source: onnx.ModelProto, rewritten: Rewritten, x: np.ndarray) -> float:
    """Between the two models' outputs on x, which must agree in shape."""
    expected, found = run(source, x), undone(rewritten, run(rewritten.model, x))
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max())


def rewritten_alike(source: onnx.ModelProto, *, sizes: tuple[tuple[int, int], ...] = SIZES) -> Rewritten:
    """Rewrite the model for the first size, and require the same numbers as before at all sizes."""
    channels = source.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    rewritten = rewrite(source, input_shape=(1, channels, *sizes[0]))
    onnx.checker.check_model(rewritten.model, full_check=True)
    for seed, size in enumerate(sizes):
        x = np.random.default_rng(seed).standard_normal((1, channels, *size)).astype(np.float32)
        assert largest_difference(source, rewritten, x) < 2e-6
    return rewritten


def operators(rewritten: Rewritten) -> list[str]:
    """The operators of the rewritten model, sorted."""
    return sorted(node.op_type for node in rewritten.model.graph.node)
