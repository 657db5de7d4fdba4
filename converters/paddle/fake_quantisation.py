"""From a Paddle program trained with fake quantisation to a bare one and the scales that it has learned.

Quantisation-aware training (Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", section 3) puts operators into the program that round a tensor to 8 bits and back.
A program that is to be quantised for good does without them, if it keeps what they know: weights become what the
operator makes of them, and the scale of an activation is noted. What the operators compute:
`paddle/fluid/operators/fake_quantize_op.cc` and `.h`, in Paddle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.errors import SourceError
from converters.paddle.parameters import named_parameters, write_parameters
from converters.paddle.program import names_of, parameter_shapes, parse_program
from converters.quantization.learned import LearnedLayer, LearnedQuantisation

FloatArray = npt.NDArray[np.float32]
Parameters = dict[str, npt.NDArray[Any]]

OF_WEIGHTS = "fake_channel_wise_quantize_dequantize_abs_max"
OF_ACTIVATIONS = "fake_quantize_dequantize_moving_average_abs_max"
_PREFIX = "fake_"
_STATES = ("InScale", "InAccum", "InState")
"""Inputs of an operator of fake quantisation, beside what it quantises."""
_BITS = 8
_LARGEST = np.float32(127)
_NEXT_TO_NOTHING, _INSTEAD_OF_NOTHING = np.float32(1e-30), np.float32(1e-6)
"""A channel with no larger weight has died in training; the operator adds the second number before it divides."""


@dataclass(frozen=True)
class Bare:
    """A program without fake quantisation.

    Attributes:
        program: `.pdmodel`.
        parameters: `.pdiparams`; every weight that was fake-quantised holds a multiple of its channel's step.
        learned: the scales.
    """

    program: bytes
    parameters: bytes
    learned: LearnedQuantisation


def is_fake_quantised(program: bytes) -> bool:
    """Whether a `.pdmodel` holds operators of fake quantisation.

    Raises:
        SourceError: it is none.
    """
    return bool(_fake(parse_program(program).blocks[0]))


def remove_fake_quantisation(program: bytes, parameters: bytes) -> Bare:
    """Take the operators of fake quantisation out, and keep what they know.

    Args:
        program: a `.pdmodel`.
        parameters: the `.pdiparams` beside it.

    Raises:
        SourceError: the files do not fit each other, or one of the operators is of an unknown kind.
    """
    parsed = parse_program(program)
    values = named_parameters(parameter_shapes(parsed), parameters)
    block = parsed.blocks[0]
    fake = _fake(block)
    for operator in fake:
        _check(operator)
    learned = _learned(block, fake, values)
    for operator in fake:
        if operator.type == OF_WEIGHTS:
            values[_quantised_by(operator)] = _rounded(_weights(operator, values), _output_axis(operator))
    _take_out(block, fake, values)
    return Bare(parsed.SerializeToString(), write_parameters(values[name] for name in sorted(values)), learned)


def _fake(block: Any) -> list[Any]:
    return [operator for operator in block.ops if operator.type.startswith(_PREFIX)]


def _check(operator: Any) -> None:
    if operator.type not in (OF_WEIGHTS, OF_ACTIVATIONS):
        raise SourceError(
            f"the program holds the operator {operator.type!r}, of which only {OF_WEIGHTS} and {OF_ACTIVATIONS} can be "
            "taken over; export the model with these, or take the one without quantisation"
        )
    if (bits := _attribute(operator, "bit_length", _BITS)) != _BITS:
        raise SourceError(
            f"{_quantised_by(operator)!r} was trained for {bits} bits; take a model that was trained for {_BITS}"
        )


def _attribute(operator: Any, name: str, default: int) -> int:
    return next((int(attribute.i) for attribute in operator.attrs if attribute.name == name), default)


def _quantised_by(operator: Any) -> str:
    """What an operator of fake quantisation rounds."""
    (name,) = names_of(operator.inputs, "X")
    return name


def _output_axis(operator: Any) -> int:
    """Axis of a weight's output channels: 0 of a convolution, 1 of a transposed one and of a matrix."""
    return _attribute(operator, "quant_axis", 0)


def _learned(block: Any, fake: list[Any], values: Parameters) -> LearnedQuantisation:
    """The scales of every operator that reads a fake-quantised weight."""
    writers = {name: operator for operator in fake for name in names_of(operator.outputs, "Out")}
    layers = {}
    for operator in block.ops:
        rounding = [writers[name] for slot in operator.inputs for name in slot.arguments if name in writers]
        scale = next((_activation_scale(entry, values) for entry in rounding if entry.type == OF_ACTIVATIONS), None)
        for entry in rounding:
            if entry.type == OF_WEIGHTS:
                largest = _largest(_weights(entry, values), _output_axis(entry))
                layers[_quantised_by(entry)] = LearnedLayer(scale, tuple(largest.ravel().tolist()))
    return LearnedQuantisation(layers)


def _activation_scale(operator: Any, values: Parameters) -> float | None:
    """The largest magnitude that an activation was given in training; None where the archive does not tell."""
    for name in names_of(operator.inputs, "InScale"):
        scale = values.get(name)
        if scale is not None and scale.size == 1 and np.isfinite(scale).all() and scale.item() > 0:
            return float(scale.item())
    return None


def _weights(operator: Any, values: Parameters) -> FloatArray:
    name = _quantised_by(operator)
    if name not in values:
        raise SourceError(f"the program quantises {name!r} like a weight, and the .pdiparams lacks it; fetch it again")
    return values[name]


def _largest(weights: FloatArray, axis: int) -> FloatArray:
    """The largest magnitude of each channel along an axis, in an array that divides the weights."""
    return np.abs(weights).max(axis=tuple(other for other in range(weights.ndim) if other != axis), keepdims=True)


def _rounded(weights: FloatArray, axis: int) -> FloatArray:
    """Weights rounded to 8 bits and back, in the operator's own order and precision: the same middles fall the same."""
    largest = _largest(weights, axis)
    inverse = np.float32(1) / np.where(largest > _NEXT_TO_NOTHING, largest, largest + _INSTEAD_OF_NOTHING)
    rounded: FloatArray = np.rint(_LARGEST * inverse * weights) * largest / _LARGEST
    return rounded


def _take_out(block: Any, fake: list[Any], values: Parameters) -> None:
    """Let the readers of every fake-quantised tensor read what it was made of, and drop what nobody reads then."""
    sources = {output: _quantised_by(operator) for operator in fake for output in names_of(operator.outputs, "Out")}
    dropped = set(sources) | set(_scales(fake))
    operators = [operator for operator in block.ops if operator.type not in (OF_WEIGHTS, OF_ACTIVATIONS)]
    for operator in operators:
        for slot in operator.inputs:
            slot.arguments[:] = [sources.get(name, name) for name in slot.arguments]
    _keep(block.ops, operators)
    _keep(block.vars, [variable for variable in block.vars if variable.name not in dropped])
    for name in dropped & set(values):
        del values[name]


def _scales(fake: list[Any]) -> Iterator[str]:
    for operator in fake:
        yield from names_of(operator.outputs, "OutScale")
        for state in _STATES:
            yield from names_of(operator.inputs, state)


def _keep(entries: Any, kept: list[Any]) -> None:
    """Reduce a repeated field to some of its entries."""
    # Copied first: protobuf's entries do not outlive the field that they are taken out of.
    copies = [type(entry).FromString(entry.SerializeToString()) for entry in kept]
    del entries[:]
    entries.extend(copies)
