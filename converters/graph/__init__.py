"""Exact rewrites of ONNX graphs into what TFLite and XNNPACK run without leaving one partition.

A rule (`rules/`) replaces a piece of the graph by another that computes the same numbers up to rounding. None
depends on a model's weights, its size or its generation: a rule knows an equation and the shape that it has
in a graph.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import onnx
import onnx_ir as ir
from onnx import version_converter
from onnx_ir.passes import common as passes
from onnxscript import optimizer
from onnxscript.rewriter import RewriteRuleSet

from converters.errors import ConversionError
from converters.graph.operators import assert_standard
from converters.graph.outputs import name_output
from converters.graph.recurrence import Recurrence, split_recurrence
from converters.graph.rules import RULES

__all__ = ["OPSET", "Rewritten", "rewrite"]

# The rules are written for one version of the operators: axes as inputs (13 for Squeeze, 18 for ReduceMean),
# HardSwish (14) and Gelu (20).
OPSET = 20

# Constants are computed however large they are: weights may be reshaped or cast in the graph.
ANY_SIZE = sys.maxsize

# It warns, with pages of traceback, of what `_infer_shapes` says in a sentence.
logging.getLogger("onnx_ir.passes.common.shape_inference").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Rewritten:
    """A rewritten model, and what its consumers must know about it.

    Attributes:
        model: the same function as the source up to rounding, apart from the `border` and the form of the
            output; the input is declared in the given shape, but nothing else depends on height or width, apart from
            the shapes that an attention's reshapes store.
        applied: name of a rule -> how often it was used.
        meaning: `text-logits`, `text-probability`, `class-probability` or `ctc-logits`, as in a manifest. A
            recognizer's softmax is dropped, and its output is (N, C, 1, T) in place of (N, T, C).
        block: pixels on each side of the blocks that a detector's map comes in, each in the channels of one place:
            (N, block * block, H / block, W / block).
        border: pixels on each side of a detector's map that have no meaning: the map is larger by them, and
            they are to be cropped.
        recurrence: what follows `model`, which then gives the features (N, C, 1, T) that it reads; None where the
            model is whole.
    """

    model: onnx.ModelProto
    applied: Mapping[str, int]
    meaning: str
    block: int
    border: int
    recurrence: Recurrence | None


def rewrite(model: onnx.ModelProto, *, input_shape: tuple[int, int, int, int]) -> Rewritten:
    """Rewrite a detector, direction classifier or recognizer for TFLite; `model` itself stays as it is.

    Args:
        model: an exported inference model with one input, (N, 3, H, W) float32, and one output.
        input_shape: what the input is declared as in the result.

    Raises:
        ConversionError: the shape does not fit the model, or its parts each other, it has an operator that ONNX does
            not have or a recurrent layer that TFLite does not have, or its output has no meaning known here.
    """
    graph = _prepare(model, input_shape)
    source_shape = graph.graph.outputs[0].shape
    applied = _apply(graph)
    output = name_output(graph)
    recurrence = split_recurrence(graph)
    _tidy(graph)
    _infer_shapes(graph)
    border = 0
    if output.meaning.startswith("text-"):
        border = _added_on_each_side(source_shape, graph.graph.outputs[0].shape, output.block)
    graph.graph.name = model.graph.name
    return Rewritten(ir.to_proto(graph), applied, output.meaning, output.block, border, recurrence)


def _prepare(model: onnx.ModelProto, input_shape: tuple[int, int, int, int]) -> ir.Model:
    """A copy with the input's shape fixed, the operators in version OPSET and the constants computed."""
    assert_standard(model)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _forget_constants_among_the_inputs(copy.graph)
    if len(copy.graph.input) != 1:
        names = ", ".join(value.name for value in copy.graph.input)
        raise ConversionError(f"the model has {len(copy.graph.input)} inputs ({names}); give one with a single input")
    declared = copy.graph.input[0].type.tensor_type.shape.dim
    if len(declared) != 4 or any(
        d.dim_value > 0 and d.dim_value != n for d, n in zip(declared, input_shape, strict=True)
    ):
        shape = [d.dim_value if d.dim_value > 0 else "?" for d in declared]
        raise ConversionError(
            f"the model's input is {shape}, which {list(input_shape)} does not fit; give a shape that does"
        )
    for dimension, size in zip(declared, input_shape, strict=True):
        dimension.dim_value = size
    del copy.graph.value_info[:]
    for output in copy.graph.output:
        output.type.tensor_type.ClearField("shape")
    # Folded first, because the version converter guards a softmax over unknown shapes with a Flatten and a
    # Reshape.
    folded = _fold_constants(copy)
    if _opset_of(folded) >= OPSET:
        return ir.from_proto(folded)
    try:
        raised = version_converter.convert_version(folded, OPSET)
    except version_converter.ConvertError as error:
        raise ConversionError(
            f"the model's operators, of opset {_opset_of(folded)}, have no equal in opset {OPSET} ({error}); "
            f"export the model for opset {OPSET}"
        ) from error
    return ir.from_proto(_fold_constants(raised))


def _forget_constants_among_the_inputs(graph: onnx.GraphProto) -> None:
    """Until version 4 of the format (IR), constants had to be declared as inputs too."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)


def _fold_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with everything computed that does not depend on its input, and its shapes inferred."""
    folded = ir.from_proto(model)
    optimizer.fold_constants(folded, onnx_shape_inference=True, input_size_limit=ANY_SIZE, output_size_limit=ANY_SIZE)
    _tidy(folded)
    return ir.to_proto(folded)


def _opset_of(model: onnx.ModelProto) -> int:
    """Version of the standard operators that a model uses."""
    return next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))


def _apply(model: ir.Model) -> dict[str, int]:
    """Apply the rules in place until none fits; how often each did.

    After each rule that fitted comes the first again, so that a rule sees what the rules before it have left
    over.
    """
    applied: Counter[str] = Counter()
    rules = [(str(rule.name), RewriteRuleSet([rule], commute=True)) for rule in RULES]
    while fitting := next(((name, count) for name, rule in rules if (count := rule.apply_to_model(model))), None):
        name, count = fitting
        applied[name] += count
        _tidy(model)
    return dict(applied)


def _tidy(model: ir.Model) -> None:
    """Remove what a rule leaves behind: identities, Constant nodes, and nodes without a reader."""
    passes.IdentityEliminationPass()(model)
    passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    passes.RemoveUnusedNodesPass()(model)


def _infer_shapes(model: ir.Model) -> None:
    """Compute all shapes anew: the rules change some of them."""
    for node in model.graph:
        for value in node.outputs:
            value.shape = None
    passes.ShapeInferencePass()(model)
    if all(value.shape is None for node in model.graph for value in node.outputs):
        raise ConversionError(
            "the model's operators and weights do not fit each other, as ONNX defines them; export it again"
        )


def _added_on_each_side(before: ir.Shape | None, after: ir.Shape | None, block: int) -> int:
    """By how many pixels an (N, 1, H, W) map, afterwards in blocks, has grown on each of its four sides."""
    for shape in (before, after):
        if shape is None or len(shape) != 4 or not shape.is_static():
            raise ConversionError(
                f"the model gives probabilities of shape {shape}, not a map (N, C, H, W) of known size; "
                "give a detector whose output follows from its input's size"
            )
    assert before is not None and after is not None
    grown = [block * int(new) - int(old) for old, new in zip(before.numpy()[2:], after.numpy()[2:], strict=True)]
    assert grown[0] == grown[1] and grown[0] % 2 == 0, "rules add the same to all sides"
    return grown[0] // 2
