"""The drivers themselves: whatever can go wrong is seen, so that a table without bad cases means something."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import kills, parsers
from faults.children import in_child, judge
from faults.outcomes import Outcome, Result, Table

from edge_ocr.errors import PictureError


def _say(*lines: str, status: int = 0) -> Callable[[], int]:
    def call() -> int:
        for line in lines:
            print(line, file=sys.stderr)
        return status

    return call


def _crash() -> int:
    return int(ctypes.string_at(0) == b"")


def _raise() -> int:
    raise RuntimeError("unforeseen")


def _sleep() -> int:
    time.sleep(60)
    return 0


def _swallow_memory() -> int:
    return len(bytearray(1 << 30))


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        (_say(), Outcome.WORKED),
        (_say("error: it is empty; fetch it again", status=2), Outcome.REFUSED),
        (_say(status=2), Outcome.UNTIDY),
        (_say("error: one", "error: two", status=2), Outcome.UNTIDY),
        (_say("error: it is empty; fetch it again", status=3), Outcome.UNTIDY),
        (_crash, Outcome.CRASHED),
        (os.abort, Outcome.CRASHED),
        (_raise, Outcome.TRACEBACK),
        (_sleep, Outcome.HUNG),
        (_swallow_memory, Outcome.TRACEBACK),
    ],
)
def test_the_end_of_a_child_is_judged(call: Callable[[], int], outcome: Outcome) -> None:
    assert judge(in_child(call, seconds=1, memory=256 << 20))[0] is outcome


def _write(path: str) -> None:
    Path(path).write_bytes(b"x")


def _mumble() -> None:
    os.write(2, b"libfoo: odd tag\n")


def _refuse(sentence: str) -> None:
    raise PictureError(sentence)


def _die() -> None:
    os.abort()


@pytest.mark.parametrize(
    ("parse", "outcome"),
    [
        (lambda: 1, Outcome.WORKED),
        (lambda: _refuse("it is empty; fetch it again"), Outcome.REFUSED),
        (lambda: _refuse(""), Outcome.UNTIDY),
        (lambda: _refuse("x" * 2000), Outcome.UNTIDY),
        (lambda: _write("left-behind"), Outcome.UNTIDY),
        (_mumble, Outcome.UNTIDY),
        (_raise, Outcome.TRACEBACK),
        (_die, Outcome.CRASHED),
    ],
)
def test_the_end_of_a_parser_is_judged(
    parse: Callable[[], object], outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among cases that work: those are run all the same."""
    monkeypatch.setitem(parsers.KINDS, "made up", lambda draw: parse if draw.random() < 0.3 else (lambda: 1))
    counts = Table.of(parsers.run_cases("made up", 0, range(12))).counts["made up"]
    assert counts[outcome] >= 1 and counts[Outcome.WORKED] >= 1
    assert counts.total() >= 12


def test_a_torn_bundle_is_seen(tmp_path: Path) -> None:
    kills.write_edition(kills.editions()[0], tmp_path / "bundle")
    (tmp_path / "bundle" / "charset.txt").write_bytes(b"half")
    assert kills.judge_bundle(tmp_path / "bundle")[0] is Outcome.TORN


def test_torn_rows_are_seen(tmp_path: Path) -> None:
    (tmp_path / "pages.jsonl").write_text('{"file": "a"}\n{"file": "b"')
    with pytest.raises(ValueError, match="torn"):
        kills.rows(tmp_path / "pages.jsonl")


@pytest.mark.parametrize(
    ("files", "outcome"),
    [
        ({}, Outcome.REFUSED),
        ({"pages.jsonl": '{"file": "a"}\n'}, Outcome.REFUSED),
        ({"pages.jsonl": ""}, Outcome.TORN),
        ({"pages.jsonl": '{"file": "a"'}, Outcome.TORN),
        ({".pages.jsonl.0123456789ab": ""}, Outcome.UNTIDY),
    ],
)
def test_what_an_interrupt_leaves_is_judged(tmp_path: Path, files: dict[str, str], outcome: Outcome) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    result = Result("Ctrl-C: read", Outcome.REFUSED)
    assert kills.with_its_output(result, tmp_path / "pages.jsonl", 1).outcome is outcome


def test_the_table_adds_up() -> None:
    table = Table.of(
        [Result("one", Outcome.WORKED), Result("two", Outcome.TORN, "half"), Result("one", Outcome.REFUSED)]
    )
    assert [result.detail for result in table.bad] == ["half"]
    heads, _, one, two, total = (line.strip("| ").split() for line in str(table).splitlines())
    assert heads[0] == "faults" and one[0] == "one" and one[2] == "2" and two[2] == "1" and total[2] == "3"
