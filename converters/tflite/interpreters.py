"""The interpreters that edge_ocr can run on: what is known of each, and so which of them run a model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from converters.errors import ConversionError
from converters.tflite.inspection import operator_versions
from edge_ocr.engines.base import release

RECORD = Path(__file__).with_name("interpreters.json")
"""Made by scripts/compare_interpreters.py."""

INSTALLED_WITH_EDGE_OCR = "ai-edge-litert"
"""Every version of it that reads right must run whatever is converted."""


@dataclass(frozen=True)
class KnownInterpreter:
    """One version of an interpreter, tried with the default bundle.

    Attributes:
        package: its distribution.
        version: of the package.
        reads_right: whether it runs all models, and reads as the newest ai-edge-litert does.
        operators: operator -> the highest version that it has.
    """

    package: str
    version: str
    reads_right: bool
    operators: Mapping[str, int]

    def lacks(self, needed: Mapping[str, int]) -> list[str]:
        """What it has not, of operator -> version needed."""
        return [
            f"{name} version {version} (has {self.operators.get(name, 'none')})"
            for name, version in needed.items()
            if version > self.operators.get(name, 0)
        ]


def known_interpreters() -> tuple[KnownInterpreter, ...]:
    """As recorded."""
    return tuple(KnownInterpreter(**entry) for entry in json.loads(RECORD.read_text()))


def as_record(interpreters: Sequence[KnownInterpreter]) -> bytes:
    """What `known_interpreters` reads back."""
    return (json.dumps([asdict(interpreter) for interpreter in interpreters], indent=1) + "\n").encode()


def min_runtime(models: Iterable[bytes], interpreters: Sequence[KnownInterpreter]) -> dict[str, str]:
    """Package -> its oldest version that runs all models, where every newer one that is known does so too.

    Args:
        models: TFLite files.
        interpreters: known ones; packages come out in their order.

    Raises:
        ConversionError: an ai-edge-litert that reads right has not all operators in the versions asked for.
    """
    needed: dict[str, int] = {}
    for model in models:
        for name, version in operator_versions(model).items():
            needed[name] = max(version, needed.get(name, 0))
    oldest = {}
    for package in dict.fromkeys(interpreter.package for interpreter in interpreters):
        versions = [interpreter for interpreter in interpreters if interpreter.package == package]
        for interpreter in sorted(versions, key=lambda known: release(known.version), reverse=True):
            missing = interpreter.lacks(needed)
            if interpreter.reads_right and missing and package == INSTALLED_WITH_EDGE_OCR:
                raise ConversionError(
                    f"{package} {interpreter.version} could not load the models, which ask for {', '.join(missing)}; "
                    "rewrite the operator (converters/graph)"
                )
            if missing or not interpreter.reads_right:
                break
            oldest[package] = interpreter.version
    return oldest
