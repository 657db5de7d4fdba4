"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A shell may start what it puts in the background with interrupts ignored, which all children would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

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


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real labelled pictures for development; not part of the project, so most machines lack it."""
    folder = Path(os.environ.get("EDGE_OCR_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        skip("shared", f"no development pictures at {folder}; set EDGE_OCR_SHARED to their parent folder")
    return folder
