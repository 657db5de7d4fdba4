"""The command that tells what threads bring."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import measure_threads
import numpy as np
import pytest

from tests.conftest import ROOT


def test_shares_of_the_time_with_one_thread() -> None:
    """Golden values by hand: half the time on each page, with lines at three quarters and at a quarter."""
    one = np.array([[8.0, 4.0, 4.0], [4.0, 2.0, 2.0]])
    rows = measure_threads.table({1: one, 2: one * [0.5, 0.75, 0.25]}).splitlines()
    assert rows[2] == "| 1 | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] |"
    assert rows[3] == "| 2 | 0.50 [0.50, 0.50] | 0.75 [0.75, 0.75] | 0.25 [0.25, 0.25] |"


def test_a_measurement_names_the_processor_and_its_cores(tmp_path: Path) -> None:
    target = tmp_path / "threads.md"
    command = [
        sys.executable,
        ROOT / "scripts" / "measure_threads.py",
        "--threads",
        "1",
        "--limit",
        "1",
        "--rounds",
        "1",
    ]
    done = subprocess.run([*command, "--markdown", target], capture_output=True, text=True, check=True)
    assert re.match(r".+, \d+ usable cores; 1 pages, best of 1 rounds", done.stdout)
    assert "| 1 | 1.00 [1.00, 1.00] |" in done.stdout and target.read_text() == done.stdout


def test_a_folder_without_pictures_is_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert measure_threads.main([str(tmp_path)]) == 2
    out, err = capfd.readouterr()
    assert out == "" and "has no pictures" in err and err.count("\n") == 1
