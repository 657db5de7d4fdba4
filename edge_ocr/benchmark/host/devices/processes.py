"""A program run here, heard line by line, and never left behind."""

from __future__ import annotations

import math
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from edge_ocr.benchmark.host.devices.base import Finished

_PIECE = 1 << 16
_A_MOMENT, _A_WHILE = 0.005, 0.2
"""Seconds between two looks at whether the program has ended: where it has closed its output, and where that is open
still, perhaps because a child of its own has it too."""


def watch(
    command: Sequence[str],
    *,
    timeout: float = math.inf,
    on_line: Callable[[str], None] = lambda line: None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    feed: Callable[[IO[bytes]], None] | None = None,
) -> Finished:
    """Run a program until it ends; it and what it started are killed when the time is over or this call is left.

    Args:
        command: the program and its arguments.
        timeout: seconds that it may take.
        on_line: called with each line of its standard error, in this thread, when it arrives.
        folder: where it runs; None: where this process does.
        environment: its variables; None: those of this process.
        feed: writes its standard input, in a thread of its own; None: it has nothing to read.

    Raises:
        subprocess.TimeoutExpired: it took longer than `timeout`.
        OSError: there is no such program; or what `feed` reads cannot be read.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if feed is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )
    try:
        feeding = _Feeding(process.stdin, feed) if feed is not None and process.stdin is not None else None
        output, complaint = _listen(process, time.monotonic() + timeout, on_line)
    except _TooLate:
        raise subprocess.TimeoutExpired(list(command), timeout) from None
    finally:
        # As long as nobody has waited for it, its number is its own, and so is that of its group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    if feeding is not None:
        feeding.finish()
    return Finished(process.returncode, output, complaint.decode("utf-8", "replace"))


class _TooLate(Exception):
    pass


class _Feeding:
    """A thread that writes a program's standard input."""

    def __init__(self, stream: IO[bytes], feed: Callable[[IO[bytes]], None]) -> None:
        self._stream, self._feed = stream, feed
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        # A program that reads no further says itself why not.
        with suppress(BrokenPipeError), self._stream:
            try:
                self._feed(self._stream)
            except BrokenPipeError:
                raise
            except BaseException as problem:
                self._problem = problem

    def finish(self) -> None:
        """Wait for the thread, and raise what went wrong in it."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem


def _listen(process: subprocess.Popen[bytes], deadline: float, on_line: Callable[[str], None]) -> tuple[bytes, bytes]:
    """What a program writes to standard output and standard error, until it has ended."""
    assert process.stdout is not None and process.stderr is not None
    output, complaint = bytearray(), bytearray()
    told = 0  # of `complaint`, to `on_line`
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, output)
        selector.register(process.stderr, selectors.EVENT_READ, complaint)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise _TooLate
            ready = selector.select(min(left, _A_WHILE)) if selector.get_map() else []
            for key, _ in ready:
                piece = os.read(key.fd, _PIECE)
                key.data.extend(piece)
                if not piece:
                    selector.unregister(key.fileobj)
            while (end := complaint.find(b"\n", told)) >= 0:
                on_line(complaint[told:end].rstrip(b"\r").decode("utf-8", "replace"))
                told = end + 1
            if not ready and _has_ended(process):
                break
            if not selector.get_map():
                time.sleep(_A_MOMENT)
    if told < len(complaint):
        on_line(complaint[told:].decode("utf-8", "replace"))
    return bytes(output), bytes(complaint)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended; nobody has waited for it yet after this."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
