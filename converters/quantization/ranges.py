"""From calibration inputs to the range of every activation."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from converters.errors import ConversionError
from converters.quantization.int8 import LEVELS
from converters.tflite.graph import TFLiteGraph
from converters.tflite.integer_moves import MOVES

FloatArray = npt.NDArray[np.float32]

_VALUES_PER_INPUT = 2000
"""Kept of every tensor and input: enough for a histogram, few enough for a hundred inputs in memory."""
_BINS = 4096
_PERCENTILE = re.compile(r"percentile-([5-9]\d(?:\.\d+)?)")


@dataclass(frozen=True)
class Range:
    """What an int8 tensor can represent; contains 0."""

    low: float
    high: float


_OF_NOTHING = Range(0.0, 1.0)
"""Of an activation that is always 0, as layers are that training has switched off: any range holds that, and with none
the steps would be too small for the kernels' arithmetic."""


@dataclass
class Observation:
    """What calibration saw of one activation.

    Attributes:
        lows: the smallest value of each input.
        highs: the largest value of each input.
        largest: per channel, the largest magnitude seen; one number where the last axis follows the input's size, as
            that of attention scores does, and so has no channels.
        values: a random part of the values of each input.
    """

    lows: list[float]
    highs: list[float]
    largest: FloatArray
    values: list[FloatArray]

    @property
    def span(self) -> Range:
        """From the smallest to the largest value seen."""
        # numpy's extremes, not Python's: they let NaN through to be noticed.
        return Range(float(np.min([0.0, *self.lows])), float(np.max([0.0, *self.highs])))

    def parts(self, number: int) -> list[Observation]:
        """What was seen in every n-th input, from the first one on, from the second one on, and so on."""
        number = min(number, len(self.values))
        return [
            Observation(self.lows[start::number], self.highs[start::number], self.largest, self.values[start::number])
            for start in range(number)
        ]


def observe(content: bytes, inputs: Iterable[FloatArray], progress: Callable[[], object]) -> dict[int, Observation]:
    """Run a float model over `inputs` and watch every activation.

    Args:
        content: a float TFLite file.
        inputs: (1, H, W, C) float32 each, of sizes that the model can be resized to.
        progress: called after each input.

    Returns:
        Tensor index -> what was seen.

    Raises:
        ConversionError: no inputs, or an activation that is not finite.
    """
    graph = TFLiteGraph(content)
    watched = _activations(graph)
    interpreter = _keeping_all_tensors(content)
    chooser = np.random.default_rng(0)
    seen: dict[int, Observation] = {}
    for tensor in inputs:
        _run(interpreter, tensor)
        for index in watched:
            _add(seen, index, interpreter.get_tensor(index), chooser)
        progress()
    if not seen:
        raise ConversionError("calibration needs at least one picture")
    for index, observation in seen.items():
        if not (math.isfinite(observation.span.low) and math.isfinite(observation.span.high)):
            raise ConversionError(
                f"the float model computes values that are not finite in {graph.tensor_name(index)!r}; "
                "its weights cannot be quantised"
            )
    return seen


def values_of(content: bytes, indices: Iterable[int], tensor: FloatArray) -> dict[int, FloatArray]:
    """Tensor index -> its values in a float model that is given `tensor`, (1, H, W, C) float32."""
    interpreter = _keeping_all_tensors(content)
    _run(interpreter, tensor)
    return {index: interpreter.get_tensor(index) for index in indices}


def first_inputs(inputs: Sequence[FloatArray], pixels: int, fewest: int = 1) -> list[FloatArray]:
    """The first of `inputs`, (1, H, W, C) each: as many as have `pixels` together at most, and `fewest` in any case."""
    together = np.cumsum([tensor.shape[1] * tensor.shape[2] for tensor in inputs])
    return list(inputs[: max(fewest, int(np.searchsorted(together, pixels, "right")))])


def _keeping_all_tensors(content: bytes) -> Interpreter:
    # Reference kernels: a delegate would keep the inner activations to itself.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it warns that keeping all tensors takes memory
        return Interpreter(
            model_content=content,
            num_threads=2,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )


def _run(interpreter: Interpreter, tensor: FloatArray) -> None:
    entry = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(entry, tensor.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry, tensor)
    interpreter.invoke()


def _activations(graph: TFLiteGraph) -> list[int]:
    indices = {index for operator in graph.operators for index in [*graph.activations(operator), *operator.outputs]}
    return sorted(index for index in indices if graph.is_float(index))


def _add(seen: dict[int, Observation], index: int, values: FloatArray, chooser: np.random.Generator) -> None:
    flat = values.ravel()
    largest = np.abs(values).reshape(-1, values.shape[-1] if values.ndim else 1).max(axis=0)
    kept = flat if flat.size <= _VALUES_PER_INPUT else flat[chooser.integers(0, flat.size, _VALUES_PER_INPUT)]
    if index not in seen:
        seen[index] = Observation([], [], largest, [])
    observation = seen[index]
    observation.lows.append(float(flat.min()))
    observation.highs.append(float(flat.max()))
    if observation.largest.shape == largest.shape:
        observation.largest = np.maximum(observation.largest, largest)
    else:
        observation.largest = np.array([max(observation.largest.max(), largest.max())], np.float32)
    observation.values.append(kept.copy())


def percentile_of(method: str) -> float | None:
    """The percentile that a method is about, 50 to 100; None where it is about none."""
    found = _PERCENTILE.fullmatch(method)
    return None if found is None else float(found[1])


def choose_ranges(
    content: bytes,
    seen: Mapping[int, Observation],
    method: str,
    meaning: str | None = None,
    learned: Mapping[str, Range] | None = None,
    *,
    median_of: int = 1,
) -> dict[str, Range]:
    """One range for every activation.

    Args:
        content: the model that was observed.
        seen: from `observe`.
        method: "extremes", "least-error", or a percentile such as "percentile-99.99", see `recipes`.
        meaning: of the output, as in a manifest, where it is known.
        learned: tensor name -> range that is known from training, and is not chosen anew.
        median_of: into so many parts the inputs are split; a range that is clipped is the median of theirs.

    Returns:
        Tensor name -> range. The model's own input keeps its extremes, and so does its output, because clipping the
        logits of a recognizer changes which one is largest; but for a detector's, each of which is turned into a
        probability of its own.
    """
    graph = TFLiteGraph(content)
    readers = graph.consumers()
    output = _OUTPUT_ACTIVATIONS.get(meaning) if meaning else None
    share = percentile_of(method)
    chosen = {}
    for index, observation in seen.items():
        reading = readers.get(index, [])
        clip: Clip = _whole
        if method == "least-error" and (index not in graph.boundary or (not reading and output)):
            clip = partial(_least_error, activation=_activation_behind(graph, index, reading) if reading else output)
        elif share is not None and index not in graph.boundary:
            clip = partial(_percentile, share=share)
        parts = [observation] if clip is _whole else observation.parts(median_of)
        chosen[graph.tensor_name(index)] = _median([_range_of(part, clip) for part in parts])
    chosen |= learned or {}
    for operator in graph.operators:
        if graph.kind(operator) in MOVES:
            # Equal ranges on both sides, so that the int8 numbers can be moved as they are.
            chosen[graph.tensor_name(operator.outputs[0])] = chosen[graph.tensor_name(operator.inputs[0])]
    return chosen


Clip = Callable[[Range, FloatArray], Range]
"""From the smallest and largest value seen, and some of the values, to what of that is kept."""


def _whole(span: Range, _values: FloatArray) -> Range:
    return span


def _range_of(observation: Observation, clip: Clip) -> Range:
    span = observation.span
    return clip(_OF_NOTHING if span.low == span.high else span, np.concatenate(observation.values))


def _median(ranges: Sequence[Range]) -> Range:
    """Of each end by itself."""
    return Range(*(float(np.median(ends)) for ends in zip(*((each.low, each.high) for each in ranges), strict=True)))


def _gelu(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    error_function: npt.NDArray[np.float64] = np.vectorize(math.erf, otypes=[np.float64])(values / math.sqrt(2))
    return 0.5 * values * (1 + error_function)


def _hard_swish(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    result: npt.NDArray[np.float64] = values * np.clip(values + 3, 0, 6) / 6
    return result


def _sigmoid(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    result: npt.NDArray[np.float64] = 1 / (1 + np.exp(-values))
    return result


def _swish(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return values * _sigmoid(values)


def _identity(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return values


Activation = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
_ACTIVATIONS: dict[str, Activation] = {"GELU": _gelu, "HARD_SWISH": _hard_swish, "LOGISTIC": _sigmoid}
_OUTPUT_ACTIVATIONS: dict[str, Activation] = {"text-logits": _sigmoid}
"""Meaning of an output -> what the runtime makes of each of its numbers."""


def _activation_behind(graph: TFLiteGraph, index: int, readers: Sequence[schema.OperatorT]) -> Activation | None:
    """The activation function that a tensor goes through, whatever else is done with it; None where there is none.

    Swish (Ramachandran et al. 2017) is two operators in TFLite: a sigmoid of the tensor, and the product of the two.
    """
    if len(readers) == 1:
        return _ACTIVATIONS.get(graph.kind(readers[0]))
    gates = {int(reader.outputs[0]) for reader in readers if graph.kind(reader) == "LOGISTIC"}
    products = [set(reader.inputs) for reader in readers if graph.kind(reader) == "MUL"]
    return _swish if len(readers) == 2 and products == [{index, *gates}] else None


def _percentile(span: Range, values: FloatArray, *, share: float) -> Range:
    """The range between the percentiles `100 - share` and `share`, or `span` where there is nothing between them."""
    low, high = (float(end) for end in np.percentile(values, [100 - share, share]))
    return Range(min(low, 0.0), max(high, 0.0)) if low < 0 or high > 0 else span


def _least_error(span: Range, values: FloatArray, *, activation: Activation | None) -> Range:
    """The clipping with the least squared error.

    Where GELU, HardSwish, Swish or a sigmoid follows, the error is taken behind it: all flatten what is far below zero,
    so the lower end can come up a long way and leave its steps to values that matter.
    """
    counts, edges = np.histogram(values, bins=_BINS)
    occupied = counts > 0
    centres = ((edges[:-1] + edges[1:]) / 2)[occupied].astype(np.float64)
    weights = counts[occupied] / counts.sum()
    function = activation or _identity
    wanted = function(centres)
    best, least = span, math.inf
    for high in span.high * np.linspace(0.3, 1.0, 15):
        for low in span.low * _shares_of_the_lower_end(span, activation):
            step = (high - low) / LEVELS
            if step <= 0:
                continue
            zero = np.round(-low / step)
            levels = np.clip(np.round(centres / step) + zero, 0, LEVELS).astype(np.intp)
            represented = function((np.arange(LEVELS + 1) - zero) * step)
            error = float(np.sum(weights * (represented[levels] - wanted) ** 2))
            if error < least:
                best, least = Range(float(low), float(high)), error
    return best


def _shares_of_the_lower_end(span: Range, activation: Activation | None) -> npt.NDArray[np.float64]:
    if span.low > -0.05 * span.high:
        return np.ones(1)
    return np.linspace(0.3 if activation is None else 0.05, 1.0, 20)
