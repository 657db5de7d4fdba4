"""Mutated model files with right hashes: what a hostile bundle would hold.

Each mutant of one of the default models is put into a bundle whose manifest says its true size and hash, and that
bundle reads a small picture, through the command line, in a process of its own.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from edge_ocr import cli, reading  # noqa: F401 - imported here, so that no child has to
from edge_ocr.engines import open_engine
from edge_ocr.models import DEFAULT_BUNDLE
from faults.children import in_child, judge
from faults.outcomes import Result

KIND = "model files"
SECONDS, MEMORY = 60, 2 << 30
ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "edge_ocr" / "doctor_sample.png"

Random = random.Random
_EDGES = (0, 1, -1, 2, 3, 5, 255, 256, 65536, 1 << 20, 2**31 - 1, -(2**31))
_SCALES = (0.0, -1.0, float("nan"), float("inf"), 1e-38, 1e38, 1e-17, 1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 9e7)


@cache
def _models() -> dict[str, bytes]:
    """File name -> content, of the default bundle."""
    manifest = json.loads((DEFAULT_BUNDLE / "manifest.json").read_text())
    names = [model["file"] for model in manifest["models"].values()]
    return {name: (DEFAULT_BUNDLE / name).read_bytes() for name in names}


@cache
def _tree(name: str) -> Any:
    """A model as the object tree of the schema."""
    from ai_edge_litert.tools import flatbuffer_utils

    return flatbuffer_utils.read_model_from_bytearray(bytearray(_models()[name]))


@cache
def _structure(name: str) -> np.ndarray:
    """Positions of the bytes that are no constant's: offsets, shapes, indices, options, scales."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(_models()[name], 0)
    is_structure = np.ones(len(_models()[name]), bool)
    for index in range(model.BuffersLength()):
        table = model.Buffers(index)._tab
        if offset := table.Offset(4):
            start = table.Vector(offset)
            is_structure[start : start + table.VectorLen(offset)] = False
    return np.flatnonzero(is_structure)


def mutant(seed: int, number: int) -> tuple[str, bytes]:
    """A file name and its new content, the same for the same numbers."""
    draw = Random(f"{seed}/{number}")
    name = draw.choice(sorted(_models()))
    if draw.random() < 0.5:
        return name, _mutated_tree(name, draw)
    data = bytearray(_models()[name])
    draw.choice(_BYTE_MUTATIONS)(draw, data, _structure(name))
    return name, bytes(data)


# --- mutations of bytes --------------------------------------------------------------------------------------------


def _flip_structure(draw: Random, data: bytearray, structure: np.ndarray) -> None:
    for _ in range(draw.choice((1, 1, 2, 8))):
        data[structure[draw.randrange(len(structure))]] = draw.randrange(256)


def _set_word(draw: Random, data: bytearray, structure: np.ndarray) -> None:
    place = int(structure[draw.randrange(len(structure))]) & ~3
    data[place : place + 4] = (draw.choice(_EDGES) & 0xFFFFFFFF).to_bytes(4, "little")


def _flip_numbers(draw: Random, data: bytearray, structure: np.ndarray) -> None:
    for _ in range(draw.choice((1, 100, 10_000))):
        data[draw.randrange(len(data))] = draw.randrange(256)


def _truncate(draw: Random, data: bytearray, structure: np.ndarray) -> None:
    del data[draw.randrange(len(data)) :]


def _splice(draw: Random, data: bytearray, structure: np.ndarray) -> None:
    size = draw.choice((4, 16, 256))
    source, target = (int(structure[draw.randrange(len(structure))]) & ~3 for _ in range(2))
    data[target : target + size] = data[source : source + size]


def _swap_fields(draw: Random, data: bytearray, structure: np.ndarray) -> None:
    """Exchange two neighbouring 16-bit numbers: of a table's layout, two of its fields."""
    place = int(structure[draw.randrange(len(structure) - 4)]) & ~1
    data[place : place + 4] = data[place + 2 : place + 4] + data[place : place + 2]


_BYTE_MUTATIONS = (
    _flip_structure,
    _flip_structure,
    _set_word,
    _set_word,
    _flip_numbers,
    _truncate,
    _splice,
    _swap_fields,
)


# --- mutations of meaning ------------------------------------------------------------------------------------------


def _mutated_tree(name: str, draw: Random) -> bytes:
    from ai_edge_litert.tools import flatbuffer_utils

    while True:
        model = copy.deepcopy(_tree(name))
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            draw.choice(_TREE_MUTATIONS)(draw, model)
        try:
            return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
        except Exception:  # the builder itself refuses some, such as a number too large for its field
            continue


def _graph(model: Any) -> Any:
    return model.subgraphs[0]


def _change_side(draw: Random, model: Any) -> None:
    tensor = draw.choice(_graph(model).tensors)
    shape = [int(side) for side in tensor.shape] if tensor.shape is not None else []
    change = draw.randrange(4)
    if change == 0 or not shape:
        shape.insert(draw.randint(0, len(shape)), draw.choice(_EDGES))
    elif change == 1:
        shape.pop(draw.randrange(len(shape)))
    else:
        side = draw.randrange(len(shape))
        shape[side] = draw.choice((*_EDGES, shape[side] * 2, shape[side] + 1, shape[side] * 1000))
    tensor.shape = shape


def _change_signature(draw: Random, model: Any) -> None:
    tensor = draw.choice(_graph(model).tensors)
    tensor.shapeSignature = [draw.choice(_EDGES) for _ in range(draw.randrange(6))]


def _change_type(draw: Random, model: Any) -> None:
    draw.choice(_graph(model).tensors).type = draw.randrange(23)


def _change_buffer(draw: Random, model: Any) -> None:
    draw.choice(_graph(model).tensors).buffer = draw.choice((0, draw.randrange(len(model.buffers)), len(model.buffers)))


def _change_variable(draw: Random, model: Any) -> None:
    draw.choice(_graph(model).tensors).isVariable = True


def _any_index(draw: Random, model: Any) -> int:
    count = len(_graph(model).tensors)
    return draw.choice((-1, draw.randrange(count), draw.randrange(count), count, *_EDGES))


def _change_operands(draw: Random, model: Any) -> None:
    operator = draw.choice(_graph(model).operators)
    field = draw.choice(("inputs", "outputs"))
    indices = [int(index) for index in getattr(operator, field)]
    change = draw.randrange(4)
    if change == 0 and indices:
        indices.pop(draw.randrange(len(indices)))
    elif change == 1:
        indices.append(_any_index(draw, model))
    elif indices:
        indices[draw.randrange(len(indices))] = _any_index(draw, model)
    setattr(operator, field, indices)


def _swap_operands(draw: Random, model: Any) -> None:
    operator = draw.choice([operator for operator in _graph(model).operators if len(operator.inputs) > 1])
    operator.inputs = [int(index) for index in operator.inputs][::-1]


def _change_code(draw: Random, model: Any) -> None:
    code = draw.choice(model.operatorCodes)
    code.builtinCode = draw.choice((draw.randrange(210), draw.choice(model.operatorCodes).builtinCode, *_EDGES))
    code.deprecatedBuiltinCode = draw.choice((code.builtinCode & 127, 127, 0, -1))


def _change_version(draw: Random, model: Any) -> None:
    draw.choice(model.operatorCodes).version = draw.choice((*_EDGES, 2, 3, 4, 5))


def _change_code_index(draw: Random, model: Any) -> None:
    count = len(model.operatorCodes)
    draw.choice(_graph(model).operators).opcodeIndex = draw.choice((draw.randrange(count), count, 2**31 - 1))


def _change_order(draw: Random, model: Any) -> None:
    operators = _graph(model).operators
    one, other = draw.randrange(len(operators)), draw.randrange(len(operators))
    change = draw.randrange(3)
    if change == 0:
        operators[one], operators[other] = operators[other], operators[one]
    elif change == 1:
        del operators[one]
    else:
        operators.insert(one, operators[other])


def _with_options(model: Any) -> list[Any]:
    return [operator for operator in _graph(model).operators if operator.builtinOptions is not None]


def _change_option(draw: Random, model: Any) -> None:
    options = draw.choice(_with_options(model)).builtinOptions
    names = [name for name, value in vars(options).items() if isinstance(value, int | float)]
    if names:
        setattr(options, draw.choice(names), draw.choice(_EDGES))


def _exchange_options(draw: Random, model: Any) -> None:
    operator, other = draw.choice(_graph(model).operators), draw.choice(_with_options(model))
    operator.builtinOptions, operator.builtinOptionsType = draw.choice(
        ((None, 0), (other.builtinOptions, other.builtinOptionsType))
    )


def _change_quantisation(draw: Random, model: Any) -> None:
    holders = [tensor for tensor in _graph(model).tensors if tensor.quantization is not None]
    if not holders:
        return
    tensor = draw.choice(holders)
    tensor.quantization = quantisation = copy.deepcopy(tensor.quantization)
    change = draw.randrange(5)
    scales = [float(scale) for scale in quantisation.scale] if quantisation.scale is not None else []
    zeros = [int(zero) for zero in quantisation.zeroPoint] if quantisation.zeroPoint is not None else []
    if change == 0 and scales:
        changed = range(len(scales)) if draw.random() < 0.5 else [draw.randrange(len(scales))]
        value = draw.choice(_SCALES)
        scales = [value if index in changed else scale for index, scale in enumerate(scales)]
    elif change == 1:
        scales = scales[:-1] if draw.random() < 0.5 else [*scales, 1.0]
    elif change == 2 and zeros:
        zeros[draw.randrange(len(zeros))] = draw.choice((*_EDGES, 2**62, -(2**62)))
    elif change == 3:
        zeros = zeros[:-1] if draw.random() < 0.5 else [*zeros, 0]
    else:
        quantisation.quantizedDimension = draw.choice(_EDGES)
    quantisation.scale, quantisation.zeroPoint = scales, zeros


def _drop_quantisation(draw: Random, model: Any) -> None:
    draw.choice(_graph(model).tensors).quantization = None


def _change_constant(draw: Random, model: Any) -> None:
    """Of the short ones, which are axes, paddings and shapes; the rest are numbers that may be anything."""
    short = [buffer for buffer in model.buffers if buffer.data is not None and 0 < len(buffer.data) <= 64]
    buffer = draw.choice(short)
    words = np.frombuffer(bytes(buffer.data)[: len(buffer.data) & ~3], np.int32).copy()
    if len(words):
        words[draw.randrange(len(words))] = draw.choice(_EDGES)
        buffer.data = np.frombuffer(words.tobytes(), np.uint8)


def _change_constant_size(draw: Random, model: Any) -> None:
    buffer = draw.choice([buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data)])
    size = draw.choice((0, 1, len(buffer.data) // 2, len(buffer.data) - 1, len(buffer.data) + 4))
    buffer.data = np.resize(np.asarray(buffer.data, np.uint8), size)


def _change_ends(draw: Random, model: Any) -> None:
    graph = _graph(model)
    field = draw.choice(("inputs", "outputs"))
    setattr(graph, field, [_any_index(draw, model) for _ in range(draw.choice((0, 1, 1, 2)))])


def _change_serving_signature(draw: Random, model: Any) -> None:
    signature = draw.choice(model.signatureDefs)
    signature.subgraphIndex = draw.choice((0, 1, 2**31 - 1))
    draw.choice(signature.inputs).tensorIndex = draw.randrange(2**32)


_TREE_MUTATIONS: tuple[Callable[[Random, Any], None], ...] = (
    _change_side, _change_side, _change_side, _change_signature, _change_type, _change_buffer, _change_variable,
    _change_operands, _change_operands, _swap_operands, _change_code, _change_version, _change_code_index,
    _change_order, _change_option, _change_option, _change_option, _exchange_options, _change_quantisation,
    _change_quantisation, _drop_quantisation, _change_constant, _change_constant, _change_constant_size,
    _change_ends, _change_serving_signature,
)  # fmt: skip


# --- a run ---------------------------------------------------------------------------------------------------------


def run_cases(seed: int, numbers: range) -> Iterator[Result]:
    """Read a picture with each of these mutants."""
    open_engine()  # children inherit what this imports
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        for number in numbers:
            bundle = Path(place) / "bundle"
            _write_bundle(bundle, *mutant(seed, number))
            command = ["read", str(PICTURE), "--bundle", str(bundle)]
            ended = in_child(partial(cli.main, command), seconds=SECONDS, memory=MEMORY)
            outcome, detail = judge(ended)
            yield Result(KIND, outcome, f"mutant {seed}/{number}: {detail}")


def _write_bundle(folder: Path, name: str, content: bytes) -> None:
    """The default bundle with another model file, and a manifest that has its size and hash."""
    folder.mkdir(exist_ok=True)
    manifest = json.loads((DEFAULT_BUNDLE / "manifest.json").read_text())
    for model in manifest["models"].values():
        if model["file"] == name:
            model |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    for file in [manifest["charset"]["file"], *_models()]:
        (folder / file).write_bytes(content if file == name else (DEFAULT_BUNDLE / file).read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest))
