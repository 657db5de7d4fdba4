"""Work on many items side by side: processes that load what they need once, each on one thread."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

import cv2

from converters.errors import ConversionError
from edge_ocr.threads import usable_cores


@contextmanager
def side_by_side[Item, Result](
    load: Callable[[], Callable[[Item], Result]], items: Sequence[Item], workers: int | None = None
) -> Iterator[Iterator[Result]]:
    """The results for `items` in their order, as they become ready; no worker outlives the block.

    Args:
        load: gives what works on an item; called once in each process, to which it can be sent.
        items: that can be sent to a process, as their results can back.
        workers: processes; 1 works in this process, None is as many as there are cores to use.

    Raises:
        ConversionError: a worker died.
    """
    workers = min(workers or usable_cores(), len(items))
    if workers <= 1:
        with opencv_on_one_thread():
            yield map(load(), items)
        return
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_start_worker, initargs=(load,)
    )
    try:
        with _interrupts_blocked():  # the workers inherit this: Ctrl-C is for their parent to hear
            results = pool.map(_work, items)
        yield results
    except BrokenProcessPool as problem:
        raise ConversionError(
            f"one of the {workers} reading processes was killed, perhaps for want of memory; try --workers 1"
        ) from problem
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def opencv_on_one_thread() -> Iterator[None]:
    """Keep OpenCV from using more threads than the engines are given."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let SIGINT wait; processes that are started meanwhile never receive it."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class _Worker:
    """What a worker process keeps from one item to the next."""

    load: Callable[[], Callable[[Any], Any]]
    work: Callable[[Any], Any] | None = None


def _start_worker(load: Callable[[], Callable[[Any], Any]]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _Worker.load = staticmethod(load)


def _end_with_parent() -> None:
    """A killed parent cannot say goodbye; without it a worker would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(item: Any) -> Any:
    # Loaded with the first item and not at the start: an error in a task reaches the parent as it is.
    if _Worker.work is None:
        _Worker.work = staticmethod(_Worker.load())
    return _Worker.work(item)
