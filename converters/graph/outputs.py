"""What a model's output means, and the recognizer's output as bare logits."""

from __future__ import annotations

import onnx_ir as ir

from converters.errors import ConversionError
from converters.graph.constants import integers

MEANINGS = {"Sigmoid": "text-probability", "Softmax": "class-probability"}


def name_meaning(model: ir.Model) -> str:
    """`text-probability` (detector), `class-probability` (direction classifier) or `ctc-logits` (recognizer).

    A recognizer is known by its softmax over a sequence, which is dropped: the greatest logit is the greatest
    probability, and a score needs the softmax of a few frames' logits only, while TFLite would compute it
    over thousands of characters in each frame. The output stays in four dimensions, (N, C, 1, T), (N, 1, T,
    C) in TFLite.
    """
    if len(model.graph.outputs) != 1:
        names = ", ".join(str(output.name) for output in model.graph.outputs)
        raise ConversionError(
            f"the model has {len(model.graph.outputs)} outputs ({names}); give one with a single output"
        )
    output = model.graph.outputs[0]
    sequence = sequence_behind_softmax(output)
    if sequence is not None:
        sequence.name, output.name = output.name, None
        model.graph.outputs[0] = sequence
        return "ctc-logits"
    node = output.producer()
    if node is not None and node.op_type == "DepthToSpace" and node.inputs[0] is not None:
        node = node.inputs[0].producer()
    operator = "nothing" if node is None else node.op_type
    if operator not in MEANINGS:
        raise ConversionError(
            f"the model ends in {operator}, not in a sigmoid (detector) or a softmax (recognizer, "
            "direction classifier); give the exported inference model"
        )
    return MEANINGS[operator]


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
