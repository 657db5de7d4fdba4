"""The sums of the papers: what a whole system may weigh."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.matrix.outcome import Judgement, SystemOutcome

SUMS = Path(__file__).with_name("sums.toml")


@dataclass(frozen=True)
class Limit:
    """A table of sums.toml.

    Attributes:
        system: its name in the zoo.
        bytes: of models and charset, at most.
        points: of exact match that may be lost against FP32, at most.
        source: the published figure; empty where the limit was chosen.
        chosen: why; empty where it was published.
    """

    system: str
    bytes: int
    points: float
    source: str = ""
    chosen: str = ""


def read_limits(path: Path = SUMS) -> list[Limit]:
    """The limits in a TOML file: an array of tables `limit`, with the fields of `Limit`."""
    return [Limit(**row) for row in tomllib.loads(path.read_text("utf-8"))["limit"]]


def judge(limits: Sequence[Limit], systems: Sequence[SystemOutcome]) -> Iterator[Judgement]:
    """Hold the shipped bundles against the limits; a system that was not converted has none to hold."""
    converted = {system.name: system for system in systems if not system.absent}
    for limit in limits:
        if limit.system in converted:
            shipped = converted[limit.system].shipped
            exact = shipped.overall.exact_match if shipped else None
            # A figure at which the original itself scores nothing proves nothing.
            lost = exact.reference - exact.bundle if exact and exact.reference > 0 else None
            yield Judgement(
                limit.system,
                limit.bytes,
                limit.points,
                limit.source or f"chosen: {limit.chosen}",
                shipped.total_bytes if shipped else None,
                lost,
            )
