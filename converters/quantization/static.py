"""A float TFLite file and a recipe in, an int8 TFLite file out."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ai_edge_quantizer import qtyping, quantizer, recipe_manager
from ai_edge_quantizer.algorithm_manager import AlgorithmName

from converters.errors import ConversionError
from converters.quantization.equalisation import equalise
from converters.quantization.ranges import Range, choose_ranges, observe
from converters.quantization.recipes import ModelRecipe
from converters.tflite.graph import CONVOLUTIONS, TFLiteGraph
from converters.tflite.integer_moves import move_integers
from edge_ocr.engines import open_engine
from edge_ocr.engines.base import Array

FloatArray = npt.NDArray[np.float32]

_BITS = 8
_FLOAT_BITS = 16
"""Of the weights of layers that stay float: half the bytes, and far finer steps than int8."""
_SENSITIVITY_INPUTS = 60
"""About as many of the calibration inputs are looked at to tell which layers are sensitive."""


@dataclass(frozen=True)
class Operator:
    """An operator of a TFLite file, as recipes of the quantizer name it.

    Attributes:
        output: name of its output tensor.
        kind: for example CONV_2D.
    """

    output: str
    kind: str


def quantise(
    content: bytes,
    recipe: ModelRecipe,
    inputs: Sequence[FloatArray],
    progress: Callable[[], object] = lambda: None,
    *,
    meaning: str | None = None,
) -> bytes:
    """Quantise one model.

    Args:
        content: a float TFLite file.
        recipe: what becomes int8.
        inputs: calibration tensors, (1, H, W, C) float32, normalised as the model expects; looked at only by a static
            recipe, which takes the first `recipe.samples`, twice when it equalises.
        progress: called after each calibration input.
        meaning: of the output, as in a manifest; decides how its range is chosen.

    Returns:
        The TFLite file; `content` itself for a float recipe.
    """
    if recipe.mode == "float":
        return content
    if not recipe.needs_calibration:
        return _apply(content, recipe, {}, [], [])
    inputs = inputs[: recipe.samples]
    seen = observe(content, inputs, progress)
    if recipe.equalisation:
        content = equalise(content, seen, recipe.equalisation)
        seen = observe(content, inputs, progress)
    ranges = choose_ranges(content, seen, recipe.ranges, meaning)
    kept = _first_operators(TFLiteGraph(content), recipe)
    if recipe.sensitive_convolutions:
        kept = kept + _most_sensitive(content, recipe, ranges, inputs, kept)
    return _apply(content, recipe, ranges, inputs, kept)


def _apply(
    content: bytes,
    recipe: ModelRecipe,
    ranges: Mapping[str, Range],
    inputs: Sequence[FloatArray],
    kept: Sequence[Operator],
) -> bytes:
    """Quantise with known ranges, all but the operators in `kept`."""
    work = quantizer.Quantizer(bytearray(content))
    work.load_quantization_recipe(_operator_rules(recipe, kept).get_quantization_recipe())
    calibration = {}
    # The quantizer draws progress bars and warns of memory on standard error, and cannot be asked not to.
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if recipe.needs_calibration:
            # One input is enough to learn what the quantizer keeps for each tensor; the ranges are then ours.
            calibration = work.calibrate({"serving_default": [{"x": _fitted(content, inputs[0])}]}, num_threads=2)
            for name, statistics in calibration.items():
                if name in ranges and "min" in statistics:
                    statistics["min"] = np.full_like(statistics["min"], ranges[name].low)
                    statistics["max"] = np.full_like(statistics["max"], ranges[name].high)
        result = work.quantize(calibration, enable_progress_report=False).quantized_model
    if result is None:
        raise ConversionError("ai-edge-quantizer gave no model back")
    return move_integers(bytes(result))


def _fitted(content: bytes, tensor: FloatArray) -> FloatArray:
    """`tensor` cut or padded with zeros to the size the file was written for: the quantizer does not resize."""
    graph = TFLiteGraph(content)
    fitted = np.zeros(graph.shape(int(graph.subgraph.inputs[0])), np.float32)
    height, width = (min(a, b) for a, b in zip(fitted.shape[1:3], tensor.shape[1:3], strict=True))
    fitted[:, :height, :width] = tensor[:, :height, :width]
    return fitted


def _operator_rules(recipe: ModelRecipe, kept: Sequence[Operator]) -> recipe_manager.RecipeManager:
    rules = recipe_manager.RecipeManager()
    for name in recipe.operators:
        operation = qtyping.TFLOperationName(name)
        if recipe.mode == "static":
            rules.add_static_config(".*", operation, activation_num_bits=_BITS, weight_num_bits=_BITS)
        else:
            rules.add_weight_only_config(".*", operation, num_bits=_BITS)
    for operator in kept:
        # The quantizer matches an operator by the names of its outputs, joined and ended by semicolons.
        scope, operation = f"^{re.escape(operator.output)};?$", qtyping.TFLOperationName(operator.kind)
        if operator.kind in CONVOLUTIONS:
            rules.add_weight_only_config(
                scope, operation, num_bits=_FLOAT_BITS, algorithm_key=AlgorithmName.FLOAT_CASTING
            )
        else:
            rules.add_quantization_config(scope, operation, algorithm_key=AlgorithmName.NO_QUANTIZE)
    return rules


def _first_operators(graph: TFLiteGraph, recipe: ModelRecipe) -> list[Operator]:
    """Everything up to and including convolution number `recipe.float_convolutions`."""
    first, convolutions = [], 0
    for operator in _quantisable(graph, recipe):
        if convolutions >= recipe.float_convolutions:
            break
        convolutions += operator.kind in CONVOLUTIONS
        first.append(operator)
    return first


def _quantisable(graph: TFLiteGraph, recipe: ModelRecipe) -> list[Operator]:
    named = [Operator(graph.tensor_name(operator.outputs[0]), graph.kind(operator)) for operator in graph.operators]
    return [operator for operator in named if operator.kind in recipe.operators]


def _most_sensitive(
    content: bytes,
    recipe: ModelRecipe,
    ranges: Mapping[str, Range],
    inputs: Sequence[FloatArray],
    kept: Sequence[Operator],
) -> list[Operator]:
    """The convolutions whose staying float, each on its own, brings the output closest to the float model's."""
    looked_at = inputs[:: max(1, len(inputs) // _SENSITIVITY_INPUTS)]
    wanted = _outputs(content, looked_at)

    def error_with(candidate: Operator) -> float:
        found = _outputs(_apply(content, recipe, ranges, inputs, [*kept, candidate]), looked_at)
        return float(np.mean([_relative_error(a, b) for a, b in zip(found, wanted, strict=True)]))

    quantised = [operator for operator in _quantisable(TFLiteGraph(content), recipe) if operator not in kept]
    candidates = [operator for operator in quantised if operator.kind in CONVOLUTIONS]
    return sorted(candidates, key=error_with)[: recipe.sensitive_convolutions]


def _outputs(content: bytes, inputs: Sequence[FloatArray]) -> list[FloatArray]:
    network = open_engine("ai-edge-litert").load(content, name="quantised")
    outputs = []
    for tensor in inputs:

        def fill(view: Array, tensor: FloatArray = tensor) -> None:
            view[...] = tensor

        outputs.append(network.run(tensor.shape, fill, lambda view: view))
    return outputs


def _relative_error(found: FloatArray, wanted: FloatArray) -> float:
    return float(np.square(found - wanted).sum() / np.square(wanted).sum())
