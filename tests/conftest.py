"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A machine that does other work at the same time is no fault of the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

ROOT = Path(__file__).resolve().parents[1]


def required(what: str) -> bool:
    """Whether EDGE_OCR_REQUIRE (a comma-separated list) says that tests needing `what` must not be skipped."""
    return what in os.environ.get("EDGE_OCR_REQUIRE", "").split(",")


def skip(what: str, reason: str) -> None:
    """Skip the running test because `what` is absent, or fail it where the environment promises `what`."""
    if required(what):
        pytest.fail(f"EDGE_OCR_REQUIRE names '{what}', but {reason}")
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _interrupts_work() -> None:
    """Let no test start processes that ignore Ctrl-C, as they inherit it from a process that does.

    A shell may start what it puts in the background like that, and a command called in this process ends like that
    (`edge_ocr.interrupts.ignore`).
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real labelled pictures for development; not part of the project, so most machines lack it."""
    folder = Path(os.environ.get("EDGE_OCR_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        skip("shared", f"no development pictures at {folder}; set EDGE_OCR_SHARED to their parent folder")
    return folder
