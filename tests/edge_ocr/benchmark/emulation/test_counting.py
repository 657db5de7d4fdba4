"""The program that is counted, on this machine's own CPU, where nobody counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge_ocr.benchmark.counting import Ledger, fixed_input, main
from edge_ocr.doctor import SAMPLE


def test_the_input_is_the_same_everywhere() -> None:
    values = fixed_input((1, 2, 2, 3))
    assert values.dtype == np.float32
    assert -2 <= values.min() < values.max() < 2
    # The first 24 bits of PCG64's numbers for the seed 0, as fractions: no function that a machine rounds its own way.
    assert ((values + 2) / 4 * 2**24).tolist() == np.floor((values + 2) / 4 * 2**24).tolist()


def test_each_model_by_name_and_the_lines(bundle_folder: Path, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.mkdir()
    for name in ("b.png", "a.png"):
        (lines / name).write_bytes(SAMPLE.read_bytes())
    output, arrays = tmp_path / "counted.json", tmp_path / "arrays.npz"
    arguments = [f"--output={output}", f"--arrays={arrays}", f"--bundle={bundle_folder}", f"--lines={lines}"]
    assert main([*arguments, f"--model={bundle_folder}/direction.tflite@48x192"]) == 0
    counted = json.loads(output.read_bytes())
    models = ["direction.tflite 48x192", "detector 640x640", "direction 48x192", "recognizer 48x320"]
    assert list(counted["outputs"]) == models
    assert counted["outputs"]["direction.tflite 48x192"] == counted["outputs"]["direction 48x192"]
    assert counted["accounts"] == ["besides", *(f"{name}{again}" for name in models for again in ("", " again"))]
    assert list(counted["lines"]) == ["a.png", "b.png"]
    assert counted["page"] == []
    with np.load(arrays) as outputs:
        assert set(outputs) == {*models, "a.png", "b.png"}


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        ([], "there is no bundle to count; give --bundle"),
        (["--page=x.png", "--model=m.tflite@48x320"], "there is no bundle to count; give --bundle"),
        (["--model=m.tflite"], "'m.tflite' is no model with the size of its input; give it as"),
        (["--model=m.tflite@0048x32000000"], "is no model with the size of its input; give it as"),
        (["--model=m.nb@48x320"], "is no model with the size of its input; give it as"),
        (["--model=m.tflite@48x320"], "the model m.tflite cannot be read: No such file or directory; check its name"),
        (["--bundle=nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_sentence_and_no_file(
    arguments: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--output=counted.json", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("counting: ") and said.count("\n") == 1
    assert complaint in said
    assert list(tmp_path.iterdir()) == []


def test_lines_that_are_none(bundle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "lines"
    empty.mkdir()
    arguments = [f"--output={tmp_path}/counted.json", f"--bundle={bundle_folder}"]
    assert main([*arguments, f"--lines={empty}"]) == 2
    assert f"{empty} holds no picture of a line; put some there" in capsys.readouterr().err
    assert main([*arguments, f"--lines={empty}/nothing"]) == 2
    assert "nothing cannot be listed: No such file or directory; check its name" in capsys.readouterr().err


def test_a_closed_ledger_books_nothing() -> None:
    ledger = Ledger()
    with ledger.closed():
        ledger.open("page: detect")
    assert ledger.accounts == ["besides"]
