"""Kills and interrupts at random moments: the old or the new, nothing torn, nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import fault_run
import pytest
from faults import kills
from faults.outcomes import Result, Table


@pytest.mark.parametrize(
    ("run", "count"),
    [(kills.bundle_writing, 6), (kills.stage_making, 3), (kills.batch_reading, 4), (kills.interrupts, 3)],
)
def test_a_handful(run: Callable[[int, range], Iterable[Result]], count: int) -> None:
    table = Table.of(run(40, range(count)))
    assert table.bad == []
    assert sum(counts.total() for counts in table.counts.values()) == count


@pytest.mark.slow
@pytest.mark.conversion
def test_all() -> None:
    names = ["bundle", "stage", "batch", "conversion", "ctrl-c", "ctrl-c-converter"]
    assert fault_run.main(["--seed", "41", "--only", *names]) == 0


def test_a_hundred_processes_are_killed_in_the_full_run() -> None:
    assert sum(fault_run.PLAN[name].cases for name in ("bundle", "stage", "batch", "conversion")) == 100
