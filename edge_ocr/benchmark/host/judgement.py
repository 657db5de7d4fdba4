"""A result held against targets: what passes, what does not, and what cannot be told."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from enum import Enum

from edge_ocr.benchmark.host.planning import DEFAULT_PICTURE
from edge_ocr.benchmark.host.targets import COLD_START, LOAD, Figure, Limit, Targets, target_names
from edge_ocr.benchmark.result import PAGE, STAGES, BundleResult, Count, Result, Run, Settings
from edge_ocr.cache import sha256_of

_FEWEST = 5
"""Repeats for a p90: of fewer it is hardly less than the largest, and no noise among them can be seen."""


class Verdict(Enum):
    """What a limit says of a result."""

    MET = "met"
    MISSED = "MISSED"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Row:
    """One limit, and what was measured.

    Attributes:
        limit: of the targets.
        measured: in the unit of the limit's figure; None where the result does not tell.
    """

    limit: Limit
    measured: float | None

    @property
    def verdict(self) -> Verdict:
        """A value on the limit meets it."""
        if self.measured is None:
            return Verdict.NOT_MEASURED
        return Verdict.MET if self.measured <= self.limit.limit else Verdict.MISSED


@dataclass(frozen=True)
class Judgement:
    """All limits of some targets, and whether the result counts for them.

    Attributes:
        targets: that were held against the result.
        rows: one for each limit.
        objections: why the result does not pass whatever its rows say, one sentence each.
    """

    targets: Targets
    rows: tuple[Row, ...]
    objections: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every limit is met and nothing speaks against the result."""
        return not self.objections and all(row.verdict is Verdict.MET for row in self.rows)


def judge(result: Result, targets: Targets) -> Judgement:
    """Hold the first bundle of a result against targets."""
    bundle = result.bundles[0]
    run = next((run for run in bundle.runs if run.threads == targets.threads), None)
    rows = tuple(Row(limit, _measured(limit.figure, bundle, run)) for limit in targets.limits)
    return Judgement(targets, rows, tuple(_objections(result, targets)))


def _objections(result: Result, targets: Targets) -> list[str]:
    objections = []
    counted = result.bundles[0].instructions
    names = [name for name in (result.facts.board, result.facts.soc) if name is not None]
    if not targets.are_for(counted.cpu if counted else None, names):
        here = f"an emulated {counted.cpu}" if counted else next(iter(names), "a board that does not say its name")
        objections.append(f"these limits are for another device ({targets.title}); this is {here}")
    if result.problems:
        objections.append("the run has problems, named above, so that it does not count")
    objections += _other_work(result, targets)
    if not counted:
        objections += _chances(result.settings, {limit.figure.key for limit in targets.limits})
    return objections


def _chances(settings: Settings, limited: Container[str]) -> Iterator[str]:
    """What was repeated so seldom that its p90 is chance."""
    for option, times, keys in (
        ("--repeats", settings.repeats, [*STAGES, PAGE]),
        ("--cold-starts", settings.cold_starts, [COLD_START, LOAD]),
    ):
        if times < _FEWEST and any(f"p90_ms.{key}" in limited for key in keys):
            yield f"{option} {times} is too few to tell a p90; ask for at least {_FEWEST}"


def _other_work(result: Result, targets: Targets) -> Iterator[str]:
    """What was asked for and is not the work that the limits are for."""
    shipped = targets.name in target_names()
    if shipped and [picture.sha256 for picture in result.pictures] != [sha256_of(DEFAULT_PICTURE)]:
        yield (
            "these limits are for the built-in page of 17 lines, and other pictures take more or less than that; "
            "leave out --pictures, or write limits for your pictures into a file of your own"
        )
    if result.settings.det_side is not None:
        yield (
            f"the detector looked at a long side of {result.settings.det_side} and not the bundle's, for which its "
            "accuracy was verified; leave out --det-side"
        )


def _measured(figure: Figure, bundle: BundleResult, run: Run | None) -> float | None:
    group, _, member = figure.key.partition(".")
    if group == "total_bytes":
        return bundle.bytes.get("total")
    if group == "accuracy_loss_points":
        return bundle.accuracy_loss_points
    if group == "instructions":
        count = _count(member, bundle)
        return count.instructions if count else None
    if run is None or bundle.instructions is not None:  # what an emulated CPU takes is no time
        return None
    if group == "peak_rss_bytes":
        return run.peak_rss_bytes
    if member == COLD_START:
        return run.cold_start_ms.p90 if run.cold_start_ms else None
    times = run.load_ms if member == LOAD else run.stages_ms.get(member)
    return times.p90 if times else None


def _count(model: str, bundle: BundleResult) -> Count | None:
    if bundle.instructions is None:
        return None
    return bundle.instructions.page if model == PAGE else bundle.instructions.models.get(model)
