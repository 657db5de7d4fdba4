"""Keep known remarks of native libraries off the user's terminal.

They write past Python, straight to file descriptor 2, and have no setting for it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO

_standard_error = threading.Lock()


@contextlib.contextmanager
def without_lines(*beginnings: bytes) -> Iterator[None]:
    r"""Drop the lines of standard error that begin so; a beginning that ends in `\n` is a whole line.

    While the body runs, descriptor 2 leads to memory; whatever else arrives there, from this or another
    thread, is passed on afterwards. Where that cannot be had, nothing is dropped. One thread at a time: others
    wait.
    """
    with _standard_error, contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, ValueError):  # no standard error, a closed one, or no memory file
            if sys.stderr is not None:
                sys.stderr.flush()
            terminal = os.dup(2)
            stack.callback(os.close, terminal)
            caught = stack.enter_context(_memory_file())
            os.dup2(caught.fileno(), 2)
            stack.callback(_pass_on, caught, terminal, beginnings)
        yield


def _memory_file() -> BinaryIO:
    """A file that needs no folder, where the system has such files."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("standard-error"), "w+b")
    from tempfile import TemporaryFile  # takes longer to import than most lines to read

    return TemporaryFile()


def _pass_on(caught: BinaryIO, terminal: int, dropped: tuple[bytes, ...]) -> None:
    """Give descriptor 2 back to `terminal`, with the lines that are not dropped."""
    os.dup2(terminal, 2)
    caught.seek(0)
    lines = b"".join(line for line in caught if not line.startswith(dropped))
    if lines:
        with contextlib.suppress(OSError):  # nobody listens any more
            os.write(2, lines)
