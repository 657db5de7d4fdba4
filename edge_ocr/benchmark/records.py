"""Frozen dataclasses to plain JSON values and strictly back: the annotations of the fields are the schema."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, Union, cast

from edge_ocr.errors import BenchmarkError

Record = TypeVar("Record")

_LONGEST_SHOWN = 60
_LARGEST = 1 << 63
"""Beyond it no number is a measurement, and arithmetic may fail."""
_SCALARS: dict[type, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a text"),
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
}
"""Annotation -> what JSON may hold there, and its name in messages."""


def to_plain(record: Any) -> Any:
    """A record, or what it is made of, as `json.dumps` takes it; every field by its name, also one that is None."""
    if dataclasses.is_dataclass(record):
        return {field.name: to_plain(getattr(record, field.name)) for field in dataclasses.fields(record)}
    if isinstance(record, Mapping):
        return {key: to_plain(value) for key, value in record.items()}
    if isinstance(record, tuple | list):
        return [to_plain(value) for value in record]
    return record


def from_plain(kind: type[Record], value: object, where: str = "") -> Record:
    """The record of a class that plain values describe.

    A class may have fields of type str, bool, int, float (whole numbers are taken, too), `X | None`, `tuple[X, ...]`,
    `Mapping[str, X]`, Any, and other such classes.

    Args:
        kind: the class.
        value: what `json.loads` or a TOML reader gives.
        where: what messages call the place of the value, such as `bundles[0].runs`; empty at the top.

    Raises:
        BenchmarkError: a key is missing or unknown, or a value is of another type or not finite; it names the place.
    """
    return cast(Record, _read(kind, value, where))


def _read(kind: Any, value: object, where: str) -> object:
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _read_record(cast(type, kind), value, where)
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        (kind,) = (part for part in parts if part is not types.NoneType)
        return None if value is None else _read(kind, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise _unexpected("a list", value, where)
        return tuple(_read(parts[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        return {key: _read(parts[1], item, _inside(where, key)) for key, item in _members(value, where).items()}
    accepted, name = _SCALARS[kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise _unexpected(name, value, where)
    if isinstance(value, int | float) and not abs(value) < _LARGEST:  # nor is NaN
        raise _unexpected(f"{name} of sensible size", value, where)
    return kind(value)


def _read_record(kind: type, value: object, where: str) -> object:
    members = _members(value, where)
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    for name in names:
        if name not in members:
            raise BenchmarkError(f"{_inside(where, name)} is missing")
    for key in members:
        if key not in names:
            raise BenchmarkError(f"{_inside(where, key)} is not known; the keys there are {', '.join(names)}")
    return kind(**{name: _read(hints[name], members[name], _inside(where, name)) for name in names})


def _members(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise _unexpected("an object", value, where)
    return value


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _unexpected(expected: str, value: object, where: str) -> BenchmarkError:
    try:
        shown = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        shown = type(value).__name__
    if len(shown) > _LONGEST_SHOWN:
        shown = shown[: _LONGEST_SHOWN - 3] + "..."
    return BenchmarkError(f"{where or 'the whole'} should be {expected}, not {shown}")
