"""The original models under onnxruntime, in float32: what every conversion is held against."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters.assembly import ModelFile, assemble
from converters.zoo import System
from edge_ocr.bundle import Bundle

_PLANAR = {"layout": "NCHW"}
_OUTPUTS: dict[str, dict[str, Any]] = {
    "detector": {"layout": "NCHW", "meaning": "text-probability"},
    "direction": {},
    "recognizer": {"layout": "NCHW", "meaning": "ctc-probability"},
}


def reference_bundle(system: System, files: Mapping[str, Path], charset: Path) -> Bundle:
    """The unconverted models as a bundle of format "onnx".

    The runtime reads it with the same stages as any other, so that whatever differs between the two readings comes
    from the models alone.

    Args:
        system: of the zoo.
        files: kind -> ONNX file as its publisher wrote it.
        charset: likewise.
    """
    models = {kind: ModelFile(path.read_bytes(), _PLANAR, _OUTPUTS[kind]) for kind, path in files.items()}
    return assemble(system, models, charset, model_format="onnx", precision="float", provenance={})
