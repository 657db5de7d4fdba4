"""All sides on all pages and CPUs: several at once, as nothing here is timed, and none twice.

A reading is kept in the cache under the digest of what it was asked of, together with the digests of the files of this
checkout that took part in it, and is made again as soon as one of them has changed. So a run that was interrupted goes
on where it was, and after a change only those read again whom it concerns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.progress import Progress
from edge_ocr.benchmark.host.emulation.cpus import CPU
from edge_ocr.benchmark.host.emulation.emulator import Emulator, compiled_plugin
from edge_ocr.cache import atomic_write, cache_directory, digest_of, sha256_of
from emulated.reader import ROOT
from emulated.sides import Reading, Side
from emulated.workers import workers


@dataclass(frozen=True)
class Task:
    """A page for a side to read on a CPU."""

    side: Side
    cpu: CPU
    picture: Path
    emulator: Emulator

    @property
    def place(self) -> Path:
        """File of the reading in the cache."""
        side = [type(self.side).__name__, vars(self.side)]
        system = [folder.name for folder in vars(self.emulator).values()]  # each is called by its digest
        digest = digest_of(_plain(side), self.cpu.model, self.cpu.files(), self.picture, system, compiled_plugin())
        return cache_directory() / "readings" / f"{digest}.json"


def _plain(value: Any) -> Any:
    """A value for `digest_of` in which paths are names and do not stand for the content of files."""
    return json.loads(json.dumps(value, default=str))


def read_all(tasks: Sequence[Task], jobs: int, progress: Progress) -> list[Reading]:
    """The readings in the order of the tasks.

    Args:
        tasks: at least one.
        jobs: how many at once.
        progress: shows how far it is.

    Raises:
        BenchmarkError: one of them fails.
        CacheError: the cache folder cannot be written.
    """
    with workers(min(jobs, len(tasks))) as in_order:
        return list(progress.track(in_order(read, tasks), "read under emulation", len(tasks), "reading"))


def read(task: Task) -> Reading:
    """One reading, from the cache if it is there and none of the code that took part has changed."""
    place = task.place
    if place.exists():
        kept = json.loads(place.read_text("utf-8"))
        if all((ROOT / file).exists() and sha256_of(ROOT / file) == digest for file, digest in kept["code"].items()):
            boxes = tuple(np.array(box, np.float32) for box in kept["boxes"])
            return Reading(**{**kept, "texts": tuple(kept["texts"]), "boxes": boxes, "code": tuple(kept["code"])})
    reading = task.side.read(task.emulator, task.cpu, task.picture)
    plain = {
        **asdict(reading),
        "boxes": [box.tolist() for box in reading.boxes],
        "code": {file: sha256_of(ROOT / file) for file in reading.code},
    }
    atomic_write(place, json.dumps(plain).encode())
    return reading
