"""Remarks of native libraries are dropped, everything else arrives, and reading never depends on it."""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge_ocr import OCR
from edge_ocr.engines.litert import without_greeting
from edge_ocr.quiet import without_lines

GREETING = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"


def no_file() -> None:
    raise OSError(30, "Read-only file system")


def test_other_notes_of_the_engine_are_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with without_greeting():
        os.write(2, b"INFO: Initialized runtime.\n" + GREETING + b"no line end")
    assert capfd.readouterr().err == "INFO: Initialized runtime.\nno line end"


def test_models_run_where_no_file_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    assert OCR().read(b"P5 64 64 255 " + b"\xff" * 64 * 64).lines == ()


def test_without_memory_files_a_temporary_one_serves(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    with without_lines(b"noise"):
        os.write(2, b"noise: one\nnote\n")
    assert capfd.readouterr().err == "note\n"


def test_errors_leave_standard_error_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), without_lines(b"noise"):
        os.write(2, b"noise\nnote\n")
        raise ZeroDivisionError
    os.write(2, b"noise afterwards\n")
    assert capfd.readouterr().err == "note\nnoise afterwards\n"


def test_without_standard_error(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with without_lines(b"noise"):
        os.write(2, b"noise\n")
    assert capfd.readouterr().err == ""

    kept = os.dup(2)
    os.close(2)
    try:
        with without_lines(b"noise"):
            pass
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(2)
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def test_threads_lose_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    def speak(number: int) -> None:
        with without_lines(b"noise"):
            os.write(2, b"noise\n")
            os.write(2, b"note %d\n" % number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(speak, range(200)))
    assert sorted(capfd.readouterr().err.splitlines()) == sorted(f"note {number}" for number in range(200))
