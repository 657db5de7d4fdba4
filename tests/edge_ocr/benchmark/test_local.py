"""The device that is this machine, where it differs from what `test_device_contract.py` holds of every device."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_ocr.benchmark.host.devices import open_device

OURS = "edge-ocr.*"
"""Names of working folders; Python itself tries out where temporary files can be made."""


def test_a_kill_at_any_moment_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    host = """
from edge_ocr.benchmark.host.devices import open_device
device = open_device("local", print)
print("about to enter", flush=True)
with device:
    device.push({"file": bytes(100_000)})
    device.run(["sleep", "600"], timeout=600, on_line=print)
"""
    delay, made = 0.0, 0
    while made < 5:  # each later than the one before, from before there is a folder until a program runs
        with subprocess.Popen([sys.executable, "-c", host], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.kill()
        made += any(tmp_path.glob(OURS))
        delay += 0.02
        for _ in range(400):
            if not any(tmp_path.glob(OURS)):
                break
            time.sleep(0.05)
        assert list(tmp_path.glob(OURS)) == []
        assert delay < 5


def test_bytecode_stays_here(tmp_path: Path) -> None:
    (tmp_path / "package" / "__pycache__").mkdir(parents=True)
    (tmp_path / "package" / "__pycache__" / "module.pyc").touch()
    (tmp_path / "package" / "module.py").touch()
    with open_device("local", print) as device:
        device.push({"package": tmp_path / "package"})
        assert device.run(["ls", "package"], timeout=30, on_line=print).output == b"module.py\n"
