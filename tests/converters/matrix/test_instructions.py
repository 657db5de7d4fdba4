"""What an emulated CPU executes, in the matrix: each model counted once, and a reason where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.errors import BenchmarkError
from tests.converters.conftest import SYSTEM, Emulation
from tests.converters.matrix.conftest import Matrix


def test_a_model_is_counted_once_however_many_bundles_have_it(
    matrix: Matrix, emulation: Emulation, tmp_path: Path
) -> None:
    result = tmp_path / "matrix.json"
    for _ in range(2):
        arguments = ["--precision", "int8", "--precision", "float", "--cpu", "cortex-a72", "--json", result]
        assert matrix(SYSTEM, *arguments) == 0
    assert sorted(emulation.measured) == [
        "detector.tflite 640x640", "direction.tflite 48x192", "recognizer.tflite 48x320",
    ]  # fmt: skip
    written = json.loads(result.read_text())
    assert written["emulated"] == "cortex-a72"
    for cell in written["systems"][0]["cells"]:
        for kind, sha256 in cell["models"].items():
            bytes_of_file = cell["verification"]["sizes"][f"{kind}.tflite"]
            assert written["executed"][sha256]["instructions"] == bytes_of_file


def test_where_nothing_can_be_counted_the_reason_is_told(
    matrix: Matrix, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []

    def prepare(note: object) -> Emulator:
        asked.append(note)
        raise BenchmarkError("cc is needed and not installed; install the package gcc")

    monkeypatch.setattr(Emulator, "prepare", prepare)
    monkeypatch.setattr("converters.matrix.instructions.usable_cores", lambda: 1)
    assert matrix(SYSTEM, "--precision", "int8") == 0
    assert len(asked) == 1
    out = capsys.readouterr().out
    assert out.count("Instructions: cc is needed and not installed; install the package gcc.") == 1
    row = next(line for line in out.split("Million instructions")[1].splitlines() if line.split()[:1] == [SYSTEM])
    assert row.split()[2:5] == ["-", "-", "-"]
