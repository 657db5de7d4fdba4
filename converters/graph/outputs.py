"""What a model's output means, and detectors' and recognizers' outputs as bare logits.

A probability costs an exponential, and neither runtime stage needs one at every place: the greatest logit is the
greatest probability, and a threshold on probabilities is one on logits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from converters.errors import ConversionError
from converters.graph.constants import integers
from converters.graph.convolution import Convolution

MEANINGS = {"Sigmoid": "text-probability", "Softmax": "class-probability"}


@dataclass(frozen=True)
class Output:
    """What a model gives.

    Attributes:
        meaning: `text-logits` or `text-probability` (detector), `class-probability` (direction classifier) or
            `ctc-logits` (recognizer).
        block: detector only: the channels of one place are the pixels, row by row, of so many rows and columns of the
            map; 1 for a map that is as it is.
    """

    meaning: str
    block: int = 1


def name_output(model: ir.Model) -> Output:
    """Tell what the output is, after dropping what turns logits into probabilities.

    - A recognizer is known by its softmax over a sequence, which is dropped: a score needs the softmax of a few
      frames only, while TFLite would compute it over thousands of characters in each frame. The output stays in four
      dimensions, (N, C, 1, T), (N, 1, T, C) in TFLite.
    - A detector is known by its sigmoid, which is dropped, and so is the spreading of channels to pixels behind it,
      which XNNPACK does one number at a time: the output is (N, r * r, H / r, W / r), blocks of r x r pixels.

    Raises:
        ConversionError: there are several outputs, or the model ends in something unknown.
    """
    if len(model.graph.outputs) != 1:
        names = ", ".join(str(output.name) for output in model.graph.outputs)
        raise ConversionError(
            f"the model has {len(model.graph.outputs)} outputs ({names}); give one with a single output"
        )
    output = model.graph.outputs[0]
    sequence = sequence_behind_softmax(output)
    if sequence is not None:
        end_with(model, sequence)
        return Output("ctc-logits")
    factors, value = _before_spreading(output)
    node = value.producer()
    operator = "nothing" if node is None else node.op_type
    if operator not in MEANINGS:
        raise ConversionError(
            f"the model ends in {operator}, not in a sigmoid (detector) or a softmax (recognizer, "
            "direction classifier); give the exported inference model"
        )
    assert node is not None
    logits = node.inputs[0]
    if operator == "Sigmoid" and logits is not None and _order_pixels(model, logits, factors):
        end_with(model, logits)
        return Output("text-logits", int(np.prod(factors)))
    return Output(MEANINGS[operator])


def end_with(model: ir.Model, value: ir.Value) -> None:
    """Make `value` the output, under the output's name."""
    output = model.graph.outputs[0]
    value.name, output.name = output.name, None
    model.graph.outputs[0] = value


def _before_spreading(output: ir.Value) -> tuple[list[int], ir.Value]:
    """The value that one DepthToSpace after another spreads to `output`, and their factors, the first one first."""
    factors, value = list[int](), output
    while (node := value.producer()) is not None and node.op_type == "DepthToSpace":
        assert node.inputs[0] is not None
        factors.insert(0, node.attributes["blocksize"].as_int())
        value = node.inputs[0]
    return factors, value


def _order_pixels(model: ir.Model, logits: ir.Value, factors: list[int]) -> bool:
    """Let the convolution behind `logits` give the pixels of a block row by row; whether it could be done.

    One DepthToSpace after another leaves its channels nested: first the place in the coarse block, then that within.
    """
    convolution, node = Convolution.behind(logits), logits.producer()
    if convolution is None or convolution.kind != "Conv" or convolution.channels != np.prod(factors, dtype=int) ** 2:
        return False
    assert node is not None
    if len(factors) < 2:
        return True
    # Axes: row and column in the first block, row and column in the second, and so on; then all rows, all columns.
    nested = np.arange(convolution.channels).reshape([factor for factor in factors for _ in "yx"])
    order = nested.transpose([*range(0, 2 * len(factors), 2), *range(1, 2 * len(factors), 2)]).ravel()
    for place, array in ((1, convolution.weights), (2, convolution.bias)):
        tensor = ir.tensor(np.ascontiguousarray(array[order], np.float32), name=f"{logits.name}_by_rows_{place}")
        value = ir.Value(
            name=tensor.name, const_value=tensor, type=ir.TensorType(tensor.dtype), shape=ir.Shape(array.shape)
        )
        model.graph.register_initializer(value)
        node.resize_inputs(max(place + 1, len(node.inputs)))  # the bias may have been left out
        node.replace_input_with(place, value)
    return True


def sequence_behind_softmax(output: ir.Value) -> ir.Value | None:
    """The (N, C, 1, T) value of `output` = Softmax(Transpose(Squeeze(value))) over C, or None."""
    value = output
    for operator in ("Softmax", "Transpose", "Squeeze"):
        node = value.producer()
        if node is None or node.op_type != operator or node.inputs[0] is None:
            return None
        if operator == "Softmax" and node.attributes.get_int("axis", -1) not in (-1, 2):
            return None
        if operator == "Transpose" and list(node.attributes.get_ints("perm", [])) != [0, 2, 1]:
            return None
        if operator == "Squeeze" and integers(node.inputs[1]) != [2]:
            return None
        value = node.inputs[0]
    return value
