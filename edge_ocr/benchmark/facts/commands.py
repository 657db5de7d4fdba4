"""Programs of a board's own, run from PATH: what they print, in bounded time and amount."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time

_SECONDS = 3.0
"""All of them answer at once where they work; `vcgencmd` without access to the firmware may never."""
_MOST_BYTES = 1 << 18


def output(*command: str, only_line: bool = False) -> str | None:
    """What a program prints before it ends, fills a quarter of a megabyte or has used up its time.

    How it ends does not count: `nvpmodel -q` says the mode and then fails for want of root.

    Args:
        command: its name and arguments.
        only_line: take its first line and end it, as for `tegrastats`, which prints for ever.

    Returns:
        The text, empty where it printed nothing; None where there is no such program.
    """
    # Libraries chosen for this Python, such as another libc on a phone, are not for the system's own programs.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # so that it can be ended with all that it has started
        )
    except OSError:
        return None
    with process:
        try:
            said = _read(process, only_line)
        finally:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
    return said.decode("utf-8", "replace")


def _read(process: subprocess.Popen[bytes], only_line: bool) -> bytes:
    assert process.stdout is not None
    said, deadline = b"", time.monotonic() + _SECONDS
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while len(said) < _MOST_BYTES and not (only_line and b"\n" in said):
            if not ready.select(max(0.0, deadline - time.monotonic())):
                break
            piece = os.read(process.stdout.fileno(), 1 << 16)
            if not piece:
                break
            said += piece
    return said.partition(b"\n")[0] if only_line else said
