"""Boards as their kernels describe them: one `.tree` file each, planted as files below a folder and stubs on PATH.

A `.tree` file has a section for each file or program. What stands before the first of them tells where the text comes
from.

    == proc/meminfo                 a file, its content the lines up to the next section
    == proc/cpuinfo for 0-3         so once for each of these numbers, which `{}` in title and content stands for;
                                    sections of the same file are appended to one another
    == $ vcgencmd get_throttled     a program on PATH, and what it prints when it gets these arguments

`\\0` is the character NUL, which ends a device tree's strings.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

TREES = Path(__file__).parent
BOARDS = tuple(sorted(path.stem for path in TREES.glob("*.tree")))


def plant(board: str, folder: Path) -> Path:
    """Make the tree of a board in `folder / "root"`, its programs in `folder / "bin"`; gives the root."""
    root, programs = folder / "root", dict[str, list[tuple[str, str]]]()
    root.mkdir(parents=True, exist_ok=True)
    for title, content in _sections((TREES / f"{board}.tree").read_text(encoding="utf-8")):
        if title.startswith("$ "):
            name, _, arguments = title[2:].partition(" ")
            programs.setdefault(name, []).append((arguments, content))
        else:
            path = root / title
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(content)
    for name, answers in programs.items():
        stub(folder / "bin", name, *(f'[ "$*" = {shlex.quote(said)} ] && {_print(text)}' for said, text in answers))
    return root


def alone(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only these programs are on PATH, and they are waited for however busy this machine is."""
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr("edge_ocr.benchmark.facts.commands._SECONDS", 60.0)


def stub(folder: Path, name: str, *lines: str) -> None:
    """A shell script in the place of a program."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(("#!/bin/sh", *lines, "")), encoding="utf-8")
    (folder / name).chmod(0o755)


def _print(text: str) -> str:
    return f"printf %s {shlex.quote(text)} && exit"


def _sections(text: str) -> Iterator[tuple[str, str]]:
    for section in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        title, _, content = section.partition("\n")
        content = content.rstrip("\n").replace("\\0", "\0") + "\n"
        if repeated := re.fullmatch(r"(.+) for ([0-9]+)-([0-9]+)", title):
            for number in range(int(repeated[2]), int(repeated[3]) + 1):
                yield repeated[1].replace("{}", str(number)), content.replace("{}", str(number)) + "\n"
        else:
            yield title, content
