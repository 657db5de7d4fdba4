"""What is known of the systems in the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from converters.matrix.instructions import Executed
from converters.verification import Verification

SCHEMA = 1
"""Version of the JSON. It grows with every change of a key or of a meaning."""

SHIPS = "ships"
PASSES = "passes"
REFUSED = "refused"
FAILED = "failed"


@dataclass(frozen=True)
class Cell:
    """One system by one recipe.

    Attributes:
        recipe: its name.
        verdict: `SHIPS`: the fastest that keeps to the accuracy budget; `PASSES`: it does too, and a faster one ships;
            `REFUSED`: it loses or changes too much; `FAILED`: the models could not be converted or read with.
        reason: why it is refused or failed; empty otherwise.
        verification: what was found; None where it failed.
        models: kind of model -> SHA-256, 64 hex digits; empty where it failed.
    """

    recipe: str
    verdict: str
    reason: str = ""
    verification: Verification | None = None
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SystemOutcome:
    """One system.

    Attributes:
        name: in the zoo.
        title: for people.
        absent: why its files are not to be had; empty where they are.
        failure: why nothing could be tried with its files; empty where something could.
        differences: kind of model -> largest difference between float TFLite and the original under onnxruntime.
        cells: recipe by recipe, the fastest first; none where the system is absent or failed.
    """

    name: str
    title: str
    absent: str = ""
    failure: str = ""
    differences: Mapping[str, float] = field(default_factory=dict)
    cells: tuple[Cell, ...] = ()

    @property
    def shipped(self) -> Verification | None:
        """Of the recipe that ships; None where none does."""
        return next((cell.verification for cell in self.cells if cell.verdict == SHIPS), None)

    @property
    def good(self) -> bool:
        """Whether a recipe ships and none failed. A system that is absent proves nothing, and so is not bad."""
        return bool(self.absent) or (self.shipped is not None and all(cell.verdict != FAILED for cell in self.cells))


@dataclass(frozen=True)
class Judgement:
    """A shipped bundle beside what it may weigh and lose.

    Attributes:
        system: its name in the zoo.
        limit: bytes of models and charset, at most.
        points: of exact match that may be lost against FP32, at most.
        source: who says so.
        bytes: of the shipped bundle; None where none ships.
        lost: points of exact match, below 0 where the bundle is better; None where none ships or the original reads
            nothing.
    """

    system: str
    limit: int
    points: float
    source: str
    bytes: int | None
    lost: float | None

    @property
    def met(self) -> bool:
        """Whether the bundle keeps to both limits."""
        return (
            self.bytes is not None and self.bytes <= self.limit and self.lost is not None and self.lost <= self.points
        )


@dataclass(frozen=True)
class DataFacts:
    """A data set, as far as it was read.

    Attributes:
        name: of it.
        lines: pictures of lines.
        pages: pictures of pages.
    """

    name: str
    lines: int
    pages: int


@dataclass(frozen=True)
class Matrix:
    """All of it.

    Attributes:
        date: ISO 8601, of the end.
        cpu: on which times were taken.
        emulated: name of the CPU on which instructions were counted; None where they were not.
        executed: SHA-256 of a model -> what that CPU executes.
        runtimes: package -> version, on this machine.
        max_drop: the accuracy budget in points; None is the usual one.
        data: that was read; fewer lines with a charset that cannot write as many labels.
        systems: in the order of the zoo.
        judgements: of the shipped bundles for which there is a limit.
    """

    date: str
    cpu: str
    emulated: str | None
    executed: Mapping[str, Executed]
    runtimes: Mapping[str, str]
    max_drop: float | None
    data: tuple[DataFacts, ...]
    systems: tuple[SystemOutcome, ...]
    judgements: tuple[Judgement, ...]

    @property
    def good(self) -> bool:
        """Whether every system that could be had ships, nothing has failed, and every limit is kept."""
        return all(system.good for system in self.systems) and all(judgement.met for judgement in self.judgements)

    def to_json(self) -> bytes:
        """All of it, as the content of a file."""
        return (json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1) + "\n").encode()
