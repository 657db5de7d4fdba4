"""Scales learned in training at their places in a TFLite file, and the int8 file that uses them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.environments import worker
from converters.paddle import to_onnx
from converters.progress import Progress
from converters.quantization.learned import LearnedLayer, LearnedQuantisation
from converters.quantization.placement import PlacedQuantisation, place
from converters.quantization.recipes import ModelRecipe, load_recipe
from converters.quantization.static import quantise
from converters.tflite import to_float
from converters.tflite.graph import TFLiteGraph
from converters.zoo import load_zoo
from tests.conftest import skip
from tests.converters.graph.tiny_onnx import run as run_onnx
from tests.converters.graph.tiny_onnx import tiny_model
from tests.converters.tiny_tflite import ACTIVATION, TinyModel, run

LARGEST = {"first": 2.0, "second": 3.0, "third": 1.5}
"""Layer -> what its input was given as its largest magnitude in training: less than what the inputs here hold."""
FACTOR = 6.0
"""The TFLite file computes the input of the third layer times this, as after a hard sigmoid without its division."""
TRAINED = """
    x8 = QuantizeLinear (x, first_step, zero)
    x_read = DequantizeLinear (x8, first_step, zero)
    padded = Conv<pads = [1, 1, 1, 1]> (x_read, first)
    rectified = Relu (padded)
    rectified8 = QuantizeLinear (rectified, second_step, zero)
    rectified_read = DequantizeLinear (rectified8, second_step, zero)
    mixed = Conv (rectified_read, second)
    mixed8 = QuantizeLinear (mixed, third_step, zero)
    mixed_read = DequantizeLinear (mixed8, third_step, zero)
    y = Conv (mixed_read, third)
"""
STATIC = ModelRecipe("static", ("CONV_2D", "PAD"), samples=4)
SOURCE = """
    padded = Conv<pads = [1, 1, 1, 1]> (x, first)
    rectified = Relu (padded)
    mixed = Conv (rectified, second)
    y = Conv (mixed, third)
"""


def on_steps(*shape: int, seed: int) -> np.ndarray:
    """Weights (out, ...) that are whole multiples of a step of their channel, 127 of which are its largest."""
    random = np.random.default_rng(seed)
    levels = random.integers(-127, 128, shape)
    levels[:, 0] = 127
    steps = random.uniform(0.001, 0.004, (shape[0], *[1] * (len(shape) - 1)))
    return (levels * steps).astype(np.float32)


WEIGHTS = {
    "first": on_steps(8, 3, 3, 3, seed=1),
    "second": on_steps(8, 8, 1, 1, seed=2),
    "third": on_steps(4, 8, 1, 1, seed=3),
}


def learned(scales: dict[str, float | None] | None = None) -> LearnedQuantisation:
    """What training left behind, of other activation scales where given."""
    layers = {}
    for name, weights in WEIGHTS.items():
        channels = tuple(np.abs(weights).reshape(len(weights), -1).max(axis=1).tolist())
        layers[name] = LearnedLayer((scales or LARGEST)[name], channels)
    return LearnedQuantisation(layers)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The three layers as ONNX."""
    onnx.save(tiny_model(SOURCE, channels=3, **WEIGHTS), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def channels_last(weights: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(weights.transpose(0, 2, 3, 1))


def three_layers(*, merged: bool = False) -> bytes:
    """The same in TFLite: padding of its own, a factor between the layers, or the last two layers as one."""
    model = TinyModel(1, 16, 16, 3)
    around = model.constant([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
    padded = model.add("PAD", [model.input, around], [1, 18, 18, 3])
    options = schema.Conv2DOptionsT()
    options.padding, options.fusedActivationFunction = schema.Padding.VALID, ACTIVATION.RELU
    options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
    first = [padded, model.constant(channels_last(WEIGHTS["first"])), model.constant(np.zeros(8))]
    features = model.add("CONV_2D", first, [1, 16, 16, 8], options)
    second, third = channels_last(WEIGHTS["second"]), channels_last(WEIGHTS["third"])
    if merged:
        both = (third.reshape(4, 8) @ second.reshape(8, 8)).reshape(4, 1, 1, 8)
        return model.to_bytes(model.conv(features, both, np.zeros(4, np.float32)))
    mixed = model.conv(features, second * np.float32(FACTOR), np.zeros(8, np.float32))
    return model.to_bytes(model.conv(mixed, third / np.float32(FACTOR), np.zeros(4, np.float32)))


def inputs(count: int = 4) -> list[np.ndarray]:
    random = np.random.default_rng(7)
    return [random.standard_normal((1, 16, 16, 3)).astype(np.float32) for _ in range(count)]


def placed(content: bytes, source: Path) -> PlacedQuantisation:
    return place(content, source, learned(), inputs()[0])


def as_trained(x: np.ndarray) -> np.ndarray:
    """What the network computes whose activations are rounded as in training."""
    steps = {f"{name}_step": np.float32(largest / 127).reshape(()) for name, largest in LARGEST.items()}
    model = tiny_model(TRAINED, channels=3, zero=np.int8(0).reshape(()), **steps, **WEIGHTS)
    return run_onnx(model, x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)


def int8_input(content: bytes, layer: int) -> tuple[float, int]:
    """Step and zero point of what a convolution of an int8 file reads, by its place among the convolutions."""
    graph = TFLiteGraph(content)
    convolutions = [operator for operator in graph.operators if graph.kind(operator) == "CONV_2D"]
    tensor = graph.tensor(convolutions[layer].inputs[0])
    assert tensor.type == schema.TensorType.INT8
    return float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])


def test_every_layer_reads_its_input_in_the_steps_of_the_training(source: Path) -> None:
    found = placed(three_layers(), source)
    quantised = quantise(three_layers(), STATIC, inputs(), learned=found.ranges)
    expected = (LARGEST["first"], LARGEST["second"], LARGEST["third"] * FACTOR)
    for layer, largest in enumerate(expected):
        assert int8_input(quantised, layer) == (pytest.approx(largest / 127, rel=1e-6), 0)
    use = found.used_in(quantised)
    assert (use.activations, use.activations_used, use.unused, use.missing) == (3, 3, (), ())
    count = sum(weights.size for weights in WEIGHTS.values())
    assert (use.weights, use.weights_kept) == (count, count)
    activations, weights = str(use).split("; ")
    assert activations == "3 of 3 activation scales are those learned in training"
    assert weights == f"{count} of {count} weights keep the integers that they were trained for"


def test_the_int8_file_computes_what_was_trained(source: Path) -> None:
    content = three_layers()
    quantised = quantise(content, STATIC, inputs(), learned=placed(content, source).ranges)
    calibrated = quantise(content, STATIC, inputs())
    x = inputs()[1]
    expected = as_trained(x)
    step = float(np.ptp(expected)) / 255
    assert np.abs(run(quantised, x) - expected).max() < 2 * step
    assert np.abs(run(calibrated, x) - expected).max() > 10 * step


def test_calibrating_over_the_scales_is_counted(source: Path) -> None:
    use = placed(three_layers(), source).used_in(quantise(three_layers(), STATIC, inputs()))
    assert (use.activations_used, use.unused) == (0, ("first", "second", "third"))
    assert use.weights_kept == use.weights


def test_a_layer_that_a_rewrite_has_merged_away_is_calibrated_and_counted(source: Path) -> None:
    content = three_layers(merged=True)
    found = placed(content, source)
    use = found.used_in(quantise(content, STATIC, inputs(), learned=found.ranges))
    assert (use.activations, use.activations_used, use.unused) == (3, 2, ("third",))
    assert use.weights_kept == WEIGHTS["first"].size


def test_a_layer_without_a_scale_is_calibrated_and_told(source: Path) -> None:
    content = three_layers()
    found = place(content, source, learned({**LARGEST, "second": None}), inputs()[0])
    quantised = quantise(content, STATIC, inputs(), learned=found.ranges)
    use = found.used_in(quantised)
    assert (use.activations, use.activations_used, use.missing) == (2, 2, ("second",))
    assert "lacks the activation scales of second" in str(use)
    assert int8_input(quantised, 1)[0] != pytest.approx(LARGEST["second"] / 127, rel=1e-2)


def test_equalisation_would_undo_the_training_and_is_left_out(source: Path) -> None:
    recipe = replace(STATIC, equalisation=0.5)
    found = placed(three_layers(), source)
    with_scales = quantise(three_layers(), recipe, inputs(), learned=found.ranges)
    assert with_scales == quantise(three_layers(), STATIC, inputs(), learned=found.ranges)
    assert found.used_in(quantise(three_layers(), recipe, inputs())).weights_kept < found.used_in(with_scales).weights


def test_int8_weights_alone_keep_their_integers(source: Path) -> None:
    found = place(three_layers(), source, learned(), None)
    use = found.used_in(quantise(three_layers(), ModelRecipe("weights", ("CONV_2D",)), []))
    assert (use.activations, use.weights_kept) == (0, use.weights)
    assert "activation" not in str(use)


def test_weights_are_counted_along_the_axis_of_their_outputs(tmp_path: Path) -> None:
    matrix = np.ascontiguousarray(
        on_steps(4, 6, 2, 2, seed=4).swapaxes(0, 1)
    )  # a transposed convolution: (in, out, h, w)
    model = tiny_model("y = ConvTranspose<strides = [2, 2]> (x, up)", channels=6, up=matrix)
    onnx.save(model, tmp_path / "up.onnx")
    layer = LearnedLayer(1.0, tuple(np.abs(matrix).max(axis=(0, 2, 3)).tolist()))
    found = place(b"", tmp_path / "up.onnx", LearnedQuantisation({"up": layer}), None)
    steps = np.array(layer.weights)[:, None] / 127
    expected = np.abs(matrix.transpose(1, 2, 3, 0).reshape(4, -1)) / steps
    np.testing.assert_allclose(np.abs(found.integers["up"]), expected, atol=1e-3)


@pytest.mark.conversion
def test_a_published_model_keeps_what_it_has_learned(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data.parent / "weights" / "ch_ppocr_mobile_v2.0_cls_slim_infer"
    if not folder.is_dir():
        skip("shared", f"no {folder}")
    progress = Progress(io.StringIO())
    model = to_onnx(folder / "inference.pdmodel", folder / "inference.pdiparams", progress)
    assert model.learned is not None
    entry = next(entry for entry in load_zoo().system("ppocrv2-slim").models if entry.kind == "direction")
    with worker("onnx2tf", progress=progress) as onnx2tf:
        content = to_float(entry, model.onnx, onnx2tf, tmp_path).content
    line = np.random.default_rng(0).uniform(-1, 1, (1, 48, 192, 3)).astype(np.float32)
    found = place(content, model.onnx, model.learned, line)
    recipe = replace(load_recipe("int8-whole").models["direction"], samples=1)
    use = found.used_in(quantise(content, recipe, [line], learned=found.ranges))
    assert (use.activations, use.activations_used) == (54, 54)
    assert use.weights_kept == use.weights == 124_072
