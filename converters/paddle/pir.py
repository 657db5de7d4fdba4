"""Programs of PaddlePaddle 3, `inference.json`: one block of operations in Paddle's intermediate representation, PIR.

The file is JSON with short keys (paddle/fluid/pir/serialize_deserialize in Paddle's source). An operation has a name
"#", attributes "A", inputs "I" and outputs "O"; a value has a number "%" and a type "TT", and 0 is the number of an
input that is left out. Before a name stands the number of its dialect: "1.conv2d" is pd_op.conv2d, "0.a_f32" a builtin
attribute. The parameters come first, as operations "p" of a form of their own, whose fourth attribute is the name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from converters.errors import SourceError

_DTYPES = {
    "t_f32": "float32", "t_f64": "float64", "t_f16": "float16", "t_i32": "int32", "t_i64": "int64", "t_bool": "bool",
    "t_ui8": "uint8", "t_i8": "int8", "t_i16": "int16",
}  # fmt: skip
"""Name of a PIR element type -> of NumPy's."""


@dataclass(frozen=True)
class Value:
    """What an operation makes.

    Attributes:
        number: by which other operations refer to it.
        dtype: of its elements, in NumPy's words; empty for a list of values.
        shape: -1 where a size is only known when the program runs; empty for a list of values, too.
    """

    number: int
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Operation:
    """One operation of a program.

    Attributes:
        name: without its dialect, e.g. "conv2d".
        place: the layers of the network that it belongs to, e.g. "/PPLCNetV3/ConvBNLayer/Conv2D/"; may be empty.
        attributes: name -> number, text, truth value, or list of these.
        inputs: numbers of values; 0 for one that is left out.
        outputs: the values that it makes.
    """

    name: str
    place: str
    attributes: Mapping[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[Value, ...]


@dataclass(frozen=True)
class Program:
    """A program of one block.

    Attributes:
        parameters: name -> value.
        operations: in an order in which they can run.
    """

    parameters: Mapping[str, Value]
    operations: tuple[Operation, ...]


def parse(content: bytes) -> Program:
    """Read an `inference.json`.

    Raises:
        SourceError: it holds something else.
    """
    try:
        document = json.loads(content)
        if document["base_code"]["magic"] != "pir":
            raise ValueError("its magic word is not 'pir'")
        (region,) = document["program"]["regions"]
        (block,) = region["blocks"]
        entries = block["ops"]
        parameters = {str(entry["A"][3]): _value(entry["O"]) for entry in entries if entry["#"] == "p"}
        operations = tuple(_operation(entry) for entry in entries if entry["#"] != "p")
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as problem:
        reason = f"{type(problem).__name__}: {problem}"
        raise SourceError(
            f"this is no program of PaddlePaddle 3 in one block ({reason}); give an inference.json"
        ) from problem
    return Program(parameters, operations)


def _operation(entry: Mapping[str, Any]) -> Operation:
    attributes = {str(attribute["N"]): _plain(attribute["AT"]) for attribute in entry["A"]}
    return Operation(
        name=_without_dialect(entry["#"]),
        place=str(attributes.pop("struct_name", "")),
        attributes=attributes,
        inputs=tuple(int(value["%"]) for value in entry["I"]),
        outputs=tuple(_value(value) for value in entry["O"]),
    )


def _without_dialect(name: str) -> str:
    return name.partition(".")[2]


def _plain(attribute: Mapping[str, Any]) -> Any:
    """An attribute's value; that of an array is a list of attributes itself."""
    if _without_dialect(attribute["#"]) == "a_array":
        return [_plain(entry) for entry in attribute["D"]]
    return attribute.get("D")


def _value(entry: Mapping[str, Any]) -> Value:
    kind = entry["TT"]
    if _without_dialect(kind["#"]) == "t_vec":
        return Value(int(entry["%"]), "", ())
    element, shape, *_ = kind["D"]
    return Value(int(entry["%"]), _DTYPES[_without_dialect(element["#"])], tuple(int(size) for size in shape))
