"""Results come in order, and nothing outlives the block."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from emulated.workers import workers

from edge_ocr.benchmark.host.devices.processes import watch

PLEASANTLY_LONG = "61.803"
"""Seconds; no other program sleeps as long."""


def nap(seconds: str) -> str:
    """Let another program sleep, as an emulator runs; stands here so that other processes can import it."""
    watch(["sleep", seconds])
    return seconds


def sleepers() -> int:
    """How many programs sleep for `PLEASANTLY_LONG`."""
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            commands.append((process / "cmdline").read_bytes())
        except OSError:  # it has just ended
            continue
    return commands.count(f"sleep\0{PLEASANTLY_LONG}\0".encode())


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order(jobs: int) -> None:
    with workers(jobs) as in_order:
        assert list(in_order(nap, ["0.2", "0", "0.1"])) == ["0.2", "0", "0.1"]


def test_an_interrupt_ends_what_runs() -> None:
    with pytest.raises(KeyboardInterrupt), workers(2) as in_order:
        results = in_order(nap, ["0", PLEASANTLY_LONG])
        assert next(results) == "0"
        deadline = time.monotonic() + 30
        while not sleepers() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert sleepers() == 1
        raise KeyboardInterrupt
    assert sleepers() == 0
