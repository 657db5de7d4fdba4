"""Paddle's programs (`.pdmodel`), open for editing.

A program is a protobuf message, ProgramDesc. Only the fields that an edit needs are declared here; protobuf carries all
others along byte for byte. Field numbers and types: Paddle's `paddle/fluid/framework/framework.proto`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from converters.errors import SourceError

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "paddle.framework.proto"
_MESSAGES: Mapping[str, Mapping[str, tuple[int, int | str, bool]]] = {
    "Attr": {
        "name": (1, _FIELD.TYPE_STRING, False),
        "type": (2, _FIELD.TYPE_INT32, False),
        "i": (3, _FIELD.TYPE_INT32, False),
        "ints": (6, _FIELD.TYPE_INT32, True),
    },
    "Slot": {"parameter": (1, _FIELD.TYPE_STRING, False), "arguments": (2, _FIELD.TYPE_STRING, True)},
    "OpDesc": {
        "inputs": (1, "Slot", True),
        "outputs": (2, "Slot", True),
        "type": (3, _FIELD.TYPE_STRING, False),
        "attrs": (4, "Attr", True),
    },
    "TensorDesc": {"data_type": (1, _FIELD.TYPE_INT32, False), "dims": (2, _FIELD.TYPE_INT64, True)},
    "LoDTensorDesc": {"tensor": (1, "TensorDesc", False)},
    "VarType": {"type": (1, _FIELD.TYPE_INT32, False), "lod_tensor": (3, "LoDTensorDesc", False)},
    "VarDesc": {
        "name": (1, _FIELD.TYPE_STRING, False),
        "type": (2, "VarType", False),
        "persistable": (3, _FIELD.TYPE_BOOL, False),
    },
    "BlockDesc": {
        "idx": (1, _FIELD.TYPE_INT32, False),
        "parent_idx": (2, _FIELD.TYPE_INT32, False),
        "vars": (3, "VarDesc", True),
        "ops": (4, "OpDesc", True),
    },
    "ProgramDesc": {"blocks": (1, "BlockDesc", True)},
}
"""Message -> field -> number, type, whether it is repeated.

Fields that are not declared are written behind those that are: with all that come before the last one needed, a program
that nobody edits comes out as it went in.
"""

_DENSE_TENSOR = 7
"""VarType of what has values; other persistable variables (feed, fetch) have none in the parameter file."""


@cache
def message(name: str) -> Any:
    """The class of a message of framework.proto; an operator's inputs and outputs are called "Slot"."""
    file = descriptor_pb2.FileDescriptorProto(name="framework.proto", package=_PACKAGE, syntax="proto2")
    for declared_name, declared in _MESSAGES.items():
        fields = file.message_type.add(name=declared_name).field
        for field, (number, kind, repeated) in declared.items():
            label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            entry = fields.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                entry.type, entry.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                entry.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def parse_program(content: bytes) -> Any:
    """The ProgramDesc in a `.pdmodel`.

    Raises:
        SourceError: it holds none.
    """
    try:
        program = message("ProgramDesc").FromString(content)
    except DecodeError as error:
        raise SourceError(f"the .pdmodel is not a Paddle program ({error}); fetch it again") from error
    if not program.blocks:
        raise SourceError("the .pdmodel holds no block of operators; fetch it again")
    return program


def parameter_shapes(program: Any) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the variables whose values are in the parameter file."""
    return {
        variable.name: tuple(variable.type.lod_tensor.tensor.dims)
        for variable in program.blocks[0].vars
        if variable.persistable and variable.type.type == _DENSE_TENSOR
    }


def names_of(slots: Iterable[Any], parameter: str) -> list[str]:
    """The variables that an operator's inputs or outputs give to one of its parameters; [] where they give none."""
    return [name for slot in slots if slot.parameter == parameter for name in slot.arguments]
