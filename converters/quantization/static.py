"""A float TFLite file and a recipe in, an int8 TFLite file out."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from ai_edge_quantizer import qtyping, quantizer, recipe_manager
from ai_edge_quantizer.algorithm_manager import AlgorithmName

from converters.errors import ConversionError
from converters.quantization.equalisation import equalise
from converters.quantization.ranges import Range, choose_ranges, observe
from converters.quantization.recipes import ModelRecipe
from converters.tflite.graph import TFLiteGraph
from converters.tflite.integer_moves import move_integers

FloatArray = npt.NDArray[np.float32]

_BITS = 8
_FLOAT_BITS = 16
"""Of the weights of layers that stay float: half precision loses nothing that int8 layers behind them would keep."""
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def quantise(
    content: bytes, recipe: ModelRecipe, inputs: Sequence[FloatArray], progress: Callable[[], object] = lambda: None
) -> bytes:
    """Quantise one model.

    Args:
        content: a float TFLite file.
        recipe: what becomes int8.
        inputs: calibration tensors, (1, H, W, C) float32, normalised as the model expects; looked at only by a static
            recipe, which takes the first `recipe.samples`, twice when it equalises.
        progress: called after each calibration input.

    Returns:
        The TFLite file; `content` itself for a float recipe.
    """
    if recipe.mode == "float":
        return content
    if not recipe.needs_calibration:
        return _apply(content, recipe, {}, [])
    inputs = inputs[: recipe.samples]
    seen = observe(content, inputs, progress)
    if recipe.equalisation:
        content = equalise(content, seen, recipe.equalisation)
        seen = observe(content, inputs, progress)
    return _apply(content, recipe, choose_ranges(content, seen, recipe.ranges), inputs)


def _apply(content: bytes, recipe: ModelRecipe, ranges: Mapping[str, Range], inputs: Sequence[FloatArray]) -> bytes:
    work = quantizer.Quantizer(bytearray(content))
    work.load_quantization_recipe(_operator_rules(content, recipe).get_quantization_recipe())
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


def _operator_rules(content: bytes, recipe: ModelRecipe) -> recipe_manager.RecipeManager:
    rules = recipe_manager.RecipeManager()
    for name in recipe.operators:
        operation = qtyping.TFLOperationName(name)
        if recipe.mode == "static":
            rules.add_static_config(".*", operation, activation_num_bits=_BITS, weight_num_bits=_BITS)
        else:
            rules.add_weight_only_config(".*", operation, num_bits=_BITS)
    for output, kind in _operators_kept_float(content, recipe):
        # The quantizer matches an operator by the names of its outputs, joined and ended by semicolons.
        scope, operation = f"^{re.escape(output)};?$", qtyping.TFLOperationName(kind)
        if kind in _CONVOLUTIONS:
            rules.add_weight_only_config(
                scope, operation, num_bits=_FLOAT_BITS, algorithm_key=AlgorithmName.FLOAT_CASTING
            )
        else:
            rules.add_quantization_config(scope, operation, algorithm_key=AlgorithmName.NO_QUANTIZE)
    return rules


def _operators_kept_float(content: bytes, recipe: ModelRecipe) -> list[tuple[str, str]]:
    """(output name, operator) of everything up to and including convolution number `recipe.float_convolutions`."""
    graph = TFLiteGraph(content)
    kept, convolutions = [], 0
    for operator in graph.operators:
        if convolutions >= recipe.float_convolutions:
            break
        convolutions += graph.kind(operator) in _CONVOLUTIONS
        if graph.kind(operator) in recipe.operators:
            kept.append((graph.tensor_name(operator.outputs[0]), graph.kind(operator)))
    return kept
