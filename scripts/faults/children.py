"""Run a call in a forked child with limits on time and memory, and judge how it ended.

The parent imports what the child needs, so that a child costs a fork and not a start of Python.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import re
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faults.outcomes import Outcome

_SURPRISED = 70
"""Exit status of a child that ended with an exception."""


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        status: its exit status; negative: the signal that ended it.
        output: what it wrote to standard output.
        errors: what it wrote to standard error.
    """

    status: int
    output: bytes
    errors: bytes


def in_child(call: Callable[[], int], *, seconds: float, memory: int) -> Ended:
    """Call in a forked child, whose exit status the result becomes.

    Args:
        call: what to run; an exception is written to standard error with its traceback.
        seconds: after these the child is ended by SIGALRM.
        memory: bytes that it may have in addition to those it is born with.
    """
    with contextlib.ExitStack() as stack:
        files = [os.memfd_create(name) for name in ("output", "errors")]
        for descriptor in files:
            stack.callback(os.close, descriptor)
        child = os.fork()
        if child == 0:
            _be_child(call, files, seconds, memory)
        _, status = os.waitpid(child, 0)
        output, errors = (_content(descriptor) for descriptor in files)
    return Ended(os.waitstatus_to_exitcode(status), output, errors)


def _be_child(call: Callable[[], int], files: list[int], seconds: float, memory: int) -> None:
    status = _SURPRISED
    faulthandler.disable()  # of the tests: a crash is expected, and is counted
    try:
        for number, descriptor in enumerate(files, start=1):
            os.dup2(descriptor, number)
        sys.stdout, sys.stderr = (
            os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False) for number in (1, 2)
        )
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        born_with = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (born_with + memory,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        status = call()
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _content(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read()


_SENTENCE = re.compile(r"error: [^\n]+\n")


def judge(ended: Ended, *, refusal: int = 2) -> tuple[Outcome, str]:
    """The outcome of a command that was to work, or to refuse in one sentence with exit status `refusal`."""
    errors = ended.errors.decode("utf-8", errors="replace")
    if ended.status == -signal.SIGALRM:
        return Outcome.HUNG, errors[-2000:]
    if ended.status < 0:
        return Outcome.CRASHED, f"{signal.Signals(-ended.status).name}: {errors[-2000:]}"
    if "Traceback (most recent call last)" in errors or ended.status == _SURPRISED:
        return Outcome.TRACEBACK, errors[-2000:]
    if ended.status == 0:
        return Outcome.WORKED, errors
    if ended.status == refusal and _SENTENCE.fullmatch(errors):
        return Outcome.REFUSED, errors
    return Outcome.UNTIDY, f"exit status {ended.status}: {errors[-2000:]}"
