"""Programs of this machine that the harness calls: apt, dpkg-deb, tar, pip, the C compiler, nm."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import IO

from edge_ocr.cache import atomic_write
from edge_ocr.errors import BenchmarkError

_PACKAGES = {"apt-get": "apt", "dpkg-deb": "dpkg", "cc": "gcc", "nm": "binutils"}
"""Program -> the Debian package that brings it, where that is called otherwise."""


def check_tools(*programs: str) -> None:
    """Refuse work that would fail later; BenchmarkError where one of the programs is missing."""
    for program in programs:
        if shutil.which(program) is None:
            raise BenchmarkError(f"{program} is needed and not installed; install the package {_package_of(program)}")


def run_tool(program: str, *arguments: str, stdin: IO[bytes] | None = None, log: Path | None = None) -> str:
    """What a program of this machine prints.

    Args:
        program: its name or path.
        arguments: of it.
        stdin: what it reads; nothing by default.
        log: file to keep all that it complained about, should it fail.

    Raises:
        BenchmarkError: it is missing or fails; the sentence holds what it complained about.
    """
    variables = {**os.environ, "LC_ALL": "C.UTF-8"}  # messages that can be passed on
    try:
        finished = subprocess.run(
            [program, *arguments], stdin=stdin or subprocess.DEVNULL, capture_output=True, env=variables, check=False
        )
    except OSError as problem:
        raise BenchmarkError(
            f"{program} cannot be run ({problem.strerror}); install the package {_package_of(program)}"
        ) from problem
    if finished.returncode:
        complaint = _complaint(finished.stderr) or f"it ended with status {finished.returncode}"
        where = ""
        if log is not None:
            atomic_write(log, finished.stderr)
            where = f"; all of it is in {log}"
        raise BenchmarkError(f"{os.path.basename(program)} says '{complaint}'{where}")
    return finished.stdout.decode(errors="replace")


def _package_of(program: str) -> str:
    return _PACKAGES.get(program, program)


def _complaint(output: bytes) -> str:
    """The first line that tells what is wrong, else the last."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    telling = (line for line in lines if _TELLING.search(line))
    return _LABEL.sub("", next(telling, lines[-1] if lines else ""))


_TELLING = re.compile(r"Failed to fetch|connection broken|\berror: |^E: |^ERROR: ")
"""In lines of apt, pip and C compilers."""
_LABEL = re.compile(r"^(E|W|ERROR|WARNING): +")
