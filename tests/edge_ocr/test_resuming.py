"""Runs over many pictures: stopped and carried on, and never with more in memory than one needs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_ocr.cli import main
from edge_ocr.doctor import SAMPLE
from edge_ocr.output.json import render
from tests.conftest import skip
from tests.edge_ocr.paper_pdf import pdf

Run = Callable[..., int]


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Four small pictures, of which the third is damaged."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.png").write_bytes(SAMPLE.read_bytes())
    (folder / "c.png").write_bytes(SAMPLE.read_bytes()[:-50])
    return folder


@pytest.fixture
def resume(bundle_folder: Path, tmp_path: Path) -> Run:
    """`edge-ocr read --resume` into out.jsonl."""
    fixed = ["--bundle", str(bundle_folder), "--format", "jsonl", "--resume", "-o", str(tmp_path / "out.jsonl")]
    return lambda *arguments: main(["read", *fixed, *map(str, arguments)])


def names(path: Path) -> list[str]:
    return [Path(json.loads(row)["file"]).name for row in path.read_text("utf-8").splitlines()]


def test_a_second_run_reads_what_the_first_did_not(
    resume: Run, scans: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    assert resume(scans / "a.png") == 0
    first = out.read_bytes()
    assert resume(scans) == 1  # c is damaged
    assert names(out) == ["a.png", "b.png", "d.png"] and out.read_bytes().startswith(first)
    errors = capfd.readouterr().err.splitlines()
    assert errors[0].startswith("error: ") and errors[1] == f"note: {out} had 1 of these pages already"
    (scans / "c.png").write_bytes(SAMPLE.read_bytes())
    assert resume(scans) == 0
    assert names(out) == ["a.png", "b.png", "d.png", "c.png"]  # what failed is tried again
    whole = out.read_bytes()
    assert resume(scans) == 0 and out.read_bytes() == whole


@pytest.mark.parametrize("cut", [1, 30, -40, -1])
def test_a_torn_last_line_is_read_again(resume: Run, scans: Path, tmp_path: Path, cut: int) -> None:
    """What a killed run leaves, from the first byte of the line to all but its end."""
    out = tmp_path / "out.jsonl"
    assert resume(scans / "a.png", scans / "b.png") == 0
    first, second = out.read_bytes().splitlines(keepends=True)
    for kept in (first + second[:cut], second[:cut]):
        out.write_bytes(kept)
        assert resume(scans / "a.png", scans / "b.png") == 0
        assert sorted(names(out)) == ["a.png", "b.png"]


def test_pages_of_a_document_are_known_one_by_one(resume: Run, tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2")
    book, out = tmp_path / "book.pdf", tmp_path / "out.jsonl"
    book.write_bytes(pdf(["First page", "Second page", "Third page"]))
    assert resume(book, "--pages", "2") == 0
    assert resume(book) == 0
    assert [json.loads(row)["page"] for row in out.read_text("utf-8").splitlines()] == [2, 1, 3]


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b'{"text": "mine"}\n', b"[1]\n", b"no line break", b"\xff\xfe\n", b"7\n"]
)
def test_a_file_of_something_else_stays_as_it_is(
    resume: Run, scans: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(content)
    assert resume(scans) == 2
    err = capfd.readouterr().err
    assert err.startswith(f"error: line 1 of {out} is no page that edge-ocr wrote") and err.count("\n") == 1
    assert out.read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--resume", "--format", "json", "-o", "OUT"], "--format jsonl -o FILE"),
        (["--resume", "--format", "jsonl"], "--format jsonl -o FILE"),
        (["--resume", "--format", "jsonl", "-o", "-"], "--format jsonl -o FILE"),
        (["--resume", "--format", "jsonl", "-o", "OUT", "-"], "standard input has no name"),
        (["--resume", "--format", "jsonl", "-o", "."], "is no regular file"),
        (["--characters"], "--format json or jsonl or hocr"),
    ],
)
def test_options_that_cannot_go_together(
    scans: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], reason: str
) -> None:
    given = [str(tmp_path / "out") if argument == "OUT" else argument for argument in arguments]
    assert main(["read", *given, str(scans / "a.png")]) == 2
    out, err = capfd.readouterr()
    assert out == "" and reason in err and err.startswith("error: ") and err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_nothing_read_leaves_no_file(resume: Run, scans: Path, tmp_path: Path) -> None:
    assert resume(scans / "c.png") == 2
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_row_that_does_not_fit_is_taken_back(
    resume: Run, scans: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full after half a row."""
    out = tmp_path / "out.jsonl"
    assert resume(scans / "a.png") == 0
    before, write = out.read_bytes(), os.write

    def half(descriptor: int, content: bytes) -> int:
        if len(content) < 300:
            raise OSError(28, "No space left on device")
        return write(descriptor, content[: len(content) // 2])

    monkeypatch.setattr("edge_ocr.resuming.os.write", half)
    assert resume(scans) == 2
    assert "No space left on device; make room" in capfd.readouterr().err
    assert out.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_and_carried_on(resume: Run, tmp_path: Path, bundle_folder: Path) -> None:
    """Whenever a run is killed, what it leaves is whole lines, and the next run ends with every picture, each once."""
    folder, out = tmp_path / "many", tmp_path / "out.jsonl"
    folder.mkdir()
    for index in range(40):
        (folder / f"{index:02}.png").write_bytes(SAMPLE.read_bytes())
    command = [sys.executable, "-m", "edge_ocr", "read", folder, "--bundle", bundle_folder]
    for moment in (0.1, 0.4, 0.7):
        running = subprocess.Popen([*map(str, command), "--format", "jsonl", "--resume", "-o", str(out)])
        while not out.exists() and running.poll() is None:
            time.sleep(0.01)
        time.sleep(moment)
        running.send_signal(signal.SIGKILL)
        running.wait()
        for row in out.read_bytes().splitlines(keepends=True)[:-1]:
            json.loads(row)
    assert resume(folder) == 0
    assert sorted(names(out)) == [f"{index:02}.png" for index in range(40)]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path, bundle_folder: Path, form: str) -> None:
    """Peak memory in MB of reading 300 small pictures, against that of the first 60 of them."""
    if not Path("/proc/self/status").exists():
        skip("proc", "this system does not tell a process's peak memory in /proc")
    pixels = np.random.default_rng(0).integers(0, 255, (60, 90), np.uint8)
    for index in range(300):
        Image.fromarray(np.roll(pixels, index)).save(tmp_path / f"{index:03}.png")

    def peak(pattern: str) -> float:
        code = (
            "import sys; from edge_ocr.cli import main; status = main(sys.argv[1:]);"
            "peak = next(row for row in open('/proc/self/status') if row.startswith('VmHWM'));"
            "print(peak.split()[1], file=sys.stderr); sys.exit(status)"
        )
        arguments = ["read", str(tmp_path / pattern), "--bundle", str(bundle_folder), "--format", form]
        run = [sys.executable, "-c", code, *arguments, "-o", str(tmp_path / "out")]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
        return int(done.stderr) / 1024

    assert peak("*.png") - peak("0[0-5]*.png") < 12


def test_json_is_a_stream() -> None:
    """The opening comes with the first page, not after the last."""
    assert next(render(iter([]))) == '{"schema": 1, "pages": []}\n'
