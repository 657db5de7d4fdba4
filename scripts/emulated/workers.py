"""Several emulated programs at once; nothing here is timed."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

Map = Callable[[Callable, Iterable], Iterator]


@contextmanager
def workers(jobs: int) -> Iterator[Map]:
    """A `map` whose results come in order and as they are ready, from so many processes; none outlives the block."""
    if jobs == 1:
        yield map
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _start) as pool:
        yield pool.imap


def _start() -> None:
    """Leave Ctrl-C to the parent, and end what runs under emulation when the parent ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
