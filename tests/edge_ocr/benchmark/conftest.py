"""The emulator, fetched and compiled once."""

from __future__ import annotations

import shutil
import sys

import pytest

from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.errors import BenchmarkError
from tests.conftest import skip


@pytest.fixture(scope="session")
def emulator() -> Emulator:
    """An emulator; where it cannot be had, the test is skipped with the reason."""
    for tool in ("cc", "nm"):
        if shutil.which(tool) is None:
            skip("emulation", f"counting instructions needs {tool}")
    try:
        return Emulator.prepare(lambda line: print(line, file=sys.stderr))
    except BenchmarkError as problem:
        skip("emulation", str(problem))
        raise
