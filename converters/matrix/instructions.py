"""Instructions of models on an emulated ARM CPU, each model counted once."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock

from converters.matrix.kept import kept
from converters.own_code import code_digest
from converters.progress import Progress
from converters.zoo import KINDS
from edge_ocr.benchmark import counting
from edge_ocr.benchmark.host.emulation.cpus import CPU
from edge_ocr.benchmark.host.emulation.emulator import Emulator, pinned_requirements
from edge_ocr.benchmark.host.emulation.measuring import measure
from edge_ocr.benchmark.records import from_plain, to_plain
from edge_ocr.bundle import Bundle
from edge_ocr.errors import BenchmarkError
from edge_ocr.manifest import AnySpec
from edge_ocr.threads import usable_cores


@dataclass(frozen=True)
class Executed:
    """What one inference of a model executes.

    Attributes:
        size: height and width of its input in pixels, such as 640x640.
        instructions: of the emulated CPU; None where they could not be counted.
        problems: why not, or why the number is to be doubted.
        versions: what the number depends on, such as `qemu`, `ai-edge-litert` -> its version.
    """

    size: str
    instructions: int | None
    problems: tuple[str, ...]
    versions: Mapping[str, str]


class Counter:
    """Counts what the models of bundles execute, the same model in several bundles once.

    It does so when all else is done, on all cores: it would disturb whoever takes the time.
    """

    def __init__(self, cpu: CPU, progress: Progress) -> None:
        """Nothing is fetched or run yet.

        Args:
            cpu: to emulate.
            progress: told what takes a while.
        """
        self.cpu = cpu
        self._progress = progress
        self._preparing = Lock()
        self._models: dict[str, tuple[bytes, AnySpec]] = {}

    def add(self, bundle: Bundle, kinds: Collection[str] = KINDS) -> None:
        """The models of a bundle, TFLite or ONNX, are to be counted; those of these kinds alone."""
        for kind, spec in bundle.manifest.models.by_kind().items():
            if kind in kinds:
                self._models[spec.sha256] = bundle.runnable_model(kind), spec

    def count(self) -> dict[str, Executed]:
        """SHA-256 of a model -> what it executes; no failure to count is an error.

        Raises:
            CacheError: the cache folder cannot be written.
        """
        title = f"count instructions on an emulated {self.cpu.name}"
        with ThreadPoolExecutor(usable_cores()) as pool:  # each model is emulated on one core
            counts = pool.map(lambda model: self._count(*model), self._models.values())
            return dict(zip(self._models, self._progress.track(counts, title, len(self._models), "model"), strict=True))

    def _count(self, content: bytes, spec: AnySpec) -> Executed:
        size = "x".join(map(str, counting.counted_size(spec)))
        code = [Path(counting.__file__), code_digest("edge_ocr/engines")]
        inputs = [spec.sha256, size, to_plain(self.cpu), pinned_requirements(), code]
        try:
            found = kept("instructions", inputs, lambda: to_plain(self._emulate(content, spec.file, size)))
        except BenchmarkError as problem:
            return Executed(size, None, (str(problem),), {})
        return from_plain(Executed, found)

    def _emulate(self, content: bytes, name: str, size: str) -> Executed:
        with tempfile.TemporaryDirectory(prefix="edge-ocr-") as folder:
            file = Path(folder, name)
            file.write_bytes(content)
            measured = measure(self._emulator, self.cpu, models=[f"{file}@{size}"])
        (count,) = measured.instructions.models.values()
        return Executed(size, count.instructions, measured.problems, measured.instructions.versions)

    @property
    def _emulator(self) -> Emulator:
        with self._preparing:  # all threads ask at once
            prepared = self._prepared
        if isinstance(prepared, Emulator):
            return prepared
        raise BenchmarkError(prepared)

    @cached_property
    def _prepared(self) -> Emulator | str:
        """The emulator, or why there is none: what cannot be fetched once is not asked for again in the same run."""
        try:
            return Emulator.prepare(self._progress.note)
        except BenchmarkError as problem:
            return str(problem)
