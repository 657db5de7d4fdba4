"""A float TFLite file as a PyTorch network that computes as its quantised form will.

Every tensor keeps TFLite's layout, (batch, height, width, channels) for feature maps; what a convolution of PyTorch
wants is a view of the same memory. The network is right where TFLite's kernels say what it computes: the names and the
meaning of the options are those of tensorflow/lite/schema/schema.fbs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import torch
import torch.nn.functional as F
from ai_edge_litert import schema_py_generated as schema
from torch import Tensor, nn

from converters.errors import ConversionError
from converters.learning.fake_quantisation import quantised_activations, quantised_weights
from converters.quantization.placement import SCALE_PASSES_THROUGH
from converters.quantization.ranges import Range
from converters.tflite.graph import CONVOLUTIONS, NO_TENSOR, TFLiteGraph

_LAYERS = (*CONVOLUTIONS, "FULLY_CONNECTED")
_OUTPUT_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
"""Operator -> axis of its weights that counts output channels: (out, h, w, in), (1, h, w, channels), (out, in)."""
_ACTIVATIONS: Mapping[int, Callable[[Tensor], Tensor]] = {
    schema.ActivationFunctionType.NONE: lambda values: values,
    schema.ActivationFunctionType.RELU: F.relu,
    schema.ActivationFunctionType.RELU6: F.relu6,
}
Values = dict[int, Tensor]


class Layer(nn.Module):
    """Weights and bias of one convolution or matrix product, free to be moved.

    They are kept in units of each output channel's root mean square, so that one rate of learning suits all.
    """

    def __init__(self, weights: Tensor, bias: Tensor | None, channel: int) -> None:
        super().__init__()
        others = tuple(axis for axis in range(weights.ndim) if axis != channel)
        unit = weights.square().mean(others, keepdim=True).sqrt().clamp_min(1e-6)
        self.channel = channel
        self.unit: Tensor
        self.register_buffer("unit", unit)
        self.weights = nn.Parameter(weights / unit)
        self.bias = None if bias is None else nn.Parameter(bias / unit.flatten())

    def values(self) -> tuple[Tensor, Tensor | None]:
        """Weights and bias, in the shapes that TFLite stores."""
        return self.weights * self.unit, None if self.bias is None else self.bias * self.unit.flatten()


class ActivationRange(nn.Module):
    """The two ends of one int8 tensor's range, in units of the larger magnitude."""

    def __init__(self, span: Range) -> None:
        super().__init__()
        self.unit = max(span.high, -span.low, 1e-9)
        self.low = nn.Parameter(torch.tensor(span.low / self.unit))
        self.high = nn.Parameter(torch.tensor(span.high / self.unit))

    def forward(self, values: Tensor) -> Tensor:
        return quantised_activations(values, self.low * self.unit, self.high * self.unit)

    def range(self) -> Range:
        """As the quantizer takes it; contains 0."""
        low, high = float(self.low.detach()) * self.unit, float(self.high.detach()) * self.unit
        return Range(min(low, 0.0), max(high, 0.0))


class QuantisedNetwork(nn.Module):
    """A model that can be run in float, or as int8 will compute it.

    Attributes:
        content: the float TFLite file that it was made of.
        quantising: whether tensors and weights are rounded.
    """

    def __init__(self, content: bytes, ranges: Mapping[str, Range], quantised: Collection[str]) -> None:
        """Build it.

        Args:
            content: a float TFLite file.
            ranges: tensor name -> range.
            quantised: the operators that become int8, each by the name of its output.

        Raises:
            ConversionError: an operator that learning cannot follow.
        """
        super().__init__()
        self.quantising = True
        self.content = content
        self._graph = graph = TFLiteGraph(content)
        if unknown := sorted({graph.kind(operator) for operator in graph.operators} - set(_OPERATORS)):
            raise ConversionError(
                f"learning cannot follow the operators {', '.join(unknown)}; use a recipe that does not learn"
            )
        self._quantised = set(quantised)
        self.layers = nn.ModuleDict()
        self.ranges = nn.ModuleDict()
        self._constants: Values = {}
        whole: set[int] = set()
        """Tensors that hold int8 numbers wherever they are read."""
        self._rounded_inputs: dict[str, set[int]] = {}
        for operator in graph.operators:
            name, output = graph.tensor_name(operator.outputs[0]), operator.outputs[0]
            self._read_constants(operator)
            if name not in self._quantised:
                continue
            self._rounded_inputs[name] = {index for index in graph.activations(operator) if index not in whole}
            whole.update(operator.outputs)
            keeps = graph.kind(operator) in SCALE_PASSES_THROUGH
            for index in [*self._rounded_inputs[name], *([] if keeps else [output])]:
                self.ranges[str(index)] = ActivationRange(ranges[graph.tensor_name(index)])

    def _read_constants(self, operator: schema.OperatorT) -> None:
        graph = self._graph
        for index in operator.inputs:
            if index != NO_TENSOR and graph.is_constant(index) and index not in self._constants:
                self._constants[index] = torch.from_numpy(graph.constant(index))
        if graph.kind(operator) in _LAYERS and graph.is_constant(operator.inputs[1]):
            weights, bias = operator.inputs[1], operator.inputs[2] if len(operator.inputs) > 2 else NO_TENSOR
            self.layers[str(operator.outputs[0])] = Layer(
                self._constants[weights],
                None if bias == NO_TENSOR else self._constants[bias],
                _OUTPUT_AXIS[graph.kind(operator)],
            )

    def forward(self, pictures: Tensor) -> Tensor:
        """The output for a batch of inputs, (batch, height, width, channels) float32, in the graph's own layout."""
        graph = self._graph
        values: Values = {int(graph.subgraph.inputs[0]): pictures}
        for operator in graph.operators:
            name, output = graph.tensor_name(operator.outputs[0]), operator.outputs[0]
            rounded = self.quantising and name in self._quantised
            given = {
                index: self.ranges[str(index)](values[index])
                if rounded and index in self._rounded_inputs[name]
                else values[index]
                for index in graph.activations(operator)
            }
            result = _OPERATORS[graph.kind(operator)](self, operator, given)
            if rounded and str(output) in self.ranges:
                result = self.ranges[str(output)](result)
            values[output] = result
        return values[int(graph.subgraph.outputs[0])]

    def learned(self) -> tuple[bytes, dict[str, Range]]:
        """The float TFLite file with the weights as they are now, and the ranges by tensor name."""
        graph = TFLiteGraph(self.content)
        for operator in graph.operators:
            if str(operator.outputs[0]) in self.layers:
                inputs = list(operator.inputs)
                for place, value in enumerate(self._layer(operator).values(), start=1):
                    if value is not None:
                        inputs[place] = graph.add_constant(value.detach().numpy(), like=inputs[place])
                operator.inputs = inputs
        ranges = {
            self._graph.tensor_name(int(index)): span.range()
            for index, span in self.ranges.items()
            if isinstance(span, ActivationRange)
        }
        graph.drop_unused()
        return graph.to_bytes(), ranges

    # --- what operators compute --------------------------------------------------------------------------------

    def operand(self, index: int, given: Values) -> Tensor:
        """An input of an operator, computed or stored."""
        return given[index] if index in given else self._constants[index]

    def numbers(self, index: int) -> list[int]:
        """A stored input of whole numbers, such as a shape."""
        return [int(number) for number in self._constants[index].flatten()]

    def _layer(self, operator: schema.OperatorT) -> Layer:
        layer = self.layers[str(operator.outputs[0])]
        assert isinstance(layer, Layer)
        return layer

    def weights_and_bias(self, operator: schema.OperatorT) -> tuple[Tensor, Tensor | None]:
        """Weights, rounded where the operator is quantised, and bias."""
        layer = self._layer(operator)
        weights, bias = layer.values()
        if self.quantising and self._graph.tensor_name(operator.outputs[0]) in self._quantised:
            weights = quantised_weights(weights, layer.channel)
        return weights, bias


Compute = Callable[[QuantisedNetwork, schema.OperatorT, Values], Tensor]


def _padded(values: Tensor, operator: schema.OperatorT, window: tuple[int, int], filler: float = 0.0) -> Tensor:
    """A map with the border that padding "SAME" asks for: the odd pixel goes to the right and to the bottom."""
    options = operator.builtinOptions
    if options.padding != schema.Padding.SAME:
        return values
    borders = []
    for size, reach, stride in zip(values.shape[1:3], window, (options.strideH, options.strideW), strict=True):
        missing = max((-(-size // stride) - 1) * stride + reach - size, 0)
        borders.append((missing // 2, missing - missing // 2))
    (top, bottom), (left, right) = borders
    return F.pad(values, (0, 0, left, right, top, bottom), value=filler) if any((top, bottom, left, right)) else values


def _channels_first(values: Tensor) -> Tensor:
    return values.permute(0, 3, 1, 2)


def _channels_last(values: Tensor) -> Tensor:
    return values.permute(0, 2, 3, 1)


def _convolution(network: QuantisedNetwork, operator: schema.OperatorT, given: Values) -> Tensor:
    weights, bias = network.weights_and_bias(operator)
    options = operator.builtinOptions
    depthwise = weights.shape[0] == 1 and not isinstance(options, schema.Conv2DOptionsT)
    values = _padded(given[operator.inputs[0]], operator, (weights.shape[1], weights.shape[2]))
    result = F.conv2d(
        _channels_first(values),
        weights.permute(3, 0, 1, 2) if depthwise else _channels_first(weights),
        bias,
        stride=(options.strideH, options.strideW),
        groups=values.shape[3] if depthwise else 1,
    )
    return _ACTIVATIONS[options.fusedActivationFunction](_channels_last(result))


def _fully_connected(network: QuantisedNetwork, operator: schema.OperatorT, given: Values) -> Tensor:
    weights, bias = network.weights_and_bias(operator)
    result = F.linear(given[operator.inputs[0]].flatten(1), weights, bias)
    return _ACTIVATIONS[operator.builtinOptions.fusedActivationFunction](result)


def _pooling(pool: Callable[..., Tensor]) -> Compute:
    filler = -torch.inf if pool is F.max_pool2d else 0.0

    def compute(_network: QuantisedNetwork, operator: schema.OperatorT, given: Values) -> Tensor:
        options = operator.builtinOptions
        window = options.filterHeight, options.filterWidth
        values = _padded(given[operator.inputs[0]], operator, window, filler)
        return _channels_last(pool(_channels_first(values), window, (options.strideH, options.strideW)))

    return compute


def _of_two(compute: Callable[[Tensor, Tensor], Tensor]) -> Compute:
    def result(network: QuantisedNetwork, operator: schema.OperatorT, given: Values) -> Tensor:
        first, second = (network.operand(index, given) for index in operator.inputs)
        return _ACTIVATIONS[operator.builtinOptions.fusedActivationFunction](compute(first, second))

    return result


def _of_one(compute: Callable[[Tensor], Tensor]) -> Compute:
    return lambda _network, operator, given: compute(given[operator.inputs[0]])


def _mean(network: QuantisedNetwork, operator: schema.OperatorT, given: Values) -> Tensor:
    return given[operator.inputs[0]].mean(network.numbers(operator.inputs[1]), operator.builtinOptions.keepDims)


def _pad(network: QuantisedNetwork, operator: schema.OperatorT, given: Values) -> Tensor:
    return F.pad(given[operator.inputs[0]], _borders(network.numbers(operator.inputs[1])))


def _borders(numbers: list[int]) -> list[int]:
    """PyTorch names the last axis first."""
    return [number for axis in reversed(range(len(numbers) // 2)) for number in numbers[2 * axis : 2 * axis + 2]]


def _concatenation(network: QuantisedNetwork, operator: schema.OperatorT, given: Values) -> Tensor:
    return torch.cat([network.operand(index, given) for index in operator.inputs], operator.builtinOptions.axis)


def _depth_to_space(_network: QuantisedNetwork, operator: schema.OperatorT, given: Values) -> Tensor:
    values, block = given[operator.inputs[0]], operator.builtinOptions.blockSize
    batch, height, width, channels = values.shape
    blocks = values.reshape(batch, height, width, block, block, channels // block**2).permute(0, 1, 3, 2, 4, 5)
    return blocks.reshape(batch, height * block, width * block, channels // block**2)


def _reshape(network: QuantisedNetwork, operator: schema.OperatorT, given: Values) -> Tensor:
    values = given[operator.inputs[0]]
    return values.reshape(values.shape[0], *network.numbers(operator.inputs[1])[1:])


_OPERATORS: Mapping[str, Compute] = {
    "ADD": _of_two(torch.add),
    "AVERAGE_POOL_2D": _pooling(F.avg_pool2d),
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "DEPTH_TO_SPACE": _depth_to_space,
    "FULLY_CONNECTED": _fully_connected,
    "GELU": _of_one(F.gelu),
    "HARD_SWISH": _of_one(F.hardswish),
    "LOGISTIC": _of_one(torch.sigmoid),
    "MAX_POOL_2D": _pooling(F.max_pool2d),
    "MEAN": _mean,
    "MUL": _of_two(torch.mul),
    "PAD": _pad,
    "RESHAPE": _reshape,
    "SOFTMAX": _of_one(lambda values: F.softmax(values, -1)),
    "SUB": _of_two(torch.sub),
}
