"""How many threads to use where nobody says."""

from __future__ import annotations

import os

MOST_THREADS = 2
"""The largest number that `scripts/measure_threads.py` found to pay; on a machine with two cores, so that what more
would bring is not known. Each thread holds a recognizer of its own in memory."""


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_threads() -> int:
    """One a core that this process may use, up to `MOST_THREADS`."""
    return min(usable_cores(), MOST_THREADS)
