"""A look at a TFLite file before an interpreter gets it.

The interpreter trusts its file: an index beyond a list, a stride of 0 or a constant shorter than its shape says
ends the process or worse, and the hashes of a bundle prove nothing about who made it. So the file is read here
first, with bounds on everything, and refused unless it is a graph of operators whose rules are known and kept.

Sources: the schema (tensorflow/compiler/mlir/lite/schema/schema.fbs), whose field numbers are those below, and the
FlatBuffers internals (https://flatbuffers.dev/internals). Tables of one type are read together, a field at a time,
with NumPy: three models with 900 tensors take milliseconds, which are part of every start.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from edge_ocr.errors import EngineError

MAXIMUM_TENSOR_BYTES = 256 << 20
"""Of one tensor at the size that the file states; the largest of PP-OCR models take a twentieth."""
MAXIMUM_TOTAL_BYTES = 1 << 30
"""Of all tensors together, likewise."""
MAXIMUM_DIMENSIONS = 6
MAXIMUM_OPERANDS = 64
MAXIMUM_SIDE = 1 << 16
"""Of a stride, a dilation, a window or a padding."""

Numbers = npt.NDArray[Any]


def check_model(model: bytes, operators: Mapping[str, int] | None = None) -> None:
    """Refuse a TFLite file that an interpreter must not see.

    Args:
        model: content of the file.
        operators: name -> highest version that the bundle's manifest says the model uses; None: those known here.

    Raises:
        EngineError: what is wrong with the file, as a piece of a sentence.
    """
    try:
        _check_graph(_Graph.read(_File(model)), operators)
    except (IndexError, struct.error, OverflowError) as problem:
        raise EngineError("it is damaged: an offset in it leads out of it") from problem


def _refuse(reason: str) -> NoReturn:
    raise EngineError(reason)


# --- FlatBuffers ---------------------------------------------------------------------------------------------------


class _File:
    """The bytes, as numbers of each width. A position is a byte's; it is even or a multiple of 4 as its type asks."""

    def __init__(self, model: bytes) -> None:
        if model[4:8] != b"TFL3":
            _refuse("it is not a TFLite file: its bytes 4 to 8 are not TFL3")
        self.size = len(model)
        self.content = model
        self.octets = np.frombuffer(model, np.uint8)
        self.halves = np.frombuffer(model, "<u2", self.size // 2)
        self.words = np.frombuffer(model, "<i4", self.size // 4)

    def inside(self, starts: Numbers, ends: Numbers) -> None:
        """Refuse ranges that leave the file."""
        if starts.size and (np.minimum.reduce(starts) < 0 or np.maximum.reduce(ends) > self.size):
            _refuse("it is damaged: an offset in it leads out of it")

    def aligned(self, positions: Numbers, width: int) -> None:
        """Refuse positions at which a number of so many bytes may not stand."""
        if np.bitwise_or.reduce(positions) & (width - 1):
            _refuse("it is damaged: an offset in it is not aligned")

    def gather(self, starts: Numbers, counts: Numbers, dtype: str) -> Numbers:
        """The numbers of several vectors, one after another."""
        width = np.dtype(dtype).itemsize
        before = np.cumsum(counts) - counts
        places = np.repeat(starts - width * before, counts) + width * np.arange(counts.sum())
        whole = np.frombuffer(self.content, dtype, self.size // width)
        return whole[places // width]

    def lists(self, vectors: _Vectors) -> list[tuple[int, ...]]:
        """Vectors of 32-bit numbers, as tuples."""
        flat = self.gather(vectors.starts, vectors.counts, "<i4").tolist()
        ends = np.cumsum(vectors.counts).tolist()
        return [tuple(flat[start:end]) for start, end in zip([0, *ends], ends)]  # noqa: B905 - one end less


@dataclass(frozen=True)
class _Vectors:
    """Where vectors lie: position of the first item (0 where the vector is absent) and number of items."""

    starts: Numbers
    counts: Numbers


class _Tables:
    """Tables of one type; a field is read of all of them at once."""

    def __init__(self, file: _File, positions: Numbers, fields: int) -> None:
        """The tables at these positions, of which the first `fields` fields are known; more are refused."""
        self.file = file
        self.positions = positions = positions.astype(np.int64)
        file.inside(positions, positions + 4)
        file.aligned(positions, 4)
        layouts = positions - file.words[positions // 4]
        file.inside(layouts, layouts + 4)
        file.aligned(layouts, 2)
        layout_sizes = file.halves[layouts // 2].astype(np.int64)
        table_sizes = file.halves[layouts // 2 + 1].astype(np.int64)
        file.inside(layouts, layouts + layout_sizes)
        file.inside(positions, positions + table_sizes)
        slots = 4 + 2 * np.arange(fields)
        if layout_sizes.size and layout_sizes.max() > slots[-1] + 2:
            _refuse("it uses fields of a newer format; update edge-ocr")
        present = slots < layout_sizes[:, None] - 1
        offsets = file.halves[np.where(present, layouts[:, None] + slots, 0) // 2] * present
        if (offsets >= np.maximum(table_sizes, 1)[:, None]).any():
            _refuse("it is damaged: a field lies outside its table")
        self.places = np.where(offsets > 0, positions[:, None] + offsets, 0)
        """(tables, fields): position of each field; 0 where it has its default value."""

    def numbers(self, field: int, dtype: str, default: int = 0) -> Numbers:
        """A scalar field of each table."""
        width = np.dtype(dtype).itemsize
        places = self.places[:, field]
        self.file.inside(places, places + width)
        self.file.aligned(places, width)
        whole = np.frombuffer(self.file.content, dtype, self.file.size // width)
        return np.where(places > 0, whole[places // width].astype(np.int64), default)

    def absent(self, *fields: int) -> bool:
        """Whether no table has any of these fields."""
        return not np.bitwise_or.reduce(self.places[:, fields], axis=None)

    def targets(self, field: int) -> Numbers:
        """The position that an offset field of each table leads to; 0 where it is absent."""
        places = self.places[:, field]
        self.file.aligned(places, 4)
        return np.where(places > 0, places + self.file.words[places // 4], 0)

    def vectors(self, field: int, width: int) -> _Vectors:
        """A field that is a vector of items of `width` bytes; an absent one has no items."""
        if self.absent(field):
            return _Vectors(np.zeros_like(self.positions), np.zeros_like(self.positions))
        starts = self.targets(field)
        self.file.inside(starts, starts + 4)
        self.file.aligned(starts, 4)
        counts = np.where(starts > 0, self.file.words[starts // 4].astype(np.int64), 0)
        if counts.size and counts.min() < 0:
            _refuse("it is damaged: a list in it is longer than the file")
        starts = np.where(starts > 0, starts + 4, 0)
        self.file.inside(starts, starts + width * counts)
        self.file.aligned(starts * (counts > 0), width)
        return _Vectors(starts, counts)

    def check_strings(self, field: int) -> None:
        """Refuse texts that do not end in the NUL at which the interpreter stops."""
        texts = self.vectors(field, 1)
        ends = texts.starts + texts.counts
        self.file.inside(texts.starts, ends + 1)
        if self.file.octets[ends[texts.starts > 0]].any():
            _refuse("it is damaged: a name in it has no end")

    def tables(self, field: int, fields: int) -> _Tables:
        """The tables that a vector field lists, of all tables in their order."""
        listed = self.vectors(field, 4)
        if listed.counts.sum() > len(self.file.words):
            _refuse("it is damaged: it lists more than it holds")
        index = np.repeat(listed.starts - 4 * (np.cumsum(listed.counts) - listed.counts), listed.counts)
        places = index + 4 * np.arange(listed.counts.sum())
        return _Tables(self.file, places + self.file.words[places // 4], fields)


# --- the graph -----------------------------------------------------------------------------------------------------

# Field numbers of the schema, in its order.
_MODEL = range(10)
_VERSION, _CODES, _SUBGRAPHS, _DESCRIPTION, _BUFFERS, _METADATA_BUFFERS, _METADATA, _SIGNATURES = _MODEL[:8]
_CODE_OLD, _CODE_CUSTOM, _CODE_VERSION, _CODE_NEW = range(4)
_GRAPH_TENSORS, _GRAPH_INPUTS, _GRAPH_OUTPUTS, _GRAPH_OPERATORS, _GRAPH_NAME = range(5)
_SHAPE, _TYPE, _BUFFER, _NAME, _QUANTISATION, _VARIABLE, _SPARSITY, _SHAPE_SIGNATURE, _HAS_RANK, _VARIANT = range(10)
_MINIMA, _MAXIMA, _SCALES, _ZERO_POINTS, _DETAILS_TYPE, _DETAILS, _QUANTISED_DIMENSION = range(7)
_CODE_INDEX, _INPUTS, _OUTPUTS, _OPTIONS_TYPE, _OPTIONS = range(5)
_OPERATOR_FIELDS = 13
_CUSTOM_AND_MORE = range(5, _OPERATOR_FIELDS)
_OPTIONS_FIELDS = 8
_DATA, _OFFSET, _SIZE = range(3)
_SIGNATURE_INPUTS, _SIGNATURE_OUTPUTS, _SIGNATURE_KEY, _SIGNATURE_TAG, _SIGNATURE_GRAPH = range(5)
_MAP_NAME, _MAP_TENSOR = range(2)

_FLOAT32, _FLOAT16, _INT32, _UINT8, _INT8 = 0, 1, 2, 3, 9
_BYTES = {_FLOAT32: 4, _FLOAT16: 2, _INT32: 4, _UINT8: 1, _INT8: 1}
_TYPE_NAMES = {_FLOAT32: "float32", _FLOAT16: "float16", _INT32: "int32", _UINT8: "uint8", _INT8: "int8"}
_ZERO_POINT_LIMITS = {_INT8: (-128, 127), _UINT8: (0, 255), _INT32: (0, 0)}
_LEAST_SCALE, _GREATEST_SCALE = 1e-18, 1e8
"""Steps beyond these make the multipliers of the kernels overflow; those of a channel that is always 0 are tiny."""


class _Tensor(NamedTuple):
    """One tensor: constant where `data` is the position of its numbers; no scales where it is not quantised.

    A variable one keeps its numbers from one run to the next: a layer's state.
    """

    shape: tuple[int, ...]
    kind: int
    data: int
    scales: int
    scale: float
    greatest_scale: float
    zero_point: int
    variable: bool


class _Operator(NamedTuple):
    """One operator: its code and version, the indices of its tensors, and where the fields of its options lie."""

    code: int
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_type: int
    options: list[int]


@dataclass(frozen=True)
class _Graph:
    """The only subgraph of a file."""

    file: _File
    tensors: list[_Tensor]
    operators: list[_Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @classmethod
    def read(cls, file: _File) -> _Graph:
        root = np.array([int.from_bytes(file.content[:4], "little")])
        model = _Tables(file, root, len(_MODEL))
        if model.numbers(_VERSION, "<u4")[0] != 3:
            _refuse("its format version is not 3")
        if not model.absent(8, 9):
            _refuse("it keeps constants in other files")
        model.check_strings(_DESCRIPTION)
        model.vectors(_METADATA_BUFFERS, 4)
        buffers = model.tables(_BUFFERS, 3)
        if not buffers.absent(_OFFSET, _SIZE):
            _refuse("it keeps constants behind its end, as unfinished conversions do")
        metadata = model.tables(_METADATA, 2)
        metadata.check_strings(0)
        _check_indices(metadata.numbers(1, "<u4"), len(buffers.positions), "buffer")
        graphs = model.tables(_SUBGRAPHS, 6)
        if len(graphs.positions) != 1:
            _refuse(f"it has {len(graphs.positions)} graphs where one is needed")
        if not graphs.absent(5):
            _refuse("it is a graph with debug information, as only developers' builds make it")
        graphs.check_strings(_GRAPH_NAME)
        tensors = _read_tensors(file, graphs.tables(_GRAPH_TENSORS, 10), buffers.vectors(_DATA, 1))
        _check_signatures(model.tables(_SIGNATURES, 5), len(tensors))
        codes = model.tables(_CODES, 4)
        codes.check_strings(_CODE_CUSTOM)
        (inputs,) = file.lists(_few(graphs.vectors(_GRAPH_INPUTS, 4)))
        (outputs,) = file.lists(_few(graphs.vectors(_GRAPH_OUTPUTS, 4)))
        operators = _read_operators(file, graphs.tables(_GRAPH_OPERATORS, _OPERATOR_FIELDS), codes)
        return cls(file, tensors, operators, inputs, outputs)


def _few(vectors: _Vectors, limit: int = MAXIMUM_OPERANDS) -> _Vectors:
    """The vectors, refused when one is longer than anything that belongs in a model."""
    if vectors.counts.size and vectors.counts.max() > limit:
        _refuse(f"it lists {vectors.counts.max()} numbers where at most {limit} belong")
    return vectors


def _check_indices(indices: Numbers, count: int, what: str) -> None:
    if indices.size and (indices.min() < 0 or indices.max() >= count):
        _refuse(f"it names {what} {int(indices.max())}, of {count}")


def _check_signatures(signatures: _Tables, tensors: int) -> None:
    """Signatures name tensors; this runtime does not use them, but the interpreter reads them."""
    signatures.check_strings(_SIGNATURE_KEY)
    signatures.check_strings(_SIGNATURE_TAG)
    _check_indices(signatures.numbers(_SIGNATURE_GRAPH, "<u4"), 1, "graph")
    for field in (_SIGNATURE_INPUTS, _SIGNATURE_OUTPUTS):
        names = signatures.tables(field, 2)
        names.check_strings(_MAP_NAME)
        if not names.places[:, _MAP_NAME].all():
            _refuse("a signature in it leaves out a name")
        _check_indices(names.numbers(_MAP_TENSOR, "<u4"), tensors, "tensor")


def _read_tensors(file: _File, tables: _Tables, buffers: _Vectors) -> list[_Tensor]:
    if not tables.absent(_SPARSITY, _VARIANT):
        _refuse("it has sparse tensors or variants, which no model of ours has")
    tables.check_strings(_NAME)
    shapes = _few(tables.vectors(_SHAPE, 4), MAXIMUM_DIMENSIONS)
    signatures = tables.vectors(_SHAPE_SIGNATURE, 4)
    stated = np.where(signatures.counts > 0, signatures.counts, shapes.counts)
    if (stated != shapes.counts).any():
        _refuse("a tensor in it has another number of sides in its signature than in its shape")
    kinds = tables.numbers(_TYPE, "i1")
    indices = tables.numbers(_BUFFER, "<u4")
    _check_indices(indices, len(buffers.counts), "buffer")
    lists = file.lists(shapes)
    _check_sizes(lists, kinds, buffers.counts[indices])
    file.aligned(buffers.starts[indices] * (buffers.counts[indices] > 0), 4)
    quantisation = _read_quantisation(file, tables, kinds, shapes)
    data = np.where(buffers.counts[indices] > 0, buffers.starts[indices], 0)
    columns = (kinds, data, *quantisation, tables.numbers(_VARIABLE, "u1") != 0)
    return [_Tensor(*row) for row in zip(lists, *(column.tolist() for column in columns), strict=True)]


def _check_sizes(shapes: Sequence[tuple[int, ...]], kinds: Numbers, found: Numbers) -> None:
    """Refuse shapes beyond all sense, and constants that are not as large as their shape says."""
    total = 0
    for shape, kind, size in zip(shapes, kinds.tolist(), found.tolist(), strict=True):
        if kind not in _BYTES:
            _refuse(f"it has a tensor of type {kind}, which no model of ours has")
        if shape and min(shape) < 1:
            _refuse(f"it has a tensor of shape {shape}; every side must be 1 at least")
        expected = _BYTES[kind] * math.prod(shape)
        if size and size != expected:
            _refuse(f"it has a constant of shape {shape} and type {_TYPE_NAMES[kind]} in {size} bytes")
        if expected > MAXIMUM_TENSOR_BYTES:
            _refuse(f"it has a tensor of shape {shape}, larger than {MAXIMUM_TENSOR_BYTES >> 20} MiB")
        total += expected
    if total > MAXIMUM_TOTAL_BYTES:
        _refuse(f"its tensors take {total >> 20} MiB, more than {MAXIMUM_TOTAL_BYTES >> 20}")


def _read_quantisation(
    file: _File, tensors: _Tables, kinds: Numbers, shapes: _Vectors
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Of each tensor: number of scales (0: not quantised), the first and the greatest scale, the first zero point."""
    positions = tensors.targets(_QUANTISATION)
    holders = np.flatnonzero(positions)
    tables = _Tables(file, positions[holders], 7)
    if not tables.absent(_DETAILS_TYPE, _DETAILS):
        _refuse("it is quantised in a way of somebody's own")
    for field in (_MINIMA, _MAXIMA):
        tables.vectors(field, 4)
    scales, zeros = tables.vectors(_SCALES, 4), tables.vectors(_ZERO_POINTS, 8)
    counts = np.zeros(len(kinds), np.int64)
    first_scales, greatest_scales, zero_points = np.zeros(len(kinds)), np.zeros(len(kinds)), counts.copy()
    quantised = np.flatnonzero(scales.counts)
    if not quantised.size:
        return counts, first_scales, greatest_scales, zero_points
    scales = _Vectors(scales.starts[quantised], scales.counts[quantised])
    zeros = _Vectors(zeros.starts[quantised], zeros.counts[quantised])
    holders = holders[quantised]
    if not np.isin(kinds[holders], list(_ZERO_POINT_LIMITS)).all():
        _refuse("it quantises a tensor of floats")
    if ((zeros.counts != scales.counts) & (zeros.counts != 1)).any():
        _refuse("it has a tensor with another number of zero points than of scales")
    channels = scales.counts > 1
    dimensions = tables.numbers(_QUANTISED_DIMENSION, "<i4")[quantised]
    if ((dimensions < 0) | (dimensions >= np.maximum(shapes.counts[holders], 1))).any():
        _refuse("it quantises along a side that a tensor does not have")
    along = file.words[(shapes.starts[holders] // 4 + dimensions)[channels]]
    if (along != scales.counts[channels]).any():
        _refuse("it has a tensor with another number of scales than of channels")
    for vectors in (scales, zeros):  # many tensors may share one, but no model of ours comes near this
        if vectors.counts.sum() > len(file.words):
            _refuse("it is damaged: it lists more scales than it holds")
    values = file.gather(scales.starts, scales.counts, "<f4")
    if not ((values >= _LEAST_SCALE) & (values <= _GREATEST_SCALE)).all():  # NaN is refused, too
        _refuse("it has a quantised tensor whose scale is not a sensible number")
    first = np.cumsum(scales.counts) - scales.counts
    _check_zero_points(file, zeros, kinds[holders], channels)
    counts[holders] = scales.counts
    first_scales[holders], greatest_scales[holders] = values[first], np.maximum.reduceat(values, first)
    zero_points[holders] = file.gather(zeros.starts, np.ones_like(zeros.counts), "<i8")
    return counts, first_scales, greatest_scales, zero_points


def _check_zero_points(file: _File, zeros: _Vectors, kinds: Numbers, channels: Numbers) -> None:
    """Within the type's limits; 0 where there is a scale for each channel."""
    values = file.gather(zeros.starts, zeros.counts, "<i8")
    for kind, (low, high) in _ZERO_POINT_LIMITS.items():
        for several in (False, True):
            found = values[np.repeat((kinds == kind) & (channels == several), zeros.counts)]
            if found.size and (found.min() < low * (not several) or found.max() > high * (not several)):
                _refuse("it has a quantised tensor whose zero point is out of range")


def _read_operators(file: _File, tables: _Tables, codes: _Tables) -> list[_Operator]:
    if not tables.absent(*_CUSTOM_AND_MORE):
        _refuse("it has operators with options of somebody's own")
    # The byte of older files holds 127 where the code does not fit; the interpreter takes the larger of the two.
    numbers = np.maximum(codes.numbers(_CODE_OLD, "i1"), codes.numbers(_CODE_NEW, "<i4"))
    versions = codes.numbers(_CODE_VERSION, "<i4", 1)
    index = tables.numbers(_CODE_INDEX, "<u4")
    _check_indices(index, len(numbers), "operator code")
    options = tables.targets(_OPTIONS)
    holders = np.flatnonzero(options)
    places = np.zeros((len(index), _OPTIONS_FIELDS), np.int64)
    places[holders] = _Tables(file, options[holders], _OPTIONS_FIELDS).places
    rows = zip(
        numbers[index].tolist(),
        versions[index].tolist(),
        file.lists(_few(tables.vectors(_INPUTS, 4))),
        file.lists(_few(tables.vectors(_OUTPUTS, 4))),
        np.where(options > 0, tables.numbers(_OPTIONS_TYPE, "u1"), 0).tolist(),
        places.tolist(),
        strict=True,
    )
    return [_Operator(*row) for row in rows]


# --- what each operator asks for -----------------------------------------------------------------------------------


def _check_graph(graph: _Graph, operators: Mapping[str, int] | None) -> None:
    """Refuse operators that are unknown, read what is not there yet, write what is there, or break their rule."""
    count = len(graph.tensors)
    known = [tensor.data > 0 for tensor in graph.tensors]
    if any(tensor.variable and (tensor.data or tensor.kind != _FLOAT32) for tensor in graph.tensors):
        _refuse("it has a state that is a constant, or not made of floats")
    free = {index for index, tensor in enumerate(graph.tensors) if not tensor.variable}
    for index in (*graph.inputs, *graph.outputs):
        if not 0 <= index < count:
            _refuse(f"it names tensor {index}, of {count}")
        if index not in free:
            _refuse("its input or output is a state")
    for index in graph.inputs:
        if known[index]:
            _refuse("its input is a constant or is there twice")
        known[index] = True
    for number, operator in enumerate(graph.operators):
        rule = _RULES.get(operator.code)
        if rule is None:
            _refuse(f"its operator {number} has the code {operator.code}, which this edge-ocr does not run")
        allowed = rule.version if operators is None else operators.get(rule.name, 0)
        if not 1 <= operator.version <= min(allowed, rule.version):
            _refuse(f"it uses {rule.name} in version {operator.version}, where {min(allowed, rule.version)} is allowed")
        for place, index in enumerate(operator.inputs):
            if place in rule.left_out:
                if index != _LEFT_OUT:
                    _refuse(f"its operator {number}, {rule.name}, reads tensor {index} where nothing belongs")
            elif place in rule.states:
                if not 0 <= index < count or index in free:
                    _refuse(f"its operator {number}, {rule.name}, has tensor {index} for a state, which it is not")
                free.add(index)  # it belongs to this operator alone: a second one finds it free, which is no state
            elif not 0 <= index < count or not known[index]:
                _refuse(f"its operator {number}, {rule.name}, reads tensor {index} before it is there")
        for index in operator.outputs:
            if not 0 <= index < count or known[index] or graph.tensors[index].variable:
                _refuse(f"its operator {number}, {rule.name}, writes tensor {index}, which is taken")
            known[index] = True
        if not rule.fits(graph, operator):
            _refuse(f"its operator {number}, {rule.name}, does not fit the shapes, types or options that it is given")
    if not all(known[index] for index in graph.outputs):
        _refuse("its output is made by no operator")


class _Call(NamedTuple):
    """An operator with its tensors at hand, for a rule to judge; of several outputs the rule sees one at a time."""

    file: _File
    inputs: list[_Tensor]
    output: _Tensor
    options: list[int]
    outputs: int = 1

    @property
    def kinds(self) -> list[int]:
        """Types of the inputs and of the output."""
        return [tensor.kind for tensor in self.inputs] + [self.output.kind]

    def byte(self, field: int, default: int = 0) -> int:
        """An option of one byte."""
        place = self.options[field]
        return self.file.content[place] if place else default

    def integer(self, field: int, default: int = 0) -> int:
        """An option of 32 bits."""
        place = self.options[field]
        return struct.unpack_from("<i", self.file.content, place)[0] if place else default

    def constant(self, tensor: _Tensor) -> list[int] | None:
        """The numbers of a short int32 constant; None where it is none."""
        count = math.prod(tensor.shape)
        if tensor.kind != _INT32 or not tensor.data or count > 4 * MAXIMUM_DIMENSIONS:
            return None
        return list(struct.unpack_from(f"<{count}i", self.file.content, tensor.data))


@dataclass(frozen=True)
class _Rule:
    """An operator that may be run.

    Attributes:
        name: in the schema.
        version: the highest whose meaning is known here.
        options: number of its options in the schema's union; 0 for an operator that has none to check.
        inputs: how many tensors it may read, at least and at most.
        holds: whether tensors and options fit together; it is given the inputs that are not left out.
        outputs: how many tensors it may write at most.
        states: places among its inputs that are for its own states, and for nothing else.
        left_out: places that must be empty.
    """

    name: str
    version: int
    options: int
    inputs: tuple[int, int]
    holds: Callable[[_Call], bool]
    outputs: int = 1
    states: range = range(0)
    left_out: frozenset[int] = frozenset()

    def fits(self, graph: _Graph, operator: _Operator) -> bool:
        if not self.inputs[0] <= len(operator.inputs) <= self.inputs[1]:
            return False
        if not 1 <= len(operator.outputs) <= self.outputs:
            return False
        if self.options and operator.options_type != self.options:
            return False
        inputs = [graph.tensors[index] for index in operator.inputs if index != _LEFT_OUT]
        written = [graph.tensors[index] for index in operator.outputs]
        return all(self.holds(_Call(graph.file, inputs, tensor, operator.options, len(written))) for tensor in written)


def _is_float_or_int8(call: _Call) -> bool:
    """All float32, or all int8 with one scale each."""
    kinds = call.kinds
    if kinds.count(_FLOAT32) == len(kinds):
        return True
    return kinds.count(_INT8) == len(kinds) and all(tensor.scales == 1 for tensor in (*call.inputs, call.output))


def _same_quantisation(call: _Call) -> bool:
    """Operators that move numbers cannot change what they stand for."""
    scale, zero_point = call.output.scale, call.output.zero_point
    return all(tensor.scale == scale and tensor.zero_point == zero_point for tensor in call.inputs)


def _moves(call: _Call, source: _Tensor) -> bool:
    """Whether numbers of `source` can go to the output as they are; the other inputs, constants, say where."""
    alone = call._replace(inputs=[source])
    return _is_float_or_int8(alone) and _same_quantisation(alone)


_LEFT_OUT = -1
"""Stands for an input that an operator does without."""

_GREATEST_MULTIPLIER = 256.0
"""Of a product or a sum before it is rounded to the output's steps: the limit of XNNPACK (src/operators). The kernels
that run where it declines end the process beyond theirs, which are higher."""

_TANH = 4
_LAST_ACTIVATION = 3
"""NONE, RELU, RELU_N1_TO_1, RELU6: those fused with an operator."""

_SAME, _VALID = 0, 1


def _steps(size: int, window: int, stride: int, padding: int) -> int:
    """Number of positions of a window along a side; 0 where it has no sense."""
    if not (1 <= window <= MAXIMUM_SIDE and 1 <= stride <= MAXIMUM_SIDE):
        return 0
    if padding == _SAME:
        return -(-size // stride)
    return (size - window) // stride + 1 if padding == _VALID else 0


def _slides(call: _Call, windows: tuple[int, int], strides: tuple[int, int], padding: int) -> bool:
    """Whether windows (of rows, of columns) that move over the first input make a map of the output's size."""
    count, height, width, _ = call.inputs[0].shape
    return call.output.shape[:3] == (
        count,
        _steps(height, windows[0], strides[0], padding),
        _steps(width, windows[1], strides[1], padding),
    )


def _convolves(call: _Call, kernel: tuple[int, int], dilations: tuple[int, int]) -> bool:
    """Whether a kernel (rows, columns), its rows and columns pulled apart, makes a map of the output's size."""
    windows = (kernel[0] - 1) * dilations[0] + 1, (kernel[1] - 1) * dilations[1] + 1
    return min(dilations) >= 1 and _slides(call, windows, (call.integer(2), call.integer(1)), call.byte(0))


def _weights_fit(call: _Call, channels: int) -> bool:
    """Types and scales of a convolution's input, weights, bias and output."""
    source, weights, bias = call.inputs
    output, kinds = call.output, call.kinds
    if bias.shape != (channels,):
        return False
    if kinds == [_FLOAT32] * 4:
        return True
    if kinds != [_INT8, _INT8, _INT32, _INT8] or not (weights.data and bias.data):
        return False
    if not (source.scales == output.scales == 1 and weights.scales in (1, channels) and bias.scales == weights.scales):
        return False
    multiplier = source.scale * weights.greatest_scale / output.scale
    return weights.zero_point == 0 and multiplier < _GREATEST_MULTIPLIER


def _convolution(call: _Call) -> bool:
    source, weights, _ = call.inputs
    if not len(source.shape) == len(weights.shape) == len(call.output.shape) == 4:
        return False
    channels, height, width, depth = weights.shape
    return (
        depth == source.shape[3]
        and call.output.shape[3] == channels
        and _weights_fit(call, channels)
        and call.byte(3) <= _LAST_ACTIVATION
        and call.byte(6) == 0  # a type of bias that follows from the others
        and _convolves(call, (height, width), (call.integer(5, 1), call.integer(4, 1)))
    )


def _depthwise_convolution(call: _Call) -> bool:
    source, weights, _ = call.inputs
    if not len(source.shape) == len(weights.shape) == len(call.output.shape) == 4:
        return False
    one, height, width, channels = weights.shape
    return (
        one == 1
        and channels == source.shape[3] * call.integer(3)
        and call.output.shape[3] == channels
        and _weights_fit(call, channels)
        and call.byte(4) <= _LAST_ACTIVATION
        and _convolves(call, (height, width), (call.integer(6, 1), call.integer(5, 1)))
    )


def _pooling(call: _Call) -> bool:
    return (
        _is_float_or_int8(call)
        and _same_quantisation(call)
        and len(call.inputs[0].shape) == len(call.output.shape) == 4
        and call.inputs[0].shape[3] == call.output.shape[3]
        and call.byte(5) <= _LAST_ACTIVATION
        and _slides(call, (call.integer(4), call.integer(3)), (call.integer(2), call.integer(1)), call.byte(0))
    )


def _fully_connected(call: _Call) -> bool:
    source, weights, _ = call.inputs
    shape = call.output.shape
    if len(weights.shape) != 2 or not source.shape or not shape:
        return False
    channels, depth = weights.shape
    rows, rest = divmod(math.prod(source.shape), depth)
    return (
        rest == 0
        and source.shape[-1] == depth
        and shape in ((rows, channels), (*source.shape[:-1], channels))
        and _weights_fit(call, channels)
        and call.byte(0) <= _LAST_ACTIVATION
        and call.byte(1) == 0  # weights in their plain order
        and call.byte(4) == 0  # a type of bias that follows from the others
    )


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of an element-wise result; None where the shapes do not go together."""
    if one == other:
        return one
    rank = max(len(one), len(other))
    one, other = (1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other
    if any(a != b and 1 not in (a, b) for a, b in zip(one, other, strict=True)):
        return None
    return tuple(map(max, one, other))


def _element_wise(call: _Call) -> bool:
    if not _is_float_or_int8(call) or call.byte(0) > _LAST_ACTIVATION:
        return False
    return call.output.shape == _broadcast(call.inputs[0].shape, call.inputs[1].shape)


def _addition(call: _Call) -> bool:
    return _element_wise(call) and _is_rounded(call, max(tensor.scale for tensor in call.inputs))


def _multiplication(call: _Call) -> bool:
    return _element_wise(call) and _is_rounded(call, call.inputs[0].scale * call.inputs[1].scale)


def _is_rounded(call: _Call, step: float) -> bool:
    """Whether a result in steps of that size can be brought to those of the output; float ones have none."""
    return step == 0 or step < _GREATEST_MULTIPLIER * call.output.scale


def _is_float(call: _Call) -> bool:
    return set(call.kinds) == {_FLOAT32}


def _division(call: _Call) -> bool:
    return _is_float(call) and _element_wise(call)


def _square_root(call: _Call) -> bool:
    return _is_float(call) and _same_shape(call)


def _matrix_product(call: _Call) -> bool:
    """Of the last two sides of both inputs, either turned as the options say; those before go together or repeat."""
    one, other = (tensor.shape for tensor in call.inputs)
    if not _is_float(call) or not all(2 <= len(shape) <= MAXIMUM_DIMENSIONS - 1 for shape in (one, other)):
        return False
    rows, depth = reversed(one[-2:]) if call.byte(0) else one[-2:]
    same_depth, columns = reversed(other[-2:]) if call.byte(1) else other[-2:]
    before = _broadcast(one[:-2], other[:-2])
    return depth == same_depth and before is not None and call.output.shape == (*before, rows, columns)


def _splitting(call: _Call) -> bool:
    """Equal parts along the side that the first input, a constant, names."""
    table, source = call.inputs
    axes = call.constant(table)
    if not _moves(call, source) or axes is None or len(axes) != 1:
        return False
    rank, axis = len(source.shape), axes[0]
    if not -rank <= axis < rank or call.integer(0) != call.outputs:
        return False
    side, rest = divmod(source.shape[axis], call.outputs)
    axis %= rank
    return rest == 0 and call.output.shape == (*source.shape[:axis], side, *source.shape[axis + 1 :])


def _concatenation(call: _Call) -> bool:
    output = call.output
    rank, axis = len(output.shape), call.integer(0)
    axis += rank if axis < 0 else 0
    if not _is_float_or_int8(call) or not _same_quantisation(call) or not 0 <= axis < rank or call.byte(1):
        return False
    shapes = [tensor.shape for tensor in call.inputs]
    if any(len(shape) != rank for shape in shapes):
        return False
    if any(
        (*shape[:axis], *shape[axis + 1 :]) != (*output.shape[:axis], *output.shape[axis + 1 :]) for shape in shapes
    ):
        return False
    return sum(shape[axis] for shape in shapes) == output.shape[axis]


def _depth_to_space(call: _Call) -> bool:
    return _rearranges(call, call.inputs[0].shape, call.output.shape)


def _space_to_depth(call: _Call) -> bool:
    return _rearranges(call, call.output.shape, call.inputs[0].shape)


def _rearranges(call: _Call, shape: tuple[int, ...], result: tuple[int, ...]) -> bool:
    """Whether the channels of `shape` are the pixels of blocks of `result`."""
    block = call.integer(0)
    if not _is_float_or_int8(call) or not _same_quantisation(call) or len(shape) != 4 or not 1 <= block <= shape[3]:
        return False
    count, height, width, channels = shape
    return channels % block**2 == 0 and result == (count, height * block, width * block, channels // block**2)


def _same_shape(call: _Call) -> bool:
    return call.inputs[0].shape == call.output.shape


def _activation(call: _Call) -> bool:
    return _is_float_or_int8(call) and _same_shape(call)


def _rectification(call: _Call) -> bool:
    return _activation(call) and _is_rounded(call, call.inputs[0].scale)


def _dequantisation(call: _Call) -> bool:
    (source,) = call.inputs
    return _same_shape(call) and (
        call.kinds == [_FLOAT16, _FLOAT32] or (call.kinds == [_INT8, _FLOAT32] and source.scales >= 1)
    )


def _quantisation(call: _Call) -> bool:
    source, output = call.inputs[0], call.output
    if not _same_shape(call) or output.scales != 1:
        return False
    if call.kinds == [_FLOAT32, _INT8]:
        return True
    return call.kinds == [_INT8, _INT8] and source.scales == 1 and _is_rounded(call, source.scale)


def _mean(call: _Call) -> bool:
    source, table = call.inputs
    shape, axes = source.shape, call.constant(table)
    rank = len(shape)
    if (
        not _is_float_or_int8(call._replace(inputs=[source]))
        or not _is_rounded(call, source.scale)
        or not axes
        or not all(-rank <= axis < rank for axis in axes)
    ):
        return False
    reduced = {axis % rank for axis in axes}
    if len(reduced) != len(axes):
        return False
    kept = call.byte(0)
    expected = tuple(1 if axis in reduced else side for axis, side in enumerate(shape) if kept or axis not in reduced)
    return call.output.shape == expected


def _padding(call: _Call) -> bool:
    source, table = call.inputs
    margins = call.constant(table)
    if not _moves(call, source):
        return False
    if margins is None or table.shape != (len(source.shape), 2) or not all(0 <= m <= MAXIMUM_SIDE for m in margins):
        return False
    expected = map(sum, zip(source.shape, margins[::2], margins[1::2], strict=True))
    return call.output.shape == tuple(expected)


def _reshape(call: _Call) -> bool:
    source, wanted = call.inputs
    output = call.output
    sides = call.constant(wanted)
    if not _moves(call, source):
        return False
    if sides is None or len(wanted.shape) != 1 or len(sides) != len(output.shape) or sides.count(-1) > 1:
        return False
    return math.prod(source.shape) == math.prod(output.shape) and all(
        side in (-1, found) for side, found in zip(sides, output.shape, strict=True)
    )


def _transposition(call: _Call) -> bool:
    source, order = call.inputs
    axes = call.constant(order)
    if not _moves(call, source):
        return False
    if axes is None or order.shape != (len(source.shape),) or sorted(axes) != list(range(len(source.shape))):
        return False
    return call.output.shape == tuple(source.shape[axis] for axis in axes)


def _slice(call: _Call) -> bool:
    """What lies between two places of each side, step by step; masks leave an end open, negative places count back."""
    source, *tables = call.inputs
    shape = source.shape
    begins, ends, strides = map(call.constant, tables)
    if not _moves(call, source):
        return False
    if begins is None or ends is None or strides != [1] * len(shape) or any(map(call.integer, (2, 3, 4))):
        return False
    if not len(begins) == len(ends) == len(shape) == len(call.output.shape) or call.byte(5):
        return False
    open_begins, open_ends = call.integer(0), call.integer(1)
    for axis, side in enumerate(shape):
        begin = 0 if open_begins >> axis & 1 else begins[axis] % side if -side <= begins[axis] < side else side
        end = side if open_ends >> axis & 1 else ends[axis] + side * (ends[axis] < 0)
        if not begin < end <= side or call.output.shape[axis] != end - begin:
            return False
    return True


_GATES = 4
_LSTM_STATES = range(35, 39)
_LSTM_LEFT_OUT = frozenset({9, 10, 11, 16, 17, 26, 27, 28, 33, 34, *range(39, 48)})
"""Peepholes, projections and a second input."""


def _recurrence(call: _Call) -> bool:
    """Two readings of one line, from either end: weights on the input and on the output, and biases, of four gates."""
    source, *parameters = call.inputs
    parameters, states = parameters[: 6 * _GATES], parameters[6 * _GATES :]
    shape, output = source.shape, call.output
    if len(shape) != 3 or shape[0] != 1 or source.kind != _FLOAT32 or output.kind != _FLOAT32:
        return False
    units = []
    for reading in (0, 1):
        gates = parameters[3 * _GATES * reading : 3 * _GATES * (reading + 1)]
        cells = states[2 * reading : 2 * reading + 2]
        weights, bias = gates[: 2 * _GATES], gates[2 * _GATES :]
        count = math.prod(bias[0].shape)
        shapes = [(count, shape[2])] * _GATES + [(count, count)] * _GATES
        if [tensor.shape for tensor in weights] != shapes or not all(map(_is_weight, weights)):
            return False
        if any(tensor.shape != (count,) or tensor.kind != _FLOAT32 or not tensor.data for tensor in bias):
            return False
        if any(tensor.shape != (1, count) for tensor in cells):
            return False
        units.append(count)
    return (
        len({tensor.kind for tensor in parameters[: 2 * _GATES] + parameters[3 * _GATES : 5 * _GATES]}) == 1
        and output.shape == (1, shape[1], sum(units))
        and call.byte(0) == _TANH
        and not (call.integer(1) or call.integer(2))  # no clipping
        and call.byte(3) == 1  # both readings in one output
        and call.byte(4, 1) == 0  # lines before steps
        and call.byte(5) == 0  # of hybrid arithmetic, the symmetric one
    )


def _is_weight(tensor: _Tensor) -> bool:
    return bool(tensor.data) and (
        tensor.kind == _FLOAT32 or (tensor.kind == _INT8 and tensor.scales == 1 and tensor.zero_point == 0)
    )


_RULES = {
    0: _Rule("ADD", 1, 11, (2, 2), _addition),
    1: _Rule("AVERAGE_POOL_2D", 1, 5, (1, 1), _pooling),
    2: _Rule("CONCATENATION", 1, 10, (1, MAXIMUM_OPERANDS), _concatenation),
    3: _Rule("CONV_2D", 1, 1, (3, 3), _convolution),
    4: _Rule("DEPTHWISE_CONV_2D", 1, 2, (3, 3), _depthwise_convolution),
    5: _Rule("DEPTH_TO_SPACE", 1, 94, (1, 1), _depth_to_space),
    6: _Rule("DEQUANTIZE", 1, 0, (1, 1), _dequantisation),
    9: _Rule("FULLY_CONNECTED", 5, 8, (3, 3), _fully_connected),
    14: _Rule("LOGISTIC", 1, 0, (1, 1), _activation),
    17: _Rule("MAX_POOL_2D", 1, 5, (1, 1), _pooling),
    18: _Rule("MUL", 1, 21, (2, 2), _multiplication),
    19: _Rule("RELU", 1, 0, (1, 1), _rectification),
    21: _Rule("RELU6", 1, 0, (1, 1), _rectification),
    22: _Rule("RESHAPE", 1, 0, (2, 2), _reshape),
    25: _Rule("SOFTMAX", 1, 9, (1, 1), _activation),
    26: _Rule("SPACE_TO_DEPTH", 1, 19, (1, 1), _space_to_depth),
    34: _Rule("PAD", 1, 0, (2, 2), _padding),
    39: _Rule("TRANSPOSE", 1, 0, (2, 2), _transposition),
    40: _Rule("MEAN", 1, 27, (2, 2), _mean),
    41: _Rule("SUB", 1, 28, (2, 2), _addition),
    42: _Rule("DIV", 1, 29, (2, 2), _division),
    45: _Rule("STRIDED_SLICE", 1, 32, (4, 4), _slice),
    49: _Rule("SPLIT", 1, 35, (2, 2), _splitting, outputs=MAXIMUM_OPERANDS),
    52: _Rule(
        "BIDIRECTIONAL_SEQUENCE_LSTM", 3, 69, (48, 48), _recurrence, states=_LSTM_STATES, left_out=_LSTM_LEFT_OUT
    ),
    75: _Rule("SQRT", 1, 0, (1, 1), _square_root),
    114: _Rule("QUANTIZE", 1, 0, (1, 1), _quantisation),
    117: _Rule("HARD_SWISH", 1, 0, (1, 1), _activation),
    126: _Rule("BATCH_MATMUL", 1, 101, (2, 2), _matrix_product),
    150: _Rule("GELU", 1, 0, (1, 1), _activation),
}
"""Code in the schema -> the rule: the operators that converted PP-OCR models are made of."""
