"""Small TFLite files, made operator by operator, for tests that need a graph they know by heart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.tools import flatbuffer_utils

from converters.tflite.graph import TFLiteGraph

ACTIVATION = schema.ActivationFunctionType
_TYPES = {np.dtype(np.float32): schema.TensorType.FLOAT32, np.dtype(np.int32): schema.TensorType.INT32}


class TinyModel:
    """A graph under construction; every method returns the index of the tensor it adds."""

    def __init__(self, *input_shape: int) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]
        self.input = self.activation(input_shape)
        self.graph.inputs = [self.input]

    def activation(self, shape: Sequence[int]) -> int:
        return self._tensor(shape, schema.TensorType.FLOAT32, 0)

    def constant(self, values: npt.ArrayLike, dtype: type = np.float32) -> int:
        array = np.asarray(values, dtype)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        return self._tensor(array.shape, _TYPES[array.dtype], len(self.model.buffers) - 1)

    def _tensor(self, shape: Sequence[int], kind: int, buffer: int) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = list(shape), kind, buffer
        tensor.name = f"t{len(self.graph.tensors)}"
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def add(self, name: str, inputs: Sequence[int], shape: Sequence[int], options: Any = None) -> int:
        """Operator `name` over `inputs`, with an output of `shape`."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)  # the old field has one byte
        code.version = 1
        self.model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs, operator.outputs = list(inputs), [self.activation(shape)]
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.graph.operators.append(operator)
        return int(operator.outputs[0])

    def split(self, source: int, axis: int, parts: int) -> list[int]:
        """`source` in equal parts along an axis."""
        shape = list(self.graph.tensors[source].shape)
        shape[axis] //= parts
        options = schema.SplitOptionsT()
        options.numSplits = parts
        first = self.add("SPLIT", [self.constant(axis, np.int32), source], shape, options)
        others = [self.activation(shape) for _ in range(parts - 1)]
        self.graph.operators[-1].outputs += others
        return [first, *others]

    def mean(self, source: int, axes: Sequence[int]) -> int:
        """The mean over some axes, which stay with size 1."""
        options = schema.ReducerOptionsT()
        options.keepDims = True
        shape = [1 if axis in axes else side for axis, side in enumerate(self.graph.tensors[source].shape)]
        return self.add("MEAN", [source, self.constant(axes, np.int32)], shape, options)

    def conv(
        self, source: int, weights: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], activation: int = 0
    ) -> int:
        """A convolution of stride 1 that keeps the picture's size; weights (out, h, w, in)."""
        options = schema.Conv2DOptionsT()
        options.padding, options.fusedActivationFunction = schema.Padding.SAME, activation
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
        shape = [*self.graph.tensors[source].shape[:3], len(weights)]
        return self.add("CONV_2D", [source, self.constant(weights), self.constant(bias)], shape, options)

    def to_bytes(self, output: int) -> bytes:
        """The finished file, with the signature that ai-edge-quantizer asks for."""
        self.graph.outputs = [output]
        graph = TFLiteGraph(bytes(flatbuffer_utils.convert_object_to_bytearray(self.model)))
        graph.drop_unused()
        return graph.to_bytes()


def run(content: bytes, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What ai-edge-litert computes for one input, which the model is resized to."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    entry = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(entry, values.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry, values)
    interpreter.invoke()
    result: npt.NDArray[np.float32] = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return result
