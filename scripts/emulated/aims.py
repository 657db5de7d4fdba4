"""The aims in aims.toml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from comparison.errors import ComparisonError
from comparison.report import table
from comparison.targets import Verdict, judge, read_limits

AIMS = Path(__file__).with_name("aims.toml")


def verdicts(measured: Mapping[str, float]) -> list[Verdict]:
    """The measured ratios that there is an aim for, beside it; what was not measured is left out."""
    return judge([limit for limit in read_limits(AIMS) if limit.figure in measured], measured, cpu="")


def check_judged(found: Sequence[Verdict]) -> None:
    """Refuse to call nothing a pass; ComparisonError where no aim is for what was measured."""
    if not found:
        raise ComparisonError(f"--check: none of the aims in {AIMS.name} is for what was measured; leave it out")


def aims_table(found: Sequence[Verdict]) -> str:
    """Aim by aim: measured, limit, verdict."""
    head = ("ratio of instructions", "measured", "aim", "verdict")
    rows = [
        (each.limit.figure, f"{each.measured:.3f}", str(each.limit), "met" if each.met else "MISSED") for each in found
    ]
    return table(head, rows)
