"""Tesseract as the system's packages bring it, if they do: its command, started afresh for every page."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from comparison.errors import AbsentError, ComparisonError
from comparison.memory import peak_memory_of
from comparison.sides import TESSERACT, Reading

THREADS = 1
LANGUAGES = ("chi_sim", "eng")
"""Wanted; PP-OCR's default models read these two as well."""
PAGE_SECONDS = 300

_INSTALL = "install tesseract-ocr and tesseract-ocr-chi-sim (Debian's and Ubuntu's names) to have it compared, too"
_LOOK_SECONDS = 0.02
_LINE, _WORD = "4", "5"
"""Levels of the table's rows."""


@dataclass(frozen=True)
class Tesseract:
    """The command, and the languages that it is told to read.

    Attributes:
        command: path of the program.
        languages: those of `LANGUAGES` whose data is installed.
    """

    command: str
    languages: tuple[str, ...]
    name: str = TESSERACT
    threads: int = THREADS

    @classmethod
    def find(cls) -> Tesseract:
        """The one on PATH.

        Raises:
            AbsentError: there is none, or it lacks the data of English.
        """
        command = shutil.which("tesseract")
        if command is None:
            raise AbsentError(f"there is no command tesseract; {_INSTALL}")
        installed = _output(command, "--list-langs").split()
        languages = tuple(language for language in LANGUAGES if language in installed)
        if "eng" not in languages:
            raise AbsentError(f"{command} has no data to read English; {_INSTALL}")
        return cls(command, languages)

    def installed(self) -> int | None:
        """Bytes of its packages and of the data of its languages, by dpkg; None where dpkg does not know them.

        Libraries that it shares with other programs (of picture formats, archives, characters) are not counted.
        """
        data = [f"tesseract-ocr-{language.replace('_', '-')}" for language in self.languages]
        query = ("--show", "--showformat", "${Installed-Size}\n", "tesseract-ocr", "libtesseract*", "liblept*", *data)
        try:
            words = _output("dpkg-query", *query).split()
        except ComparisonError:
            return None
        # Between the sizes stand complaints about packages that are not installed.
        return 1024 * sum(int(word) for word in words if word.isdecimal()) or None

    @contextmanager
    def started(self) -> Iterator[RunningTesseract]:
        """Nothing runs between two pages: each gets a process of its own."""
        with tempfile.TemporaryDirectory(prefix="edge-ocr-tesseract-") as folder:
            yield RunningTesseract(self, Path(folder))


class RunningTesseract:
    """Reads pages, and remembers the largest of the processes that did."""

    def __init__(self, tesseract: Tesseract, folder: Path) -> None:
        self._tesseract, self._folder = tesseract, folder
        self._peak_memory = 0

    def read(self, picture: Path) -> Reading:
        """Read the array in a .npy file; the time holds the start of the program, but not of a shell or of Python.

        Raises:
            ComparisonError: it fails, or takes longer than `PAGE_SECONDS`.
        """
        page = self._folder / "page.ppm"  # as good as decoded: no compression
        cv2.imwrite(str(page), np.load(picture))
        command = [self._tesseract.command, str(page), "stdout", "-l", "+".join(self._tesseract.languages), "tsv"]
        clock, before = time.perf_counter(), os.times()
        table = self._run(command)
        seconds, after = time.perf_counter() - clock, os.times()
        cpu_seconds = sum(after[2:4]) - sum(before[2:4])  # of children that have ended
        return Reading(seconds, cpu_seconds, *parse_table(table), stages={})

    def peak_memory(self) -> int:
        """The most memory, in bytes, that one of its processes has held so far."""
        return self._peak_memory

    def versions(self) -> dict[str, str]:
        """Its version and languages."""
        # "tesseract 5.3.0", then its libraries
        version = _output(self._tesseract.command, "--version").split()[1]
        return {"tesseract": version, "languages": "+".join(self._tesseract.languages)}

    def _run(self, command: Sequence[str]) -> str:
        """The standard output of Tesseract, whose memory is looked at while it runs."""
        variables = {**os.environ, "OMP_THREAD_LIMIT": str(THREADS)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables) as process:
            ended = threading.Event()
            watch = threading.Thread(target=self._watch, args=(process.pid, ended))
            watch.start()
            try:
                output, complaints = process.communicate(timeout=PAGE_SECONDS)
            except subprocess.TimeoutExpired as problem:
                raise ComparisonError(f"Tesseract takes more than {PAGE_SECONDS} s for a page") from problem
            finally:
                process.kill()
                ended.set()
                watch.join()
        if process.returncode != 0:
            words = complaints.decode(errors="replace").strip().splitlines() or [f"exit status {process.returncode}"]
            raise ComparisonError(f"Tesseract failed ({words[-1]})")
        return output.decode()

    def _watch(self, process: int, ended: threading.Event) -> None:
        while not ended.wait(_LOOK_SECONDS):
            with suppress(OSError, ValueError):  # it has just ended
                self._peak_memory = max(self._peak_memory, peak_memory_of(process))


def parse_table(table: str) -> tuple[tuple[str, ...], tuple[npt.NDArray[np.float32], ...]]:
    """Texts and boxes of the lines in Tesseract's TSV output, which has a row for each block, line and word.

    Returns:
        The words of each line with spaces between them, and its upright box, (4, 2) float32, clockwise from the top
        left, in page pixels. Lines without text, such as ruled ones, are left out.
    """
    head, *rows = (row.split("\t") for row in table.rstrip("\n").split("\n"))
    boxes: dict[tuple[str, ...], npt.NDArray[np.float32]] = {}
    words: dict[tuple[str, ...], list[str]] = {}
    for row in (dict(zip(head, cells, strict=False)) for cells in rows):
        line = row["page_num"], row["block_num"], row["par_num"], row["line_num"]
        if row["level"] == _LINE:
            boxes[line] = _box(*(int(row[side]) for side in ("left", "top", "width", "height")))
        elif row["level"] == _WORD and row["text"].strip():
            words.setdefault(line, []).append(row["text"])
    return tuple(map(" ".join, words.values())), tuple(boxes[line] for line in words)


def _box(left: int, top: int, width: int, height: int) -> npt.NDArray[np.float32]:
    right, bottom = left + width, top + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def _output(*command: str) -> str:
    """What a command prints, however it ends.

    Raises:
        ComparisonError: it cannot be run.
    """
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError as problem:
        raise ComparisonError(f"{command[0]} cannot be run: {problem.strerror}") from problem
    return done.stdout
