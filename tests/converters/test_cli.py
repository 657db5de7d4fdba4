"""`ppocr-convert list` and `fetch` as a user meets them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from converters import cli
from converters.commands import list as list_systems
from converters.zoo import load_zoo


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_list_shows_every_system_with_its_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["NAME", "TITLE", "FORMS", "SIZE", "FETCHED", "LICENCE"]
    tiny, *_ = (row for row in rows if row.startswith("ppocrv6-tiny "))
    assert "ONNX, ONNX/Paddle, ONNX " in tiny and " 6.9 MB" in tiny and "0 of 3 models" in tiny
    slim, *_ = (row for row in rows if row.startswith("ppocrv1-slim "))
    assert " Paddle " in slim and "> 2.1 MB" in slim
    assert any(row.startswith("not run here, since its archive") and "ppocrv1-slim" in row for row in rows)


def test_list_shows_every_model_that_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "--models"]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["NAME", "KIND", "FAMILY", "FORMS", "SIZE", "FETCHED", "LICENCE"]
    models = [row.split() for row in rows[: rows.index("")]]
    assert [row[0] for row in models] == sorted(load_zoo().models)
    assert ["ppocrv6-tiny-det", "detector", "PP-OCRv6", "ONNX", "1.8", "MB", "no", "Apache-2.0"] in models
    assert ["ppocrv2-rec-slim", "recognizer", "PP-OCRv2", "Paddle", "unknown", "no", "Apache-2.0"] in models
    assert any(row.startswith("not run here, since its archive") and "ppocrv2-rec-slim" in row for row in rows)


@pytest.mark.parametrize("arguments", [["list"], ["convert", "--help"]])
def test_a_reader_that_goes_away(arguments: list[str]) -> None:
    script = '"$@" | true; exit "${PIPESTATUS[0]}"'
    command = [sys.executable, "-m", "converters", *arguments]
    # Where standard output is not buffered, argparse itself passes over what is wrong with it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    finished = subprocess.run(
        ["bash", "-c", script, "bash", *command], capture_output=True, check=False, env=environment
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (141, b"", b"")


def test_standard_output_that_cannot_be_written_to() -> None:
    finished = subprocess.run(
        ["bash", "-c", 'exec "$@" >&-', "bash", sys.executable, "-m", "converters", "list"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 2
    assert finished.stderr.startswith("error: cannot write to standard output: ") and finished.stderr.count("\n") == 1


def test_numbers_out_of_range_are_told_by_their_range(capsys: pytest.CaptureFixture[str]) -> None:
    for option, value, complaint in (
        ("--limit", "0", "expected a whole number from 1 to 1000000, got '0'"),
        ("--max-drop", "nan", "expected a number from 0 to 100, got 'nan'"),
        ("--max-drop", "much", "expected a number from 0 to 100, got 'much'"),
    ):
        with pytest.raises(SystemExit) as stop:
            cli.main(["convert", "ppocrv6-tiny", "-o", "out", option, value])
        assert stop.value.code == 2
        assert f"argument {option}: {complaint}" in capsys.readouterr().err


def test_a_wrong_name_is_one_sentence(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    assert cli.main(["fetch", "ppocrv6-tinny"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: the zoo has no system or model 'ppocrv6-tinny'; did you mean ppocrv6-tiny")
    assert captured.err.count("\n") == 1
    assert not cache.exists()


def test_a_file_that_is_nowhere_is_one_sentence(tmp_path: Path) -> None:
    """The whole program, with nothing but an empty folder to fetch from."""
    (tmp_path / "empty").mkdir()
    finished = subprocess.run(
        [
            sys.executable, "-m", "converters.cli", "fetch", "ppocrv6-tiny-det", "--from", tmp_path / "empty",
            "--cache", tmp_path / "elsewhere",
        ],
        capture_output=True, text=True, check=False,
        env={
            "PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(Path(cli.__file__).parents[1]),
            "PIP_NO_INDEX": "1", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9",
        },
    )  # fmt: skip
    assert finished.returncode == 2
    assert finished.stdout == ""
    last = finished.stderr.splitlines()[-1]
    assert last.startswith("error: ppocrv6-tiny-det.onnx could not be fetched from ")
    assert "1780590 bytes" in last
    assert "Traceback" not in finished.stderr
    assert (tmp_path / "elsewhere").is_dir()


def test_a_paddle_model_is_found_by_its_hashes(
    shared_data: Path, capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    """Every Paddle folder below holds an `inference.pdmodel`, and none is named as the zoo names its files."""
    weights = shared_data.parent / "weights"
    assert cli.main(["fetch", "en-number-mobile-v2.0-rec", "--from", str(weights)]) == 0
    fetched = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    folder = weights / "en_number_mobile_v2.0_rec_infer"
    assert {name: Path(path).read_bytes() for name, path in fetched.items()} == {
        "en-number-mobile-v2.0-rec.pdmodel": (folder / "inference.pdmodel").read_bytes(),
        "en-number-mobile-v2.0-rec.pdiparams": (folder / "inference.pdiparams").read_bytes(),
        "en_dict_63.txt": (weights / "dicts" / "en_dict_63.txt").read_bytes(),
    }
    assert all(Path(path).is_relative_to(cache) for path in fetched.values())


def test_no_command_and_unknown_commands_are_usage_errors(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["fly"], ["fetch"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert stop.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_interrupt_is_told_as_shells_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(list_systems, "load_zoo", interrupt)
    assert cli.main(["list"]) == 130
    assert capsys.readouterr().err == "interrupted\n"
