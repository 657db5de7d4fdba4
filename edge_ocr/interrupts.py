"""Ctrl-C at the moments at which Python itself would lose it, and show a traceback instead."""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
from collections.abc import Callable, Sequence

_A_MOMENT = 0.02
"""Seconds after which the clean-up of an object is over."""


def keep() -> None:
    """Raise a KeyboardInterrupt that falls into the clean-up of an object again, after it.

    Python can raise nothing there: it writes a traceback and goes on as if there had been no interrupt.
    """
    show = sys.unraisablehook

    def raise_again(unraisable: sys.UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            show(unraisable)
            return
        import threading

        again = threading.Timer(_A_MOMENT, _thread.interrupt_main)
        again.daemon = True
        with contextlib.suppress(RuntimeError):  # Python is closing down, so that there is nothing left to interrupt
            again.start()

    sys.unraisablehook = raise_again


def guarded(run: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None) -> int:
    """`run(arguments)`, with `keep` before it and `ignore` after it where the arguments are those of the process."""
    if arguments is not None:
        return run(arguments)
    keep()
    try:
        return run(None)
    finally:
        ignore()


def led_to(problem: BaseException) -> bool:
    """Whether a KeyboardInterrupt stands behind an error, as where it falls into the import of a native library."""
    cause = problem.__cause__ or problem.__context__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or led_to(cause))


def ignore() -> None:
    """Let Ctrl-C have no effect any more: the result is there, and all that is left is to end the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
