"""Ctrl-C where Python would swallow it: in the clean-up of an object, and after the work."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edge_ocr import interrupts
from edge_ocr.errors import EngineError

_SCRIPT = """
import signal, sys, time
from edge_ocr import interrupts

class Held:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
        time.sleep(0)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may start what it puts aside without
interrupts.keep()
try:
    held = Held()
    {body}
except KeyboardInterrupt:
    print("seen")
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    code = _SCRIPT.format(body=body)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be raised on Windows")
@pytest.mark.parametrize(("body", "said"), [("del held; time.sleep(5)", "seen"), ("interrupts.ignore(); del held", "")])
def test_an_interrupt_is_neither_lost_nor_shown(body: str, said: str) -> None:
    done = run(body)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, said, "")


def test_an_interrupt_behind_an_error_is_found() -> None:
    try:
        try:
            try:
                raise KeyboardInterrupt
            except KeyboardInterrupt as interrupt:
                raise ImportError("initialization failed") from interrupt
        except ImportError as problem:
            raise EngineError("it cannot be used") from problem
    except EngineError as problem:
        assert interrupts.led_to(problem)
    assert not interrupts.led_to(EngineError("it is not there"))


def test_other_troubles_in_a_clean_up_are_shown_as_before() -> None:
    done = run("Held.__del__ = lambda self: 1 / 0; del held")
    assert done.returncode == 0 and "ZeroDivisionError" in done.stderr
