"""Programs trained with fake quantisation: what is taken out, and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.errors import SourceError
from converters.paddle.fake_quantisation import (
    OF_ACTIVATIONS,
    OF_WEIGHTS,
    Bare,
    is_fake_quantised,
    remove_fake_quantisation,
)
from converters.paddle.parameters import named_parameters, write_parameters
from converters.paddle.program import message, names_of, parameter_shapes, parse_program
from converters.quantization.learned import LearnedLayer, LearnedQuantisation
from tests.conftest import skip
from tests.converters.paddle.tiny_paddle import DENSE_TENSOR, FLOAT32, INTEGER, pdmodel

ROWS = np.array([[1.0, -0.51, 0.1, 0.004], [0.02, -0.2, 0.05, 0.11]], np.float32)
LEVELS = np.array([[127, -65, 13, 1], [13, -127, 32, 70]])
"""ROWS / (largest magnitude of the row / 127), rounded by hand."""
SLIM = {
    "ch_PP-OCRv2_det_slim_quant_infer": "ch_PP-OCRv2_det_infer",
    "ch_PP-OCRv3_det_slim_infer": "ch_PP-OCRv3_det_infer",
    "ch_ppocr_mobile_v2.0_cls_slim_infer": "ch_ppocr_mobile_v2.0_cls_infer",
}
"""Published archives with fake quantisation -> the same model without."""


@dataclass(frozen=True)
class Layer:
    """An operator that reads a rounded activation and a rounded weight; the weight is called `name`."""

    name: str
    weights: np.ndarray
    scale: float | None
    axis: int = 0
    kind: str = "conv2d"
    rounding: str = OF_WEIGHTS
    bits: int = 8


LAYER = Layer("w", ROWS.reshape(2, 4, 1, 1), 6.0)


def quantised(*layers: Layer) -> tuple[bytes, bytes]:
    """A program of layers that all read `x`, and its parameters."""
    program = message("ProgramDesc")()
    block = program.blocks.add(idx=0, parent_idx=-1)
    parameters: dict[str, np.ndarray] = {}

    def variable(name: str, shape: Sequence[int], values: np.ndarray | None = None) -> None:
        tensor = {"tensor": {"data_type": FLOAT32, "dims": shape}}
        kind = {"type": DENSE_TENSOR, "lod_tensor": tensor}
        block.vars.add(name=name, type=kind, persistable=values is not None)
        if values is not None:
            parameters[name] = values

    def operator(kind: str, inputs: dict[str, str], outputs: dict[str, str], **integers: int) -> None:
        slots = [
            [{"parameter": parameter, "arguments": [name]} for parameter, name in named.items()]
            for named in (inputs, outputs)
        ]
        added = block.ops.add(type=kind, inputs=slots[0], outputs=slots[1])
        for name, value in integers.items():
            added.attrs.add(name=name, type=INTEGER, i=value)

    variable("x", (-1, 4, 8, 8))
    for layer in layers:
        weight, rounded, scale = layer.name, f"{layer.name}.rounded", f"{layer.name}.activation"
        variable(weight, layer.weights.shape, layer.weights)
        channels = layer.weights.shape[layer.axis]
        variable(f"{weight}.scale", (channels,), np.ones(channels, np.float32))
        for name in (rounded, f"x.for.{weight}", f"{weight}.out"):
            variable(name, (-1, 4, 8, 8))
        if layer.scale is not None:
            variable(scale, (1,), np.array([layer.scale], np.float32))
        operator(OF_ACTIVATIONS, {"X": "x", "InScale": scale}, {"Out": f"x.for.{weight}", "OutScale": scale})
        outputs = {"Out": rounded, "OutScale": f"{weight}.scale"}
        operator(layer.rounding, {"X": weight}, outputs, bit_length=layer.bits, quant_axis=layer.axis)
        operator(layer.kind, {"Input": f"x.for.{weight}", "Filter": rounded}, {"Output": f"{weight}.out"}, groups=1)
    return bytes(program.SerializeToString()), write_parameters(parameters[name] for name in sorted(parameters))


def weights_of(bare: Bare) -> dict[str, np.ndarray]:
    return named_parameters(parameter_shapes(parse_program(bare.program)), bare.parameters)


def operators_of(content: bytes) -> list[Any]:
    return list(parse_program(content).blocks[0].ops)


def test_what_read_rounded_tensors_reads_the_tensors_themselves() -> None:
    program, parameters = quantised(LAYER)
    assert is_fake_quantised(program)
    bare = remove_fake_quantisation(program, parameters)
    assert not is_fake_quantised(bare.program)
    (convolution,) = operators_of(bare.program)
    assert (names_of(convolution.inputs, "Input"), names_of(convolution.inputs, "Filter")) == (["x"], ["w"])
    before = operators_of(program)[-1]
    assert (list(convolution.attrs), list(convolution.outputs)) == (list(before.attrs), list(before.outputs))
    assert set(weights_of(bare)) == {"w"}
    assert [variable.name for variable in parse_program(bare.program).blocks[0].vars] == ["x", "w", "w.out"]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (LAYER, (LEVELS * [[1 / 127], [0.2 / 127]]).reshape(2, 4, 1, 1)),
        (replace(LAYER, weights=np.ascontiguousarray(ROWS.T), axis=1, kind="matmul"), LEVELS.T * [1 / 127, 0.2 / 127]),
        (replace(LAYER, weights=np.float32([[2.5], [1e-38]])), [[2.5], [0]]),
    ],
    ids=["convolution", "matrix", "a channel that died in training"],
)
def test_weights_become_what_the_operator_makes_of_them(layer: Layer, expected: np.ndarray) -> None:
    bare = remove_fake_quantisation(*quantised(layer))
    np.testing.assert_allclose(weights_of(bare)["w"], expected, rtol=1e-6)


def test_the_scales_are_kept_with_their_layers() -> None:
    learned = remove_fake_quantisation(*quantised(LAYER, replace(LAYER, name="v", scale=2.5))).learned
    rows = tuple(np.abs(ROWS).max(axis=1).tolist())
    assert learned == LearnedQuantisation({"w": LearnedLayer(6.0, rows), "v": LearnedLayer(2.5, rows)})
    assert LearnedQuantisation.from_json(learned.to_json()) == learned


@pytest.mark.parametrize("scale", [None, 0.0, -1.0, float("nan")])
def test_a_scale_that_the_archive_lacks_is_left_open(scale: float | None) -> None:
    learned = remove_fake_quantisation(*quantised(replace(LAYER, scale=scale))).learned
    assert learned.layers["w"].activation is None
    assert learned.layers["w"].weights


def test_what_is_not_declared_here_is_carried_along() -> None:
    program, parameters = quantised(LAYER)
    version = b'"\x02\x08\x07'  # field 4 of ProgramDesc: a message with field 1 = 7
    assert remove_fake_quantisation(program + version, parameters).program.endswith(version)
    untouched = pdmodel() + version
    assert parse_program(untouched).SerializeToString() == untouched


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (replace(LAYER, rounding="fake_quantize_range_abs_max"), "holds the operator 'fake_quantize_range_abs_max'"),
        (replace(LAYER, bits=4), "'w' was trained for 4 bits"),
    ],
)
def test_another_kind_of_quantisation_is_told(layer: Layer, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        remove_fake_quantisation(*quantised(layer))


def test_a_weight_that_is_not_there_is_told() -> None:
    program, _ = quantised(LAYER)
    parsed = parse_program(program)
    for variable in parsed.blocks[0].vars:
        variable.persistable = False
    with pytest.raises(SourceError, match=r"'w' like a weight, and the \.pdiparams lacks it"):
        remove_fake_quantisation(parsed.SerializeToString(), b"")


def test_parameters_of_another_program_are_told() -> None:
    with pytest.raises(SourceError, match="declares 3 parameters and the file holds 2"):
        remove_fake_quantisation(quantised(LAYER)[0], quantised(replace(LAYER, scale=None))[1])


@pytest.fixture(params=SLIM)
def archive(request: pytest.FixtureRequest, shared_data: Path) -> Path:
    """A published model that was trained with fake quantisation."""
    folder = shared_data.parent / "weights" / str(request.param)
    if not folder.is_dir():
        skip("shared", f"no {folder}")
    return folder


def test_published_models_become_bare_ones(archive: Path) -> None:
    program, parameters = ((archive / f"inference.{kind}").read_bytes() for kind in ("pdmodel", "pdiparams"))
    assert parse_program(program).SerializeToString() == program
    bare = remove_fake_quantisation(program, parameters)
    assert len(bare.parameters) == (archive.parent / SLIM[archive.name] / "inference.pdiparams").stat().st_size
    # Training has written down what it took for the largest magnitudes.
    stored = named_parameters(parameter_shapes(parse_program(program)), parameters)
    rounded = weights_of(bare)
    for name, layer in bare.learned.layers.items():
        largest = stored[f"{name}.scale_0"]
        np.testing.assert_array_equal(np.float32(layer.weights), largest)
        assert layer.activation is not None
        axis = 1 if stored[name].ndim == 2 else 0
        before, after = (np.moveaxis(weights[name], axis, -1) for weights in (stored, rounded))
        levels = after / np.maximum(largest, 1e-30) * 127
        np.testing.assert_allclose(levels, np.rint(levels), atol=1e-4)
        assert (np.abs(after - before) <= 0.5001 / 127 * largest + 1e-25).all()
