"""`inference.yml`, which PaddleOCR 3 puts beside its models: what it says about pre- and post-processing.

Its operators and their arguments are those of PaddleOCR's `ppocr/data/imaug/operators.py` and
`ppocr/postprocess/db_postprocess.py`. What this runtime has no rule for, such as a limit on the short side of a page,
is left to the model that the user's is like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters.errors import SourceError
from converters.plain_yaml import load_yaml

_ABSENT = ("", "null", "~")
_POSTPROCESS: Mapping[str, tuple[str, type[float] | type[int]]] = {
    "thresh": ("threshold", float),
    "box_thresh": ("box_threshold", float),
    "unclip_ratio": ("unclip_ratio", float),
    "max_candidates": ("max_candidates", int),
}
"""Argument of DBPostProcess -> what a manifest calls it, and its type."""


@dataclass(frozen=True)
class Description:
    """What an `inference.yml` says.

    Attributes:
        name: the model's, such as `PP-OCRv5_mobile_rec`; empty where it is not said.
        has_charset: whether it lists a recognizer's characters.
        input: keys of a manifest's `input` that it decides, without `size`.
        size: keys of `input.size` that it decides.
        postprocess: keys of `postprocess` that it decides.
    """

    name: str = ""
    has_charset: bool = False
    input: Mapping[str, Any] = field(default_factory=dict)
    size: Mapping[str, int] = field(default_factory=dict)
    postprocess: Mapping[str, float] = field(default_factory=dict)

    def applied_to(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """A model's `input`, `output` and `postprocess` in which this has the last word."""
        size = {**spec["input"]["size"], **self.size}
        return {
            **spec,
            "input": {**spec["input"], **self.input, "size": size},
            "postprocess": {**spec["postprocess"], **self.postprocess},
        }


def read_description(path: Path) -> Description:
    """Read an `inference.yml`.

    Raises:
        SourceError: it is no YAML, or a value in it is not what its place asks for.
    """
    root = _Section(load_yaml(path), path, "")
    post = root.section("PostProcess")
    steps = dict(_steps(root.section("PreProcess")))
    found: dict[str, dict[str, Any]] = {"input": {}, "size": {}, "postprocess": {}}
    for step, read in _READERS.items():
        if step in steps:
            for part, values in read(steps[step]).items():
                found[part] |= values
    if post.value("name") == "DBPostProcess":
        found["postprocess"] = {
            ours: post.number(theirs, kind) for theirs, (ours, kind) in _POSTPROCESS.items() if theirs in post
        }
    name = root.section("Global").value("model_name")
    return Description(name if isinstance(name, str) else "", "character_dict" in post, **found)


class _Section:
    """A table of the file together with its place, so that every refusal can name it."""

    def __init__(self, value: object, path: Path, place: str) -> None:
        absent = value is None or value in _ABSENT
        if not absent and not isinstance(value, dict):
            raise SourceError(f"{path}: {place or 'the document'} must be a table; give the file as it was exported")
        self._values: dict[str, object] = value if isinstance(value, dict) else {}
        self._path, self._place = path, place

    def __contains__(self, key: str) -> bool:
        return key in self._values and self._values[key] not in _ABSENT

    def value(self, key: str) -> object:
        return self._values.get(key)

    def section(self, key: str) -> _Section:
        return _Section(self._values.get(key), self._path, f"{self._place}.{key}".lstrip("."))

    def number[Number: (int, float)](self, key: str, kind: type[Number]) -> Number:
        return self._read(key, self._values[key], "a number", lambda value: kind(_text(value)))

    def numbers[Number: (int, float)](self, key: str, count: int, kind: type[Number]) -> list[Number]:
        def read(value: object) -> list[Number]:
            if not isinstance(value, list) or len(value) != count:
                raise ValueError(value)
            return [kind(_text(each)) for each in value]

        return self._read(key, self._values[key], f"{count} numbers", read)

    def fraction(self, key: str) -> float:
        """A number that may be written as a division, such as `1./255.`."""

        def read(value: object) -> float:
            above, _, below = _text(value).partition("/")
            return float(above) / float(below or 1)

        return self._read(key, self._values[key], "a number, or a division such as 1./255.", read)

    def _read[Value](self, key: str, value: object, what: str, read: Callable[[object], Value]) -> Value:
        try:
            return read(value)
        except (ValueError, ArithmeticError) as error:
            raise SourceError(f"{self._path}: {self._place}.{key} must be {what}, not {str(value)[:60]!r}") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _steps(preprocess: _Section) -> Iterator[tuple[str, _Section]]:
    """The operators of `transform_ops` and their arguments."""
    operators = preprocess.value("transform_ops")
    for entry in operators if isinstance(operators, list) else []:
        for name in entry if isinstance(entry, dict) else []:
            yield str(name), _Section(entry, preprocess._path, "PreProcess.transform_ops").section(str(name))


def _decode_image(step: _Section) -> dict[str, dict[str, Any]]:
    order = step.value("img_mode")
    return {"input": {"colour_order": order} if order in ("BGR", "RGB") else {}}


def _normalize_image(step: _Section) -> dict[str, dict[str, Any]]:
    values: dict[str, Any] = {key: step.numbers(key, 3, float) for key in ("mean", "std") if key in step}
    if "scale" in step:
        values["scale"] = step.fraction("scale")
    return {"input": values}


def _resize_page(step: _Section) -> dict[str, dict[str, Any]]:
    if "resize_long" in step:
        return {"size": {"long_side": step.number("resize_long", int)}}
    if step.value("limit_type") == "max" and "limit_side_len" in step:
        return {"size": {"long_side": step.number("limit_side_len", int)}}
    return {}


def _resize_line(step: _Section) -> dict[str, dict[str, Any]]:
    if "image_shape" not in step:
        return {}
    _, height, _ = step.numbers("image_shape", 3, int)
    return {"size": {"height": height}}


def _resize_fixed(step: _Section) -> dict[str, dict[str, Any]]:
    if "size" not in step:
        return {}
    width, height = step.numbers("size", 2, int)
    return {"size": {"height": height, "width": width}}


_READERS: Mapping[str, Callable[[_Section], dict[str, dict[str, Any]]]] = {
    "DecodeImage": _decode_image,
    "NormalizeImage": _normalize_image,
    "DetResizeForTest": _resize_page,
    "RecResizeImg": _resize_line,
    "ResizeImage": _resize_fixed,
}
"""Operator of PreProcess -> the parts of a description that it decides."""
