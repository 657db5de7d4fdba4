"""The interpreters that are tried, each in an environment of its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from find_python import Version, candidates, dotted, probe

from converters.environments import make_environment
from converters.errors import WorkerError
from converters.progress import Progress

LOCKS = Path(__file__).resolve().parents[2] / "constraints" / "interpreters"


@dataclass(frozen=True)
class Interpreter:
    """A version of a package that edge_ocr can run on.

    Attributes:
        package: as edge_ocr calls it.
        version: of the package.
        python: that it has wheels for.
        megabytes: what its environment takes on the disk, about.
    """

    package: str
    version: str
    python: Version
    megabytes: int

    @property
    def name(self) -> str:
        """In tables and messages."""
        return f"{self.package} {self.version}"

    @property
    def lock(self) -> Path:
        """The packages of its environment. tensorflow's is tensorflow-cpu, the same interpreter in less room."""
        return LOCKS / f"{self.package}-{self.version}.txt"

    def make(self, progress: Progress) -> Path:
        """The Python of its environment, which is made in the cache if need be.

        Raises:
            WorkerError: this machine lacks the Python, or the environment cannot be made.
        """
        return make_environment(
            f"interpreter-{self.package}-{self.version}",
            self.lock,
            disk_space=f"{self.megabytes / 1000:.1f} GB",
            progress=progress,
            base=_find_python(self.python),
        )


INTERPRETERS = (
    Interpreter("ai-edge-litert", "2.3.0", (3, 12), 350),
    Interpreter("ai-edge-litert", "1.4.0", (3, 12), 300),
    Interpreter("ai-edge-litert", "1.3.0", (3, 12), 300),
    Interpreter("tflite-runtime", "2.14.0", (3, 11), 270),
    Interpreter("tensorflow", "2.21.0", (3, 12), 1700),
    Interpreter("tensorflow", "2.16.2", (3, 12), 1400),
)
"""The newest ai-edge-litert first, which the others are held against; then the oldest that setup.cfg allows, and the
one before it, to see that the limit is where it belongs."""


def _find_python(version: Version) -> Path | None:
    """Another Python than the running one; None where the running one will do.

    Raises:
        WorkerError: there is none.
    """
    if version == sys.version_info[:2]:
        return None
    for path in candidates([version]):
        python = probe(path)
        if python is not None and python.version == version:
            return Path(python.path)
    raise WorkerError(f"Python {dotted(version)} not found")
