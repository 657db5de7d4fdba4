"""The same models on this machine's CPU and on emulated ARM ones: what they put out, and what they read.

Whoever runs, `edge_ocr.benchmark.counting` does the same: each model on one fixed input, and every line from the
picture's file to its text, with the recognizer's output as the model gave it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.evaluation.datasets import LabelledLine
from converters.evaluation.metrics import Delta, paired_bootstrap, same_text
from edge_ocr.benchmark import counting
from edge_ocr.benchmark.host.emulation.cpus import CPU
from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.benchmark.host.emulation.measuring import measure
from edge_ocr.bundle import Bundle
from edge_ocr.engines import open_engine
from edge_ocr.engines.base import TensorType
from edge_ocr.errors import BenchmarkError


@dataclass(frozen=True)
class Outputs:
    """What one CPU makes of a bundle.

    Attributes:
        sha256: model, such as `detector 640x640` -> SHA-256 of its output for the fixed input, 64 hex digits.
        texts: file of a line -> its text.
        numbers: file of a line, and model -> the output as the model gave it.
    """

    sha256: Mapping[str, str]
    texts: Mapping[str, str]
    numbers: Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Equality:
    """How an emulated CPU's outputs compare with this machine's.

    Attributes:
        cpu: name of the emulated one.
        same_sha256: model -> whether the SHA-256 are equal.
        lines: how many were read.
        identical: how many of them have equal outputs, bit for bit.
        largest: difference between two logits of a line.
        differing: file of each line that reads differently -> its text on this machine, and on the emulated CPU.
        exact_match: of the emulated CPU less that of this machine: a last bit turns as many lines right as wrong.
    """

    cpu: str
    same_sha256: Mapping[str, bool]
    lines: int
    identical: int
    largest: float
    differing: Mapping[str, tuple[str, str]]
    exact_match: Delta


@contextmanager
def gathered(lines: Sequence[LabelledLine]) -> Iterator[Path]:
    """A folder with links to the pictures of lines."""
    with tempfile.TemporaryDirectory(prefix="edge-ocr-lines-") as folder:
        for line in lines:
            Path(folder, line.picture.name).symlink_to(line.picture.resolve())
        yield Path(folder)


def outputs_here(bundle: Path, lines: Path) -> Outputs:
    """What this machine makes of a bundle and a folder of lines.

    Raises:
        BenchmarkError: it fails.
    """
    with tempfile.TemporaryDirectory(prefix="edge-ocr-equality-") as temporary:
        told, arrays = Path(temporary, "told.json"), Path(temporary, "arrays.npz")
        places = {"output": told, "arrays": arrays, "bundle": bundle, "lines": lines}
        command = [sys.executable, "-m", counting.__name__, *(f"--{name}={path}" for name, path in places.items())]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        if finished.returncode:
            words = finished.stderr.strip().splitlines() or [f"exit status {finished.returncode}"]
            raise BenchmarkError(f"the models do not run on this machine: {words[-1].removeprefix('counting: ')}")
        counted = json.loads(told.read_bytes())
        return Outputs(counted["outputs"], counted["lines"], _arrays(arrays))


def outputs_on(emulator: Emulator, cpu: CPU, bundle: Path, lines: Path) -> Outputs:
    """What an emulated CPU makes of them; BenchmarkError where it fails."""
    with tempfile.TemporaryDirectory(prefix="edge-ocr-equality-") as temporary:
        arrays = Path(temporary, "arrays.npz")
        measured = measure(emulator, cpu, bundle=bundle, lines=lines, arrays=arrays, timeout=SECONDS)
        sha256 = {name: model.output_sha256 for name, model in measured.instructions.models.items()}
        return Outputs(sha256, measured.lines, _arrays(arrays))


SECONDS = 4 * 3600
"""For all lines on one CPU; 800 take the fraction of an hour on an idle core."""


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    with np.load(path) as arrays:
        return dict(arrays)


def compare(cpu: str, here: Outputs, there: Outputs, logits: TensorType, labels: Mapping[str, str]) -> Equality:
    """Hold an emulated CPU's outputs against this machine's.

    Args:
        cpu: its name.
        here: of this machine.
        there: of the emulated CPU, for the same bundle and lines.
        logits: what the numbers of the recognizer's output stand for.
        labels: file of a line -> what it says.
    """
    pairs = [(here.numbers[name], there.numbers[name]) for name in here.texts]
    texts = {name: (text, there.texts[name]) for name, text in here.texts.items()}
    return Equality(
        cpu,
        {model: there.sha256[model] == digest for model, digest in here.sha256.items()},
        len(pairs),
        sum(np.array_equal(own, other) for own, other in pairs),
        max(float(np.abs(logits.decode(own) - logits.decode(other)).max()) for own, other in pairs),
        {name: pair for name, pair in texts.items() if pair[0] != pair[1]},
        paired_bootstrap(_right(here, labels), _right(there, labels), lambda right: float(right.mean())),
    )


def _right(outputs: Outputs, labels: Mapping[str, str]) -> npt.NDArray[np.float64]:
    """(lines,) 100 where a line is read right, else 0."""
    return np.array([100.0 * same_text(outputs.texts[name], label) for name, label in labels.items()])


def logits_of(bundle: Bundle) -> TensorType:
    """What the numbers of a bundle's recognizer stand for."""
    engine = open_engine(None, bundle.manifest.format, bundle.manifest.min_runtime)
    return engine.load(bundle.runnable_model("recognizer"), name="recognizer").output
