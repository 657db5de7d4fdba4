"""A TFLite file as a graph that can be walked and edited.

Reading and packing is ai-edge-litert's own `flatbuffer_utils`; this adds what every edit needs: operators by name,
producers and consumers of a tensor, constants as arrays, and a clean-up that drops what no operator uses.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from converters.errors import ConversionError

_OPERATOR_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_NUMPY_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
    schema.TensorType.INT8: np.int8,
}
_TENSOR_TYPES = {np.dtype(numpy_type): number for number, numpy_type in _NUMPY_TYPES.items()}

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")

NO_TENSOR = -1
"""Index that stands for an optional input left out."""


def operator_name(code: schema.OperatorCodeT) -> str:
    """The builtin operator's name in the schema, for example CONV_2D."""
    return _OPERATOR_NAMES[flatbuffer_utils.get_builtin_code_from_operator_code(code)]


class TFLiteGraph:
    """The only subgraph of a TFLite model, open for editing.

    Attributes:
        model: the whole flatbuffer as ai-edge-litert's object tree.
        subgraph: its subgraph.
    """

    def __init__(self, content: bytes) -> None:
        """Parse `content`.

        Raises:
            ConversionError: not a TFLite file, or one with several subgraphs.
        """
        if content[4:8] != b"TFL3":
            raise ConversionError("not a TFLite file: the identifier TFL3 is missing from its bytes 4 to 8")
        self.model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        if len(self.model.subgraphs) != 1:
            raise ConversionError(
                f"a model with {len(self.model.subgraphs)} subgraphs cannot be edited; expected exactly one"
            )
        self.subgraph = self.model.subgraphs[0]
        for buffer in self.model.buffers:
            if buffer.data is not None:
                # What stood behind the flatbuffer comes as bytes, which would be packed again one by one.
                buffer.data = np.frombuffer(buffer.data, np.uint8)

    # --- reading -----------------------------------------------------------------------------------------------

    @property
    def operators(self) -> list[schema.OperatorT]:
        """In execution order."""
        return self.subgraph.operators

    def kind(self, operator: schema.OperatorT) -> str:
        """Name of the builtin that `operator` runs."""
        return operator_name(self.model.operatorCodes[operator.opcodeIndex])

    def tensor(self, index: int) -> schema.TensorT:
        """The tensor at `index`."""
        return self.subgraph.tensors[index]

    def tensor_name(self, index: int) -> str:
        """Its name as text."""
        name = self.tensor(index).name
        return name.decode() if isinstance(name, bytes) else name

    def shape(self, index: int) -> tuple[int, ...]:
        """Its shape; () for a scalar."""
        shape = self.tensor(index).shape
        return () if shape is None else tuple(int(size) for size in shape)

    def is_constant(self, index: int) -> bool:
        """Whether its values are stored in the file."""
        data = self.model.buffers[self.tensor(index).buffer].data
        return data is not None and len(data) > 0

    def is_float(self, index: int) -> bool:
        """Whether it holds float32."""
        return self.tensor(index).type == schema.TensorType.FLOAT32

    def constant(self, index: int) -> npt.NDArray[Any]:
        """A copy of the stored values, in the tensor's shape."""
        data = bytes(self.model.buffers[self.tensor(index).buffer].data)
        return np.frombuffer(data, _NUMPY_TYPES[self.tensor(index).type]).reshape(self.shape(index)).copy()

    def activations(self, operator: schema.OperatorT) -> list[int]:
        """Inputs of `operator` that are computed, neither stored nor states that it keeps."""
        return [
            index
            for index in operator.inputs
            if index != NO_TENSOR and not self.is_constant(index) and not self.tensor(index).isVariable
        ]

    def producers(self) -> dict[int, schema.OperatorT]:
        """Tensor -> the operator that writes it."""
        return {index: operator for operator in self.operators for index in operator.outputs}

    def consumers(self) -> dict[int, list[schema.OperatorT]]:
        """Tensor -> the operators that read it, in execution order."""
        readers: dict[int, list[schema.OperatorT]] = {}
        for operator in self.operators:
            for index in operator.inputs:
                readers.setdefault(index, []).append(operator)
        return readers

    @property
    def boundary(self) -> set[int]:
        """The graph's own inputs and outputs."""
        return {int(index) for index in [*self.subgraph.inputs, *self.subgraph.outputs]}

    # --- editing -----------------------------------------------------------------------------------------------

    def add_constant(self, values: npt.NDArray[np.generic], *, like: int) -> int:
        """A new constant tensor, of the values' type and in all else like tensor `like`; returns its index."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        tensor = copy(self.tensor(like))
        tensor.type = _TENSOR_TYPES[values.dtype]
        tensor.buffer = len(self.model.buffers) - 1
        tensor.shape = list(values.shape)
        tensor.shapeSignature = None
        tensor.name = f"{self.tensor_name(like)}/{len(self.subgraph.tensors)}"
        self.subgraph.tensors.append(tensor)
        return len(self.subgraph.tensors) - 1

    def add_tensor(self, shape: tuple[int, ...], *, like: int) -> int:
        """A new computed tensor of the type of tensor `like`; returns its index."""
        tensor = copy(self.tensor(like))
        tensor.buffer, tensor.shape, tensor.shapeSignature = 0, list(shape), None
        tensor.name = f"{self.tensor_name(like)}/{len(self.subgraph.tensors)}"
        self.subgraph.tensors.append(tensor)
        return len(self.subgraph.tensors) - 1

    def operator_code(self, builtin: int, version: int = 1) -> int:
        """Index of the code of a builtin operator in at least `version`, which is added if the model lacks it."""
        for index, known in enumerate(self.model.operatorCodes):
            if operator_name(known) == _OPERATOR_NAMES[builtin] and known.version >= version:
                return index
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), version
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def redirect(self, old: int, new: int) -> None:
        """Let every reader of tensor `old` read `new`."""
        for operator in self.operators:
            operator.inputs = [new if index == old else index for index in operator.inputs]

    def remove(self, operator: schema.OperatorT) -> None:
        """Take one operator out (by identity: equal operators may occur twice)."""
        self.subgraph.operators = [other for other in self.operators if other is not operator]

    def drop_unused(self) -> None:
        """Drop tensors, buffers and operator codes that no operator uses, and give every tensor a name of its own."""
        used = sorted(self.boundary | set(self._indices_of_operators()) - {NO_TENSOR})
        position = {index: place for place, index in enumerate(used)} | {NO_TENSOR: NO_TENSOR}
        self.subgraph.tensors = [self.tensor(index) for index in used]
        for operator in self.operators:
            operator.inputs = [position[index] for index in operator.inputs]
            operator.outputs = [position[index] for index in operator.outputs]
        self.subgraph.inputs = [position[int(index)] for index in self.subgraph.inputs]
        self.subgraph.outputs = [position[int(index)] for index in self.subgraph.outputs]
        self._drop_unused_buffers()
        self._drop_unused_codes()
        self._make_names_unique()
        self._describe_signature()

    def _indices_of_operators(self) -> Iterable[int]:
        for operator in self.operators:
            yield from operator.inputs
            yield from operator.outputs

    def _drop_unused_buffers(self) -> None:
        # Metadata goes too: it records how the converter ran, which provenance in the manifest says better.
        self.model.metadata = None
        self.model.metadataBuffer = None
        empty = schema.BufferT()
        kept, position = [empty], {}
        for tensor in self.subgraph.tensors:
            data = self.model.buffers[tensor.buffer].data
            if data is None or len(data) == 0:
                tensor.buffer = 0
                continue
            if tensor.buffer not in position:
                position[tensor.buffer] = len(kept)
                kept.append(self.model.buffers[tensor.buffer])
            tensor.buffer = position[tensor.buffer]
        self.model.buffers = kept

    def _drop_unused_codes(self) -> None:
        used = sorted({operator.opcodeIndex for operator in self.operators})
        position = {index: place for place, index in enumerate(used)}
        self.model.operatorCodes = [self.model.operatorCodes[index] for index in used]
        for operator in self.operators:
            operator.opcodeIndex = position[operator.opcodeIndex]

    def _make_names_unique(self) -> None:
        # ai-edge-quantizer keys its ranges by name, and refuses a model with two tensors of one name.
        seen: set[str] = set()
        for place, tensor in enumerate(self.subgraph.tensors):
            name = self.tensor_name(place)
            tensor.name = f"{name}#{place}" if name in seen else name
            seen.add(name)

    def _describe_signature(self) -> None:
        def entry(name: str, index: int) -> schema.TensorMapT:
            mapping = schema.TensorMapT()
            mapping.name, mapping.tensorIndex = name, index
            return mapping

        signature = schema.SignatureDefT()
        signature.signatureKey = "serving_default"
        signature.subgraphIndex = 0
        signature.inputs = [entry("x", int(self.subgraph.inputs[0]))]
        signature.outputs = [entry("y", int(self.subgraph.outputs[0]))]
        self.model.signatureDefs = [signature]

    def to_bytes(self) -> bytes:
        """The edited model as a TFLite file."""
        return bytes(flatbuffer_utils.convert_object_to_bytearray(self.model))
