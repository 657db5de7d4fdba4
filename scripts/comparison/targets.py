"""The comparison held against limits that are kept as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomllib

TARGETS = Path(__file__).with_name("targets.toml")


@dataclass(frozen=True)
class Limit:
    """How large or how small a figure may be.

    Attributes:
        figure: its name.
        vnni: the CPUs that the limit is for: with VNNI, without it, or (None) all.
        at_most: the largest value allowed, if there is one.
        at_least: the smallest, likewise.
    """

    figure: str
    vnni: bool | None = None
    at_most: float | None = None
    at_least: float | None = None

    def met_by(self, value: float) -> bool:
        """Whether a figure keeps to it; a value on the limit does."""
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    def __str__(self) -> str:
        return f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"


@dataclass(frozen=True)
class Verdict:
    """One figure beside its limit."""

    limit: Limit
    measured: float

    @property
    def met(self) -> bool:
        """Whether the figure keeps to the limit."""
        return self.limit.met_by(self.measured)


def read_limits(path: Path = TARGETS) -> list[Limit]:
    """The limits in a TOML file: an array of tables `limit`, with the fields of `Limit`."""
    return [Limit(**row) for row in tomllib.loads(path.read_text("utf-8"))["limit"]]


def judge(limits: Sequence[Limit], measured: Mapping[str, float], cpu: str) -> list[Verdict]:
    """Hold what was measured against the limits for this CPU.

    Args:
        limits: from `read_limits`.
        measured: name of a figure -> value; every figure that has a limit must be there.
        cpu: as `describe_cpu` tells it, with its instruction sets.
    """
    has_vnni = "_vnni" in cpu
    return [Verdict(limit, measured[limit.figure]) for limit in limits if limit.vnni is None or limit.vnni == has_vnni]
