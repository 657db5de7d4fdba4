"""Charsets: the characters that a recognizer's classes stand for, read from every place where they are published.

Nothing but the line end is taken off an entry: U+3000, the ideographic space, is an entry of most Chinese charsets, and
the plain space is one of several others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from converters.errors import SourceError
from converters.plain_yaml import load_yaml


def from_lines(path: Path) -> tuple[str, ...]:
    """The entries of a text file, one a line; lines end in LF or CRLF, the last one's end may be missing.

    Raises:
        SourceError: the file is not UTF-8, or has an empty or a repeated entry.
    """
    try:
        return _entries(path.read_bytes().decode("utf-8"), path)
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path} is not a charset file in UTF-8 ({error.reason}); give the one that belongs to the recognizer"
        ) from error


def from_onnx_metadata(path: Path) -> tuple[str, ...]:
    """The entries in the property `character` of an ONNX file, one a line, where RapidOCR's exports keep them.

    Raises:
        SourceError: the file is not ONNX or lacks the property, or it has an empty or a repeated entry.
    """
    try:
        properties = onnx.load(path, load_external_data=False).metadata_props
    except DecodeError as error:
        raise SourceError(f"{path} is not an ONNX file; give one") from error
    for entry in properties:
        if entry.key == "character":
            return _entries(entry.value, path)
    raise SourceError(f"{path} has no charset in its metadata (property 'character'); give the charset as a file")


def from_inference_yml(path: Path) -> tuple[str, ...]:
    """The entries under `PostProcess.character_dict` of an `inference.yml`, which PaddleOCR 3 puts beside its models.

    Raises:
        SourceError: the file is not YAML or lacks the list, or it has an empty or a repeated entry.
    """
    document = load_yaml(path)
    step = document.get("PostProcess") if isinstance(document, dict) else None
    entries = step.get("character_dict") if isinstance(step, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise SourceError(f"{path} has no charset (PostProcess.character_dict); give the charset as a file")
    return _distinct(entries, path)


READERS: Mapping[str, Callable[[Path], tuple[str, ...]]] = {
    "lines": from_lines,
    "onnx-metadata": from_onnx_metadata,
    "inference-yml": from_inference_yml,
}
"""Where a charset is written -> what reads it there."""


def _entries(text: str, path: Path) -> tuple[str, ...]:
    # Not `splitlines`: it would also split at characters that are entries.
    return _distinct(text.replace("\r\n", "\n").removesuffix("\n").split("\n"), path)


def _distinct(entries: list[str], path: Path) -> tuple[str, ...]:
    if "" in entries or len(set(entries)) != len(entries):
        raise SourceError(f"{path} has an empty or a repeated charset entry; each must be an entry of its own")
    return tuple(entries)
