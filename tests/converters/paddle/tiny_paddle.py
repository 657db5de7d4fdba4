"""Tiny Paddle programs, written by hand in both of Paddle's forms, and how a model runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime

from converters.paddle.pir import parse
from converters.paddle.pir_to_onnx import to_onnx
from converters.paddle.program import message

FLOAT32, DENSE_TENSOR, FEED, FETCH = 5, 7, 9, 10
"""Of framework.proto: a data type, and kinds of variables."""
INTEGER = 0
"""Of framework.proto: a kind of attribute."""

BIAS = np.array([0.5, -0.5, 0.25], np.float32).reshape(1, 3, 1, 1)


def pdmodel(operator: str = "relu", shape: Sequence[int] = (-1, 3, 32, 100)) -> bytes:
    """A program that adds the parameter `bias` to its input `x` and puts the sum through an operator."""
    program = message("ProgramDesc")()
    block = program.blocks.add(idx=0, parent_idx=-1)
    for name, kind in (("feed", FEED), ("fetch", FETCH)):
        block.vars.add(name=name, type={"type": kind}, persistable=True)
    for name, sizes in (("x", shape), ("bias", BIAS.shape), ("sum", shape), ("y", shape)):
        tensor = {"tensor": {"data_type": FLOAT32, "dims": sizes}}
        block.vars.add(name=name, type={"type": DENSE_TENSOR, "lod_tensor": tensor}, persistable=name == "bias")
    for kind, inputs, output in (
        ("feed", {"X": "feed"}, "x"),
        ("elementwise_add", {"X": "x", "Y": "bias"}, "sum"),
        (operator, {"X": "sum"}, "y"),
        ("fetch", {"X": "y"}, "fetch"),
    ):
        slots = [{"parameter": parameter, "arguments": [name]} for parameter, name in inputs.items()]
        added = block.ops.add(type=kind, inputs=slots, outputs=[{"parameter": "Out", "arguments": [output]}])
        attribute = {"feed": ("col", 0), "fetch": ("col", 0), "elementwise_add": ("axis", -1)}.get(kind)
        if attribute:
            added.attrs.add(name=attribute[0], type=INTEGER, i=attribute[1])
    return bytes(program.SerializeToString())


Json = dict[str, Any]


def value_type(shape: Sequence[int], element: str = "f32") -> Json:
    """The type of a value in an inference.json."""
    return {"#": "0.t_dtensor", "D": [{"#": f"0.t_{element}"}, list(shape), "NCHW", [], 0]}


def attribute(value: Any) -> Json:
    """An attribute's value in an inference.json."""
    if isinstance(value, list):
        return {"#": "0.a_array", "D": [attribute(entry) for entry in value]}
    kinds = {bool: "a_bool", int: "a_i32", float: "a_f32", str: "a_str"}
    return {"#": f"0.{kinds[type(value)]}", "D": value}


class PirBuilder:
    """A program that grows by one operation at a time."""

    def __init__(self) -> None:
        self._entries: list[Json] = []
        self._count = 0
        self._ranks: dict[int, int] = {}
        self.parameters: dict[str, np.ndarray] = {}

    def parameter(self, array: np.ndarray) -> int:
        """Number of a new parameter."""
        self._count += 1
        name = f"parameter_{self._count}"
        self.parameters[name] = array
        output = {"%": self._count, "TT": value_type(array.shape)}
        self._entries.append({"#": "p", "A": [0, 1, 1, name], "I": [], "O": output})
        return self._count

    def add(
        self,
        operator: str,
        /,
        *inputs: int,
        shape: Sequence[int] = (),
        element: str = "f32",
        place: str = "/Net/",
        **attributes: Any,
    ) -> int:
        """Number of the output of a new operation; `operator` with its dialect, such as "1.relu"."""
        self._count += 1
        listed = [{"N": key, "AT": attribute(value)} for key, value in attributes.items()]
        listed.append({"N": "struct_name", "AT": attribute(place)})
        output = {"%": self._count, "TT": value_type(shape, element)}
        self._ranks[self._count] = len(shape)
        self._entries.append({"#": operator, "A": listed, "I": [{"%": number} for number in inputs], "O": [output]})
        return self._count

    def input(self, shape: Sequence[int]) -> int:
        """Number of the program's input `x`."""
        return self.add("1.data", shape=shape, name="x")

    def integers(self, *values: int) -> int:
        """Number of a constant list of integers."""
        return self.add("1.full_int_array", shape=[len(values)], element="i64", value=list(values))

    def number(self, value: float, element: str = "f32", shape: Sequence[int] = (1,)) -> int:
        """Number of a constant that is the same everywhere."""
        sizes = {"#": "1.a_intarray", "D": list(shape)}
        number = self.add("1.full", shape=shape, element=element, value=float(value))
        self._entries[-1]["A"].append({"N": "shape", "AT": sizes})
        return number

    def list_of(self, *inputs: int) -> int:
        """Number of a list of values."""
        number = self.add("0.combine", *inputs)
        self._entries[-1]["O"][0]["TT"] = {"#": "0.t_vec", "D": []}
        return number

    def json(self, output: int) -> bytes:
        """The inference.json that gives one of the values, of any size."""
        self.add("1.fetch", output, shape=[-1] * self._ranks[output], name="y")
        blocks = [{"#": "block_0", "args": [], "ops": self._entries}]
        program = {"regions": [{"#": "region_0", "blocks": blocks}]}
        return json.dumps({"base_code": {"magic": "pir", "version": 1}, "program": program}).encode()


def from_pir(content: bytes, parameters: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """The ONNX of an inference.json, checked against ONNX's own rules."""
    model = to_onnx(parse(content), parameters)
    onnx.checker.check_model(model, full_check=True)
    return model


def run(model: onnx.ModelProto | str, x: np.ndarray) -> np.ndarray:
    """What a model, or the file of one, gives for its only input."""
    content = model if isinstance(model, str) else model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: x})[0])
