"""Models, charset and the zoo's facts -> a bundle in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters.zoo import System
from edge_ocr.bundle import Bundle
from edge_ocr.manifest import FORMAT_VERSION, Manifest

CHARSET_FILE = "charset.txt"
_SUFFIX = {"tflite": ".tflite", "onnx": ".onnx"}


@dataclass(frozen=True)
class ModelFile:
    """A model ready to stand in a bundle.

    Attributes:
        content: the file.
        input: what differs from the zoo's description of the input, for example the layout.
        output: likewise of the output.
        operators: operator -> highest version; empty where the format has no such thing.
    """

    content: bytes
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    operators: Mapping[str, int] = field(default_factory=dict)


def assemble(
    system: System,
    models: Mapping[str, ModelFile],
    charset: Path,
    *,
    model_format: str,
    precision: str,
    provenance: Mapping[str, Any],
    min_runtime: Mapping[str, str] | None = None,
) -> Bundle:
    """A bundle in memory, checked like one that was read.

    Args:
        system: of the zoo.
        models: kind -> model, one for each of the system's.
        charset: the charset file as its publisher wrote it.
        model_format: "tflite" or "onnx".
        precision: name of the recipe.
        provenance: where everything came from.
        min_runtime: package -> its oldest version that runs the models; None where any will do.
    """
    facts = system.recognizer.charset
    assert facts is not None, "the zoo gives every recognizer a charset"
    entries = facts.read(charset)
    contents = {CHARSET_FILE: "".join(f"{entry}\n" for entry in entries).encode()}
    described: dict[str, Any] = {}
    for model in system.models:
        file = models[model.kind]
        name = model.kind + _SUFFIX[model_format]
        contents[name] = file.content
        described[model.kind] = {
            **_facts_of(name, file.content),
            "input": {**model.spec["input"], **file.input},
            "output": {**model.spec["output"], **file.output},
            "postprocess": model.spec["postprocess"],
            "operators": dict(file.operators),
        }
    manifest = Manifest.from_json(
        {
            "format_version": FORMAT_VERSION,
            "name": system.name,
            "title": system.title,
            "format": model_format,
            "precision": precision,
            "target": None,
            "licence": system.licence,
            "min_runtime": dict(min_runtime or {}),
            "models": described,
            "charset": {
                **_facts_of(CHARSET_FILE, contents[CHARSET_FILE]),
                "count": facts.count,
                "blank": facts.blank,
                "space_appended": facts.space_appended,
            },
            "provenance": dict(provenance),
        }
    )
    return Bundle(manifest, Path(f"{system.name} in memory"), contents)


def _facts_of(name: str, content: bytes) -> dict[str, Any]:
    return {"file": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
