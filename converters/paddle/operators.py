"""Operators of PaddlePaddle 3 as ONNX nodes: those that PP-OCR's inference programs consist of.

What each computes: its entry in paddle/phi/ops/yaml/ops.yaml of Paddle's source, and the page of the Python function
that it stands behind. Layer normalisation and swish become the elementary nodes that exporters of older ONNX versions
write, because the rewrites in `converters/graph` know them so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from converters.errors import ConversionError
from converters.paddle.pir import Operation, Value

_LARGEST_CONSTANT = 1 << 20
"""Elements of a constant that a program describes by its shape and one value; those of PP-OCR have a handful."""


@dataclass
class Graph:
    """An ONNX graph in the making.

    Attributes:
        nodes, initializers, inputs, outputs: of the ONNX graph.
        values: number -> value of the program, parameters included.
        names: number -> name in the ONNX graph, of values that are there.
        constants: number -> values known now; they enter the graph where a node reads them.
        lists: number of a list -> numbers of its values.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    initializers: list[TensorProto] = field(default_factory=list)
    inputs: list[ValueInfoProto] = field(default_factory=list)
    outputs: list[ValueInfoProto] = field(default_factory=list)
    values: dict[int, Value] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    constants: dict[int, npt.NDArray[Any]] = field(default_factory=dict)
    lists: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def add_constant(self, name: str, array: npt.NDArray[Any]) -> str:
        """Make `array` an initializer; returns its name."""
        self.initializers.append(numpy_helper.from_array(array, name))
        return name


class Step:
    """One operation on its way into a graph."""

    def __init__(self, graph: Graph, operation: Operation) -> None:
        self.graph = graph
        self.operation = operation
        self._made = 0

    @property
    def result(self) -> Value:
        """What the operation makes; what else some make beside it is of use in training only."""
        return self.operation.outputs[0]

    @property
    def _name(self) -> str:
        return f"{self.operation.name}.{self.result.number}"

    def refuse(self, what: str) -> ConversionError:
        """The error that says that the operation `what`."""
        return ConversionError(
            f"the operator {self.operation.name} at {self.operation.place or 'the top'} {what}; "
            "give the model in another form, such as ONNX"
        )

    def attribute(self, name: str) -> Any:
        """An attribute that must be there."""
        if name not in self.operation.attributes:
            raise self.refuse(f"lacks the attribute {name}")
        return self.operation.attributes[name]

    def expect(self, **attributes: Any) -> None:
        """Refuse other values of attributes than those known here."""
        for name, known in attributes.items():
            if (found := self.attribute(name)) != known:
                raise self.refuse(f"has {name} = {found!r}, and only {known!r} is known here")

    def has_input(self, index: int) -> bool:
        """Whether an input is given."""
        return len(self.operation.inputs) > index and self.operation.inputs[index] != 0

    def input(self, index: int) -> str:
        """Name of an input in the graph."""
        return self._name_of(self._number(index))

    def inputs_in_list(self, index: int) -> list[str]:
        """Names of the values in an input that is a list."""
        number = self._number(index)
        if number not in self.graph.lists:
            raise self.refuse(f"has no list as its input {index}")
        return [self._name_of(entry) for entry in self.graph.lists[number]]

    def rank(self, index: int) -> int:
        """Number of an input's axes."""
        return len(self.graph.values[self._number(index)].shape)

    def constant(self, index: int) -> npt.NDArray[Any]:
        """An input that must be known before the program runs."""
        found = self.graph.constants.get(self._number(index))
        if found is None:
            raise self.refuse(f"has an input {index} that is only known when the program runs")
        return found

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node with one output; returns the output's name, which is `output` or made up."""
        self._made += 1
        name = output or (self._name if self._made == 1 else f"{self._name}.{self._made}")
        # In the graph a node is called as in the program, so that a later message leads there.
        node = helper.make_node(kind, inputs, [name], name=f"{self.operation.place}{name}", **attributes)
        self.graph.nodes.append(node)
        return name

    def tensor(self, values: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        """Add a constant; returns its name."""
        self._made += 1
        return self.graph.add_constant(f"{self._name}.{self._made}", np.asarray(values, dtype))

    def integers(self, values: Sequence[int]) -> str:
        """Add a list of integers, such as axes; returns its name."""
        return self.tensor(values, np.int64)

    def _number(self, index: int) -> int:
        if not self.has_input(index):
            raise self.refuse(f"lacks its input {index}")
        return self.operation.inputs[index]

    def _name_of(self, number: int) -> str:
        names = self.graph.names
        if number not in names and number in self.graph.constants:
            names[number] = self.graph.add_constant(f"constant.{number}", self.graph.constants[number])
        if number not in names:
            raise self.refuse(f"reads the value {number}, which nothing known here makes")
        return names[number]


def _data(step: Step) -> str:
    name = str(step.attribute("name"))
    step.graph.inputs.append(_declared(name, step.result))
    return name


def _fetch(step: Step) -> str:
    name = str(step.attribute("name"))
    step.graph.outputs.append(_declared(name, step.result))
    return step.node("Identity", step.input(0), output=name)


def _declared(name: str, value: Value) -> ValueInfoProto:
    """An input or output; each of its open sizes gets a name of its own."""
    shape = [size if size >= 0 else f"{name}.{axis}" for axis, size in enumerate(value.shape)]
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype)), shape)


def _full(step: Step) -> None:
    shape = [int(size) for size in step.attribute("shape")]
    if math.prod(shape) > _LARGEST_CONSTANT:
        raise step.refuse(f"makes a constant of the shape {shape}, larger than any in PP-OCR")
    dtype = step.result.dtype
    step.graph.constants[step.result.number] = np.full(shape, step.attribute("value"), dtype)


def _full_int_array(step: Step) -> None:
    step.graph.constants[step.result.number] = np.array(step.attribute("value"), np.int64)


def _combine(step: Step) -> None:
    step.graph.lists[step.result.number] = step.operation.inputs


def _window(step: Step) -> dict[str, Any]:
    """Where a convolution or pooling looks; Paddle gives paddings by axis, or as top, bottom, left, right."""
    step.expect(data_format="NCHW", padding_algorithm="EXPLICIT")
    paddings = step.attribute("paddings")
    top, bottom, left, right = paddings if len(paddings) == 4 else (paddings[0], paddings[0], paddings[1], paddings[1])
    return {"strides": step.attribute("strides"), "pads": [top, left, bottom, right]}


def _conv2d(step: Step) -> str:
    more = {"dilations": step.attribute("dilations"), "group": step.attribute("groups")}
    return step.node("Conv", step.input(0), step.input(1), **_window(step), **more)


def _conv2d_transpose(step: Step) -> str:
    step.expect(output_padding=[])
    if step.has_input(2) and step.constant(2).size:
        raise step.refuse("sets the size of its output")
    more = {"dilations": step.attribute("dilations"), "group": step.attribute("groups")}
    return step.node("ConvTranspose", step.input(0), step.input(1), **_window(step), **more)


def _pool2d(step: Step) -> str:
    kind, kernel = step.attribute("pooling_type"), step.constant(1).tolist()
    if kind not in ("avg", "max"):
        raise step.refuse(f"pools by {kind!r}")
    name = {"avg": "AveragePool", "max": "MaxPool"}[kind]
    if step.attribute("global_pooling") or (step.attribute("adaptive") and kernel == [1, 1]):
        step.expect(data_format="NCHW")
        return step.node(f"Global{name}", step.input(0))
    if step.attribute("adaptive"):
        raise step.refuse(f"pools to {kernel}")
    more = {"kernel_shape": kernel, "ceil_mode": int(step.attribute("ceil_mode"))}
    if kind == "avg":
        more["count_include_pad"] = int(not step.attribute("exclusive"))
    return step.node(name, step.input(0), **_window(step), **more)


def _batch_norm(step: Step) -> str:
    step.expect(data_format="NCHW")
    if not (step.attribute("is_test") or step.attribute("use_global_stats")):
        raise step.refuse("is in training")
    x, mean, variance, scale, bias = (step.input(index) for index in range(5))
    return step.node("BatchNormalization", x, scale, bias, mean, variance, epsilon=step.attribute("epsilon"))


def _layer_norm(step: Step) -> str:
    if step.attribute("begin_norm_axis") != step.rank(0) - 1:
        raise step.refuse("normalises more axes than the last")
    x, axes = step.input(0), step.integers([-1])
    centred = step.node("Sub", x, step.node("ReduceMean", x, axes))
    squares = step.node("Pow", centred, step.tensor(2, np.float32))
    variance = step.node("ReduceMean", squares, axes)
    deviation = step.node("Sqrt", step.node("Add", variance, step.tensor(step.attribute("epsilon"), np.float32)))
    result = step.node("Div", centred, deviation)
    if step.has_input(1):
        result = step.node("Mul", result, step.input(1))
    return step.node("Add", result, step.input(2)) if step.has_input(2) else result


def _hardsigmoid(step: Step) -> str:
    return step.node("HardSigmoid", step.input(0), alpha=step.attribute("slope"), beta=step.attribute("offset"))


def _swish(step: Step) -> str:
    return step.node("Mul", step.input(0), step.node("Sigmoid", step.input(0)))


def _dropout(step: Step) -> str:
    step.expect(is_test=True, mode="upscale_in_train")
    return step.input(0)


def _scale(step: Step) -> str:
    step.expect(bias_after_scale=True)
    factor = step.constant(1)
    result = step.node("Mul", step.input(0), step.tensor(factor.item(), factor.dtype))
    bias = step.attribute("bias")
    return step.node("Add", result, step.tensor(bias, factor.dtype)) if bias else result


def _matmul(step: Step) -> str:
    sides = []
    for index, transposed in enumerate((step.attribute("transpose_x"), step.attribute("transpose_y"))):
        axes = list(range(step.rank(index)))
        axes[-2:] = reversed(axes[-2:])
        side = step.input(index)
        sides.append(step.node("Transpose", side, perm=axes) if transposed else side)
    return step.node("MatMul", *sides)


def _slice(step: Step) -> str:
    axes = step.integers(step.attribute("axes"))
    result = step.node("Slice", step.input(0), step.input(1), step.input(2), axes)
    gone = step.attribute("decrease_axis")
    return step.node("Squeeze", result, step.integers(gone)) if gone else result


def _flatten(step: Step) -> str:
    start, stop, rank = step.attribute("start_axis"), step.attribute("stop_axis"), step.rank(0)
    if stop % rank != rank - 1:
        raise step.refuse("keeps axes behind those that it joins")
    return step.node("Reshape", step.input(0), step.integers([0] * (start % rank) + [-1]))


def _stack(step: Step) -> str:
    axis = step.attribute("axis")
    axes = step.integers([axis])
    return step.node("Concat", *(step.node("Unsqueeze", each, axes) for each in step.inputs_in_list(0)), axis=axis)


def _nearest_interp(step: Step) -> str:
    step.expect(data_format="NCHW", align_corners=False)
    scale = step.attribute("scale")
    if any(step.has_input(index) for index in (1, 2, 3)) or len(scale) != 2:
        raise step.refuse("enlarges to a size in place of by a factor")
    scales = step.tensor([1, 1, *scale], np.float32)
    form = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    return step.node("Resize", step.input(0), "", scales, **form)


def _same(kind: str, count: int = 1) -> Callable[[Step], str]:
    """An operator that ONNX has, too, with the first `count` inputs and no attributes."""
    return lambda step: step.node(kind, *(step.input(index) for index in range(count)))


OPERATORS: Mapping[str, Callable[[Step], str | None]] = {
    "add": _same("Add", 2),
    "assign": _same("Identity"),
    "batch_norm_": _batch_norm,
    "combine": _combine,
    "concat": lambda step: step.node("Concat", *step.inputs_in_list(0), axis=step.constant(1).item()),
    "conv2d": _conv2d,
    "conv2d_transpose": _conv2d_transpose,
    "data": _data,
    "depthwise_conv2d": _conv2d,
    "dropout": _dropout,
    "fetch": _fetch,
    "flatten": _flatten,
    "full": _full,
    "full_int_array": _full_int_array,
    "hardsigmoid": _hardsigmoid,
    "hardswish": _same("HardSwish"),
    "layer_norm": _layer_norm,
    "matmul": _matmul,
    "multiply": _same("Mul", 2),
    "nearest_interp": _nearest_interp,
    "pool2d": _pool2d,
    "relu": _same("Relu"),
    "reshape": _same("Reshape", 2),
    "scale": _scale,
    "shape64": _same("Shape"),
    "sigmoid": _same("Sigmoid"),
    "slice": _slice,
    "softmax": lambda step: step.node("Softmax", step.input(0), axis=step.attribute("axis")),
    "squeeze": _same("Squeeze", 2),
    "stack": _stack,
    "swish": _swish,
    "transpose": lambda step: step.node("Transpose", step.input(0), perm=step.attribute("perm")),
}
"""Operator of Paddle -> what writes it and gives the name of its first output; None where it writes nothing."""
