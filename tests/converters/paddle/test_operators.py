"""The operators of PaddlePaddle 3, each against its formula written with NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converters.errors import ConversionError
from tests.converters.paddle.tiny_paddle import PirBuilder, from_pir, run

X = np.random.default_rng(0).normal(size=(2, 3, 6, 8)).astype(np.float32) * 3
OPEN = (-1, 3, -1, -1)
WINDOW = {"strides": [2, 2], "data_format": "NCHW", "padding_algorithm": "EXPLICIT"}

Build = Callable[[PirBuilder, int], int]
"""Adds operations behind a value; the number of the last."""


def result(build: Build) -> np.ndarray:
    """What operations make of `X`."""
    builder = PirBuilder()
    output = build(builder, builder.input(OPEN))
    return run(from_pir(builder.json(output), builder.parameters), X)


def pool(builder: PirBuilder, x: int, kind: str, *kernel: int, adaptive: bool = False, **more: object) -> int:
    window = WINDOW | {"paddings": [1, 1], "ceil_mode": False, "exclusive": True, "global_pooling": False} | more
    size = builder.integers(*kernel)
    return builder.add("1.pool2d", x, size, shape=OPEN, pooling_type=kind, adaptive=adaptive, **window)


def windows(x: np.ndarray, fill: float) -> np.ndarray:
    """The 3 x 3 surroundings of every second pixel, (N, C, H / 2, W / 2, 9); `fill` beyond the border."""
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=fill)
    views = [padded[:, :, top : top + 6 : 2, left : left + 8 : 2] for top in range(3) for left in range(3)]
    return np.stack(views, axis=-1)


WEIGHTS = np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(np.float32)
PER_CHANNEL = np.random.default_rng(2).uniform(0.5, 2, size=(4, 3)).astype(np.float32)
LAST = np.random.default_rng(3).normal(size=(2, 8)).astype(np.float32)


def convolution(builder: PirBuilder, x: int) -> int:
    more = {"paddings": [1, 1, 1, 1], "dilations": [1, 1], "groups": 1}
    return builder.add("1.conv2d", x, builder.parameter(WEIGHTS), shape=(-1, 4, -1, -1), **WINDOW, **more)


def batch_norm(builder: PirBuilder, x: int) -> int:
    numbers = [builder.parameter(row) for row in PER_CHANNEL]
    facts = {"is_test": True, "use_global_stats": True, "epsilon": 1e-5, "data_format": "NCHW"}
    return builder.add("1.batch_norm_", x, *numbers, shape=OPEN, **facts)


def batch_normalised(x: np.ndarray) -> np.ndarray:
    mean, variance, scale, bias = (row[:, None, None] for row in PER_CHANNEL)
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + bias


def layer_norm(builder: PirBuilder, x: int) -> int:
    numbers = [builder.parameter(row) for row in LAST]
    return builder.add("1.layer_norm", x, *numbers, shape=OPEN, epsilon=1e-5, begin_norm_axis=3)


def layer_normalised(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * LAST[0] + LAST[1]


def scaled(builder: PirBuilder, x: int) -> int:
    return builder.add("1.scale", x, builder.number(0.5), shape=OPEN, bias=2.0, bias_after_scale=True)


def sliced(builder: PirBuilder, x: int) -> int:
    bounds = builder.integers(1), builder.integers(2)
    return builder.add("1.slice", x, *bounds, shape=[-1] * 3, axes=[1], infer_flags=[1], decrease_axis=[1])


def flattened(builder: PirBuilder, x: int) -> int:
    return builder.add("1.flatten", x, shape=(-1, 3, -1), start_axis=2, stop_axis=3)


def reshaped_to_its_own_size(builder: PirBuilder, x: int) -> int:
    """(N, C, H, W) to (N, C * H * W, 1), with N read from the input."""
    size = builder.add("1.shape64", x, shape=[4], element="i64")
    bounds = builder.integers(0), builder.integers(1)
    batch = builder.add("1.slice", size, *bounds, element="i64", axes=[0], infer_flags=[1], decrease_axis=[0])
    sizes = [batch, builder.number(-1, "i64", ()), builder.number(1, "i64", ())]
    target = builder.add("1.stack", builder.list_of(*sizes), shape=[3], element="i64", axis=0)
    return builder.add("1.reshape", x, target, shape=(-1, -1, 1))


def attended(builder: PirBuilder, x: int) -> int:
    product = builder.add("1.matmul", x, x, shape=OPEN, transpose_x=False, transpose_y=True)
    return builder.add("1.softmax", product, shape=OPEN, axis=-1)


def attention(x: np.ndarray) -> np.ndarray:
    product = np.exp((x @ x.swapaxes(2, 3)).astype(np.float64) - 100)
    return product / product.sum(-1, keepdims=True)


def joined_and_turned(builder: PirBuilder, x: int) -> int:
    joined = builder.add("1.concat", builder.list_of(x, x), builder.number(1, "i32"), shape=(-1, 6, -1, -1))
    kept = builder.add("1.assign", joined, shape=(-1, 6, -1, -1))
    return builder.add("1.transpose", kept, shape=(-1, -1, -1, 6), perm=[0, 2, 3, 1])


def upsampled(builder: PirBuilder, x: int) -> int:
    facts = {"data_format": "NCHW", "align_corners": False, "scale": [2.0, 3.0]}
    return builder.add("1.nearest_interp", x, 0, 0, 0, shape=OPEN, **facts)


def transposed_convolution(builder: PirBuilder, x: int) -> int:
    weights = builder.parameter(np.ascontiguousarray(WEIGHTS.swapaxes(0, 1)[..., :2, :2]))
    more = {"paddings": [0, 0], "dilations": [1, 1], "groups": 1, "output_padding": []}
    size = builder.integers()
    return builder.add("1.conv2d_transpose", x, weights, size, shape=(-1, 4, -1, -1), **WINDOW, **more)


def transposed_convolved(x: np.ndarray) -> np.ndarray:
    blocks = np.einsum("nchw,ocij->nohiwj", x, WEIGHTS[..., :2, :2])
    return blocks.reshape(2, 4, 12, 16)


def one_input(name: str, **attributes: object) -> Build:
    return lambda builder, x: builder.add(f"1.{name}", x, shape=OPEN, **attributes)


def squeezed(builder: PirBuilder, x: int) -> int:
    mean = pool(builder, x, "avg", 1, 1, adaptive=True)
    return builder.add("1.squeeze", mean, builder.integers(2, 3), shape=(-1, 3))


def dropped(builder: PirBuilder, x: int) -> int:
    rate = builder.number(0.1)
    same = builder.add("1.dropout", x, 0, rate, shape=OPEN, is_test=True, mode="upscale_in_train")
    return builder.add("1.multiply", same, same, shape=OPEN)


CASES: dict[str, tuple[Build, Callable[[np.ndarray], np.ndarray]]] = {
    "conv2d": (convolution, lambda x: np.einsum("nchwk,ock->nohw", windows(x, 0), WEIGHTS.reshape(4, 3, 9))),
    "conv2d_transpose": (transposed_convolution, transposed_convolved),
    "batch_norm": (batch_norm, batch_normalised),
    "layer_norm": (layer_norm, layer_normalised),
    "max pool": (lambda builder, x: pool(builder, x, "max", 3, 3), lambda x: windows(x, -np.inf).max(-1)),
    "average pool": (lambda builder, x: pool(builder, x, "avg", 3, 3), lambda x: np.nanmean(windows(x, np.nan), -1)),
    "average pool with its border": (
        lambda builder, x: pool(builder, x, "avg", 3, 3, exclusive=False),
        lambda x: windows(x, 0).mean(-1),
    ),
    "global average and squeeze": (squeezed, lambda x: x.mean((2, 3))),
    "relu": (one_input("relu"), lambda x: np.maximum(x, 0)),
    "sigmoid": (one_input("sigmoid"), lambda x: 1 / (1 + np.exp(-x))),
    "swish": (one_input("swish"), lambda x: x / (1 + np.exp(-x))),
    "hardswish": (one_input("hardswish"), lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "hardsigmoid": (one_input("hardsigmoid", slope=0.2, offset=0.4), lambda x: np.clip(0.2 * x + 0.4, 0, 1)),
    "scale": (scaled, lambda x: 0.5 * x + 2),
    "slice": (sliced, lambda x: x[:, 1]),
    "flatten": (flattened, lambda x: x.reshape(2, 3, 48)),
    "shape, stack and reshape": (reshaped_to_its_own_size, lambda x: x.reshape(2, 144, 1)),
    "matmul and softmax": (attended, attention),
    "concat, assign and transpose": (joined_and_turned, lambda x: np.concatenate([x, x], 1).transpose(0, 2, 3, 1)),
    "nearest_interp": (upsampled, lambda x: x.repeat(2, 2).repeat(3, 3)),
    "dropout and multiply": (dropped, lambda x: x * x),
}


@pytest.mark.parametrize("name", CASES)
def test_an_operator_computes_its_formula(name: str) -> None:
    build, formula = CASES[name]
    np.testing.assert_allclose(result(build), formula(X), rtol=1e-4, atol=1e-5)


def refusal(build: Build) -> str:
    with pytest.raises(ConversionError) as error:
        result(build)
    return str(error.value)


def test_unknown_operators_are_all_named_with_their_places() -> None:
    def build(builder: PirBuilder, x: int) -> int:
        builder.add("1.warp", x, shape=OPEN, place="/Neck/Warp/")
        builder.add("1.fold", x, shape=OPEN, place="/Head/Fold/")
        return builder.add("1.warp", x, shape=OPEN, place="/Head/Warp/")

    sentence = "fold (first at /Head/Fold/), warp (first at /Neck/Warp/); give the model in another form"
    assert sentence in refusal(build)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (one_input("softmax"), "softmax at /Net/ lacks the attribute axis"),
        (one_input("add"), "add at /Net/ lacks its input 1"),
        (lambda builder, x: builder.add("1.relu", 77, shape=OPEN), "relu at /Net/ reads the value 77, which nothing"),
        (one_input("dropout", is_test=False, mode="upscale_in_train"), "has is_test = False, and only True is known"),
        (lambda builder, x: pool(builder, x, "avg", 7, 7, adaptive=True), "pool2d at /Net/ pools to [7, 7]"),
        (lambda builder, x: pool(builder, x, "median", 3, 3), "pools by 'median'"),
        (lambda builder, x: pool(builder, x, "max", 3, 3, padding_algorithm="SAME"), "has padding_algorithm = 'SAME'"),
        (lambda builder, x: pool(builder, x, "max", 3, 3, paddings=3), "does not have the inputs and attributes"),
        (lambda builder, x: builder.add("1.concat", x, x, shape=OPEN), "concat at /Net/ has no list as its input 0"),
        (lambda builder, x: builder.number(0, shape=(1 << 20, 1 << 20)), "larger than any in PP-OCR"),
        (lambda builder, x: builder.number(0, shape=(-2, -3)), "does not have the inputs and attributes"),
        (one_input("flatten", start_axis=1, stop_axis=2), "keeps axes behind those that it joins"),
        (
            lambda builder, x: builder.add("1.reshape", x, builder.add("1.warp_size"), shape=OPEN, place="/Top/"),
            "warp_size (first at /Net/)",
        ),
    ],
)
def test_what_an_operator_cannot_do_is_told_with_its_place(build: Build, words: str) -> None:
    assert words in refusal(build)
