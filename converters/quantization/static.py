"""A float TFLite file and a recipe in, an int8 TFLite file out."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_quantizer import qtyping, quantizer, recipe_manager
from ai_edge_quantizer.algorithm_manager import AlgorithmName

from converters.errors import ConversionError
from converters.quantization.equalisation import equalise
from converters.quantization.islands import choose_islands
from converters.quantization.operators import Operator, Prepared
from converters.quantization.ranges import Range, choose_ranges, observe
from converters.quantization.recipes import ModelRecipe
from converters.quantization.recurrence import quantise_recurrence
from converters.quantization.rounding import reconstruct
from converters.quantization.sensitivity import Noise, Probe, find_noise
from converters.tflite.graph import CONVOLUTIONS, TFLiteGraph
from converters.tflite.integer_moves import move_integers

FloatArray = npt.NDArray[np.float32]
Statistics = dict[str, Any]
"""Tensor name -> what ai-edge-quantizer keeps of its values."""

_BITS = 8
_FLOAT_BITS = 16
"""Of the weights of layers that stay float: half the bytes, and far finer steps than int8."""
_LEAVE_MAPS = ("RESHAPE", "TRANSPOSE", "FULLY_CONNECTED", "BATCH_MATMUL")
"""Operators behind which tensors are no feature maps."""
_RESCALING = (2.0**-10, 2.0**8)
"""From how much to how much wider than that of the sum the range of an int8 term may be.

Source: XNNPACK, src/operators/binary-elementwise-nd.c."""


def quantise(
    content: bytes,
    recipe: ModelRecipe,
    inputs: Sequence[FloatArray],
    progress: Callable[[], object] = lambda: None,
    *,
    meaning: str | None = None,
    learned: Mapping[str, Range] | None = None,
    learn: Callable[[Prepared], Prepared] | None = None,
) -> bytes:
    """Quantise one model.

    Args:
        content: a float TFLite file.
        recipe: what becomes int8.
        inputs: calibration tensors, (1, H, W, C) float32, normalised as the model expects; looked at only by a recipe
            that `needs_calibration`, which takes the first `recipe.samples`, each `recipe.passes` times.
        progress: called after each calibration input, and after each source of noise that is measured.
        meaning: of the output, as in a manifest; decides how its range is chosen.
        learned: tensor name -> range known from training (`placement.place`); calibration gives the others theirs, and
            nothing is equalised or rounded otherwise than to nearest, because that would take the weights off the steps
            that they were trained for.
        learn: moves weights and ranges where a recipe with `learning` asks for it; not those known from training.

    Returns:
        The TFLite file; `content` itself for a float recipe.
    """
    if recipe.mode == "float":
        return content
    inputs = inputs[: recipe.samples]
    prepared = prepare(content, recipe, inputs, progress, meaning=meaning, learned=learned)
    prepared = with_first_in_float(prepared, recipe)
    if recipe.float_share:
        probe = Probe(prepared.content, inputs, meaning)
        prepared = with_islands(prepared, recipe, find_noise(prepared, probe, progress))
    if recipe.rounding == "reconstructed" and learned is None:
        prepared = reconstruct(prepared, inputs, progress)
    if learn is not None and learned is None:
        prepared = learn(prepared)
    return to_int8(prepared, recipe, inputs[0] if recipe.mode == "static" else None)


def prepare(
    content: bytes,
    recipe: ModelRecipe,
    inputs: Sequence[FloatArray],
    progress: Callable[[], object] = lambda: None,
    *,
    meaning: str | None = None,
    learned: Mapping[str, Range] | None = None,
) -> Prepared:
    """What `quantise` does before it chooses the layers that stay float; arguments as there."""
    if recipe.mode == "weights":
        return Prepared(content, {}, tuple(_quantisable(TFLiteGraph(content), recipe)))
    seen = observe(content, inputs, progress)
    if recipe.equalisation and not learned:
        content = equalise(content, seen, recipe.equalisation)
        seen = observe(content, inputs, progress)
    ranges = choose_ranges(content, seen, recipe.ranges, meaning, learned, median_of=recipe.median_of)
    graph = TFLiteGraph(content)
    outside = {*_outside_maps(graph, recipe), *_uneven_additions(graph, recipe, ranges)}
    operators = tuple(each for each in _quantisable(graph, recipe) if each not in outside)
    return Prepared(content, ranges, operators)


def with_first_in_float(prepared: Prepared, recipe: ModelRecipe) -> Prepared:
    """Let the first `recipe.float_convolutions` stay float."""
    return _without(prepared, _first_operators(TFLiteGraph(prepared.content), recipe))


def with_islands(prepared: Prepared, recipe: ModelRecipe, noise: Noise) -> Prepared:
    """Let `recipe.float_share` more stay float, where that takes most of the noise away."""
    noise = replace(noise, layers=tuple(layer for layer in noise.layers if layer.operator in prepared.operators))
    islands = choose_islands(noise, recipe.float_share, recipe.signal_to_noise)
    return _without(prepared, [noise.layers[index].operator for index in islands])


def _without(prepared: Prepared, kept: Collection[Operator]) -> Prepared:
    return replace(prepared, operators=tuple(each for each in prepared.operators if each not in kept))


def to_int8(prepared: Prepared, recipe: ModelRecipe, tensor: FloatArray | None) -> bytes:
    """The quantised TFLite file; `tensor` is any calibration input, or None where only weights become int8."""
    kept = [each for each in _quantisable(TFLiteGraph(prepared.content), recipe) if each not in prepared.operators]
    statistics = {} if tensor is None else _statistics(prepared.content, recipe, prepared.ranges, tensor)
    return _apply(prepared.content, recipe, statistics, kept)


def _statistics(content: bytes, recipe: ModelRecipe, ranges: Mapping[str, Range], tensor: FloatArray) -> Statistics:
    """What the quantizer keeps for each tensor, with ranges of ours; one input is enough to learn which that are."""
    work = quantizer.Quantizer(bytearray(content))
    work.load_quantization_recipe(_operator_rules(recipe, []).get_quantization_recipe())
    with _quiet():
        statistics: Statistics = work.calibrate({"serving_default": [{"x": _fitted(content, tensor)}]}, num_threads=2)
    for name, kept in statistics.items():
        if name in ranges and "min" in kept:
            kept["min"] = np.full_like(kept["min"], ranges[name].low)
            kept["max"] = np.full_like(kept["max"], ranges[name].high)
    return statistics


def _apply(content: bytes, recipe: ModelRecipe, statistics: Statistics, kept: Sequence[Operator]) -> bytes:
    """Quantise with known ranges, all but the operators in `kept`."""
    work = quantizer.Quantizer(bytearray(content))
    work.load_quantization_recipe(_operator_rules(recipe, kept).get_quantization_recipe())
    with _quiet():
        result = work.quantize(deepcopy(statistics), enable_progress_report=False).quantized_model
    if result is None:
        raise ConversionError("ai-edge-quantizer gave no model back")
    return quantise_recurrence(move_integers(bytes(result)))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantizer draws progress bars and warns of memory on standard error, and cannot be asked not to."""
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


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


def _outside_maps(graph: TFLiteGraph, recipe: ModelRecipe) -> list[Operator]:
    """The operators without weights that work on anything but feature maps, (1, height, width, channels).

    Behind a reshape or a transposition come attention, layer normalisation and recurrent layers: the square of a
    deviation, or a variance to divide by, spans more than 255 steps can tell apart.
    """
    maps = {int(index) for index in graph.subgraph.inputs}
    outside = []
    for operator in graph.operators:
        kind = graph.kind(operator)
        follows = kind not in _LEAVE_MAPS and maps.issuperset(graph.activations(operator))
        if follows or kind in CONVOLUTIONS:
            maps.update(operator.outputs)
        elif kind in recipe.operators and kind != "FULLY_CONNECTED":
            outside.append(Operator(graph.tensor_name(operator.outputs[0]), kind))
    return outside


def _uneven_additions(graph: TFLiteGraph, recipe: ModelRecipe, ranges: Mapping[str, Range]) -> list[Operator]:
    """The additions of a term so small, or so large, beside the sum that XNNPACK has no int8 kernel for them."""

    def width(index: int) -> float:
        if graph.is_constant(index):
            values = graph.constant(index)
            return float(max(values.max(), 0) - min(values.min(), 0))
        span = ranges[graph.tensor_name(index)]
        return span.high - span.low

    least, most = _RESCALING
    return [
        Operator(graph.tensor_name(operator.outputs[0]), "ADD")
        for operator in graph.operators
        if graph.kind(operator) == "ADD"
        and "ADD" in recipe.operators
        and not all(least <= width(term) / (width(operator.outputs[0]) or 1.0) < most for term in operator.inputs)
    ]


def _quantisable(graph: TFLiteGraph, recipe: ModelRecipe) -> list[Operator]:
    named = [Operator.of(graph, operator) for operator in graph.operators]
    return [operator for operator in named if operator.kind in recipe.operators]
