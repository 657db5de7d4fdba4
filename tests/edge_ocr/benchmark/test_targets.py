"""Target files: those that come with edge-ocr, and how others are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_ocr.benchmark.facts import read_facts
from edge_ocr.benchmark.host.targets import Unit, read_targets, target_names
from edge_ocr.errors import BenchmarkError
from tests.edge_ocr.benchmark.trees import BOARDS, alone, plant

WHOLE = 'title = "a board"\nboards = ["Some Board"]\n[p90_ms.page]\nlimit = 100\nbudget = "a tenth of a second"\n'


def read(folder: Path, content: str) -> str:
    """What is said of a file with that content."""
    path = folder / "mine.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BenchmarkError) as refusal:
        read_targets(str(path))
    said = str(refusal.value)
    assert said.startswith(f"targets {path}") and "\n" not in said
    return said


@pytest.mark.parametrize("name", target_names())
def test_every_limit_that_is_shipped_says_where_it_comes_from(name: str) -> None:
    targets = read_targets(name)
    assert targets.name == name and targets.limits
    for limit in targets.limits:
        assert len(limit.reason) > 20
        assert not re.search(r"https?:|www\.|arxiv", limit.reason)
        if limit.published:  # a citation: what was measured, and the document that says so
            assert re.search(r"; .+\.md$", limit.reason), limit.reason
            assert re.search(r"\d", limit.reason)


def test_a_board_has_limits_in_milliseconds_and_an_emulated_cpu_in_instructions() -> None:
    for name in target_names():
        targets = read_targets(name)
        units = {limit.figure.unit for limit in targets.limits}
        assert {Unit.BYTES, Unit.POINTS} < units
        assert (Unit.INSTRUCTIONS in units) == name.startswith("qemu-") == (targets.emulated_cpu is not None)
        assert (Unit.MILLISECONDS in units) == bool(targets.boards)


def test_the_published_figures_are_those_of_their_sources() -> None:
    """PaddleOCR release/2.2 doc/doc_ch/benchmark.md; opencv_zoo benchmark/README.md; PaddleSlim demo/ocr/README.md."""
    figures = {
        (name, limit.figure.key): limit.limit
        for name in target_names()
        for limit in read_targets(name).limits
        if limit.published
    }
    assert figures.pop(("snapdragon-855", "p90_ms.page")) == 268
    assert figures.pop(("snapdragon-855", "p90_ms.detect")) == 138
    assert figures.pop(("snapdragon-855", "p90_ms.recognise")) == pytest.approx(8.6 * 17, abs=0.5)
    assert figures.pop(("snapdragon-855", "p90_ms.load")) == 158
    assert figures.pop(("raspberry-pi-4", "p90_ms.detect")) == 325
    assert figures.pop(("jetson-nano", "p90_ms.detect")) == 210
    assert {key: limit for (_, key), limit in figures.items()} == {
        "total_bytes": 3_500_000,
        "accuracy_loss_points": pytest.approx(78.92 - 78.41),
    }


@pytest.mark.parametrize("board", [name for name in BOARDS if name in target_names()])
def test_targets_know_their_board_and_no_other(board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plant(board, tmp_path)
    alone(tmp_path / "bin", monkeypatch)
    facts = read_facts(root)
    names = [name for name in (facts.board, facts.soc) if name]
    assert [name for name in target_names() if read_targets(name).are_for(None, names)] == [board]


def test_targets_of_a_file_without_a_board_are_for_any(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(WHOLE.replace('boards = ["Some Board"]\n', "threads = 2\n"))
    targets = read_targets(str(path))
    assert (targets.name, targets.threads) == ("mine", 2)
    assert targets.are_for(None, []) and targets.are_for(None, ["Anything"]) and not targets.are_for("cortex-a76", [])


REFUSED = {
    "no limits": ('title = "a board"', "no limit is in it"),
    "no title": (WHOLE.replace("title", "tilte"), "tilte is not known; did you mean title?"),
    "empty": ("", "title is missing"),
    "not TOML": ("limit: 3", "are not TOML"),
    "deep": ("a = " + "[" * 10_000, "are not TOML"),
    "title of another type": (WHOLE.replace('"a board"', "3"), "title should be a text, not 3"),
    "title that drives a terminal": (WHOLE.replace("a board", "a\\u001bboard"), "title must be a text"),
    "boards of another type": (WHOLE.replace('["Some Board"]', '"Some Board"'), "boards should be a list"),
    "unknown stage": (WHOLE.replace("p90_ms.page", "p90_ms.detekt"), "did you mean p90_ms.detect?"),
    "unknown figure": (WHOLE.replace("p90_ms.page", "total_byte"), "did you mean total_bytes?"),
    "unknown key": (WHOLE.replace("budget", "reason"), "p90_ms.page.reason is not known"),
    "unknown model": (WHOLE.replace("p90_ms.page", "instructions.detector"), "instructions.'detector 640x640'"),
    "a value for a table": ('title = "x"\ntotal_bytes = 3', "total_bytes should be an object"),
    "a value for all stages": ('title = "x"\np90_ms = 3', "p90_ms should be an object"),
    "no limit": (WHOLE.replace("limit = 100\n", ""), "p90_ms.page.limit is missing"),
    "text as limit": (WHOLE.replace("100", '"100"'), "p90_ms.page.limit should be a number"),
    "yes as limit": (WHOLE.replace("100", "true"), "p90_ms.page.limit should be a number"),
    "nan as limit": (WHOLE.replace("100", "nan"), "p90_ms.page.limit"),
    "infinite limit": (WHOLE.replace("100", "inf"), "p90_ms.page.limit"),
    "huge limit": (WHOLE.replace("100", "9" * 400), "p90_ms.page.limit"),
    "negative limit": (WHOLE.replace("100", "-1"), "p90_ms.page.limit must be a number of at least 0"),
    "no reason": (WHOLE.replace('budget = "a tenth of a second"\n', ""), "neither source nor budget"),
    "both reasons": (WHOLE + 'source = "a paper"\n', "both source and budget"),
    "empty reason": (WHOLE.replace("a tenth of a second", ""), "p90_ms.page.budget must be a text"),
    "no threads": ("threads = 0\n" + WHOLE, "threads must be from 1 to 1024"),
    "half a thread": ("threads = 1.5\n" + WHOLE, "threads should be a whole number"),
    "two kinds of device": ('emulated_cpu = "cortex-a76"\n' + WHOLE, "both boards and emulated_cpu"),
    "time of an emulated CPU": (
        WHOLE.replace('boards = ["Some Board"]', 'emulated_cpu = "cortex-a76"'),
        "p90_ms.page is not measured on an emulated CPU",
    ),
    "instructions of a board": (WHOLE.replace("p90_ms.page", "instructions.page"), "on an emulated CPU only"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_file_is_refused_in_a_sentence_that_names_the_place(tmp_path: Path, case: str) -> None:
    content, said = REFUSED[case]
    assert said in read(tmp_path, content)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raspbery-pi-4", "there are no targets 'raspbery-pi-4'; did you mean raspberry-pi-4?"),
        ("laptop", "known are jetson-nano, "),
        ("", "known are jetson-nano, "),
        ("missing.toml", "cannot be read: No such file or directory"),
        ("/", "cannot be read: Is a directory"),
    ],
)
def test_unknown_targets_are_refused(source: str, said: str) -> None:
    with pytest.raises(BenchmarkError, match=re.escape(said)):
        read_targets(source)
