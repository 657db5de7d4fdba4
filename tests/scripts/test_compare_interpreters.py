"""The trial of interpreters: its figures on readings made by hand, its refusals, and workers that hang or die."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import compare_interpreters
import cv2
import numpy as np
import pytest
from compare_interpreters import main, write_record
from comparison.errors import ComparisonError
from interpreters import trials
from interpreters.environments import INTERPRETERS, Interpreter
from interpreters.figures import agreement, equality
from interpreters.report import Comparison, as_json, document, known, verdict
from interpreters.trials import Reading, Repetition, Trial, try_all

from converters.errors import WorkerError
from converters.evaluation.datasets import LabelledBox, LabelledPage
from converters.progress import Progress
from converters.tflite.inspection import Delegation
from converters.tflite.interpreters import KnownInterpreter
from edge_ocr.bundle import Bundle
from edge_ocr.doctor import SAMPLE

NEWEST = Interpreter("ai-edge-litert", "2.3.0", (3, 12), 350)
OTHER = Interpreter("tflite-runtime", "2.14.0", (3, 11), 270)
KINDS = ("detector", "recognizer")


def box(left: float) -> np.ndarray:
    """A box of 100 x 20 px on the page's only row."""
    return np.array([[left, 0], [left + 100, 0], [left + 100, 20], [left, 20]], np.float32)


def reading(seconds: float, *lines: tuple[str, float]) -> Reading:
    """A reading of (text, left edge) lines."""
    return Reading(seconds, tuple(text for text, _ in lines), tuple(box(left) for _, left in lines))


def page(*labels: tuple[str, float]) -> LabelledPage:
    return LabelledPage(Path("page.png"), tuple(LabelledBox(box(left), text, False) for text, left in labels))


PAGES = [page(("total", 0), ("12.50", 200)), page(("date", 0)), page(("never read by the slow one", 0))]
UNLABELLED = [LabelledPage(Path("page.png"), None)] * 3
FIRST = Trial(
    NEWEST,
    started=True,
    delegations={"detector": Delegation(1, {}), "recognizer": Delegation(1, {})},
    readings=[
        reading(0.1, ("total", 0), ("12.50", 200)),
        reading(0.3, ("date", 0)),
        reading(9.0, ("never read by the slow one", 0)),
    ],
    operators={"CONV_2D": 8},
)
SLOW = Trial(
    OTHER,
    started=True,
    delegations={"detector": Delegation(1, {}), "recognizer": Delegation(14, {"CONV_2D": 15, "GELU": 4})},
    # A line read otherwise but for its case, one misread, and one that is none.
    readings=[reading(0.8, ("Total", 2), ("12.S0", 202)), reading(1.2, ("date", 0), ("??", 400))],
    repetitions=[
        Repetition("detector", True, 0.0, None),
        Repetition("recognizer", False, 1.5, True),
        Repetition("recognizer", False, 2.25, False),
    ],
    operators={"CONV_2D": 5},
)
MISSING = Trial(Interpreter("tensorflow", "2.16.2", (3, 12), 1400), problem="Python 3.12 not found")


@pytest.fixture
def comparison() -> Comparison:
    return Comparison(
        "2026-01-02T03:04:05+00:00", "A CPU (avx2)", "paper, int8, 0123", KINDS, PAGES, [FIRST, SLOW, MISSING]
    )


class TestFigures:
    def test_a_slow_interpreter_is_judged_by_the_pages_that_it_has_read(self) -> None:
        found = agreement(SLOW, FIRST, PAGES)
        assert found.time.value == pytest.approx((0.8 + 1.2) / (0.1 + 0.3))
        # 3 of its 4 boxes are the other's 3, and 2 of these are read alike
        assert found.same_boxes == pytest.approx(100 * 2 * 3 / 7)
        assert found.same_text == pytest.approx(100 * 2 / 3)
        # right: 2 of 3 labels with 4 boxes, against 3 of 3 with 3
        assert found.end_to_end is not None
        assert found.end_to_end.value == pytest.approx(100 * 2 * 2 / 7 - 100)
        assert not found.reads_right

    def test_the_first_agrees_with_itself(self) -> None:
        found = agreement(FIRST, FIRST, PAGES)
        assert (found.time.value, found.same_boxes, found.same_text) == (1, 100, 100)
        assert found.reads_right

    def test_without_labels_nobody_can_tell_who_reads_right(self) -> None:
        found = agreement(SLOW, FIRST, UNLABELLED)
        assert found.end_to_end is None
        assert found.reads_right is None
        assert verdict(SLOW, found) == "runs"

    def test_chance_on_a_few_pages_is_no_verdict(self) -> None:
        """Worse on one page of three; a draw without that page shows no loss."""
        pages = [page(("date", 0))] * 3
        first = Trial(NEWEST, readings=[reading(1, ("date", 0))] * 3)
        other = Trial(OTHER, readings=[reading(1, ("dale", 0)), *[reading(1, ("date", 0))] * 2])
        found = agreement(other, first, pages)
        assert found.end_to_end is not None
        assert found.end_to_end.value == pytest.approx(-100 / 3)
        assert found.reads_right is None

    def test_another_reading_is_no_worse_a_reading(self) -> None:
        """Both lines differ, and each side is wrong in one."""
        pages = [page(("total", 0), ("12.50", 200))]
        first = Trial(NEWEST, readings=[reading(1, ("total", 0), ("12.S0", 200))])
        other = Trial(OTHER, readings=[reading(1, ("tota1", 0), ("12.50", 200))])
        found = agreement(other, first, pages)
        assert found.same_text == 0
        assert found.reads_right

    def test_equality_is_counted_model_by_model(self) -> None:
        detector, recognizer = (equality(SLOW.repetitions, model) for model in KINDS)
        assert detector is not None
        assert recognizer is not None
        assert (detector.runs, detector.identical, detector.largest, detector.same_text) == (1, 1, 0, None)
        assert (recognizer.runs, recognizer.identical, recognizer.largest, recognizer.same_text) == (2, 0, 2.25, 1)
        assert equality(SLOW.repetitions, "direction") is None


class TestReport:
    @pytest.mark.parametrize(
        "row",
        [
            "| 3 | 1.000 [1.000, 1.000] | 100.0 % | 100.0 % | +0.00 [+0.00, +0.00] | reads right |",
            "| tflite-runtime 2.14.0 | 2 | 5.000 ",
            "| tflite-runtime 2.14.0 | recognizer | 14 | 19 | 0 of 2 | 2.2 | 1 of 2 |",
            "- tflite-runtime 2.14.0, recognizer: 15 CONV_2D, 4 GELU\n",
            "| not run: Python 3.12 not found |",
            "READS WORSE",
            "A CPU (avx2)",
        ],
    )
    def test_the_document_says(self, comparison: Comparison, row: str) -> None:
        assert row in re.sub(" +", " ", document(comparison))

    def test_what_was_given_up_has_no_figures(self) -> None:
        given_up = Trial(OTHER, problem="the worker died", started=True, readings=list(SLOW.readings))
        comparison = Comparison("now", "CPU", "paper", KINDS, PAGES, [FIRST, given_up])
        assert comparison.agreements()[1] is None
        assert verdict(given_up, None) == "failed: the worker died"

    def test_the_json_lets_anybody_work_out_the_figures(self, comparison: Comparison) -> None:
        first, slow, missing = json.loads(json.dumps(as_json(comparison)))["interpreters"]
        seconds = [sum(reading["seconds"] for reading in side["readings"][:2]) for side in (slow, first)]
        assert slow["figures"]["time"]["value"] == pytest.approx(seconds[0] / seconds[1])
        assert slow["readings"][1]["texts"] == ["date", "??"]
        assert slow["models"]["recognizer"]["outside"] == {"CONV_2D": 15, "GELU": 4}
        assert slow["models"]["recognizer"]["equality"]["same_text"] == 1
        assert missing["figures"] is None


class TestRecord:
    def test_it_keeps_who_reads_right_and_what_operators_each_has(
        self, comparison: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(compare_interpreters, "RECORD", tmp_path / "interpreters.json")
        write_record(Comparison(*list(vars(comparison).values())[:-1], comparison.trials[:2]))
        newest, slow = json.loads((tmp_path / "interpreters.json").read_text())
        assert KnownInterpreter(**newest) == KnownInterpreter("ai-edge-litert", "2.3.0", True, {"CONV_2D": 8})
        assert KnownInterpreter(**slow) == KnownInterpreter("tflite-runtime", "2.14.0", False, {"CONV_2D": 5})

    def test_nothing_is_forgotten_because_this_machine_lacks_a_python(
        self, comparison: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(compare_interpreters, "RECORD", tmp_path / "interpreters.json")
        with pytest.raises(ComparisonError, match=r"tensorflow 2\.16\.2 was not run \(Python 3\.12 not found\)"):
            write_record(comparison)
        assert not (tmp_path / "interpreters.json").exists()


FAKE_WORKER = """
import os, time

pages = 0

def start(package, bundle):
    global name
    name = package
    if name == "refuses":
        raise ImportError("no module")

def operators(kind):
    if name == "dies" and kind == "recognizer":
        os._exit(7)
    return [{"op_name": name, "inputs": [0], "outputs": [1]} for name in ("CONV_2D", "DELEGATE")]

def load():
    pass

def record(picture, folder):
    open(os.path.join(folder, "0000.npz"), "w").close()

def repeat(folder):
    return [{"model": "detector", "identical": True, "largest": 0.0, "text": None} for _ in os.listdir(folder)]

def read(picture):
    global pages
    pages += 1
    if name == "hangs" and pages == 2:
        time.sleep(60)
    seconds = 100.0 if name == "slow" else 0.5
    return {"seconds": seconds, "texts": ["text"], "boxes": [[[0, 0], [9, 0], [9, 9], [0, 9]]]}

def accepts(models):
    return [True] * len(models)
"""


class FakeInterpreter(Interpreter):
    """Our own Python, whatever it is called."""

    def make(self, progress: Progress) -> Path:
        return Path(sys.executable)


def fakes(*names: str) -> list[Interpreter]:
    return [FakeInterpreter(name, "1.0", (3, 12), 0) for name in names]


@pytest.fixture
def fake_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "worker.py"
    script.write_text(FAKE_WORKER)
    monkeypatch.setattr(trials, "_WORKER", script)
    monkeypatch.setattr(trials, "PAGE_SECONDS", 2.0)
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def four_pages(tmp_path: Path) -> list[LabelledPage]:
    picture = tmp_path / "page.png"
    cv2.imwrite(str(picture), np.zeros((10, 10, 3), np.uint8))
    return [LabelledPage(picture, None)] * 4


def tried(interpreters: Sequence[Interpreter], pages: Sequence[LabelledPage], folder: Path) -> list[Trial]:
    folder.mkdir()
    return try_all(interpreters, None, KINDS, pages, folder, Progress())


@pytest.mark.usefixtures("fake_worker")
class TestTrials:
    def test_whatever_befalls_one_the_others_are_tried_to_the_end(
        self, four_pages: list[LabelledPage], tmp_path: Path
    ) -> None:
        names = ("newest", "dies", "hangs", "refuses", "slow", "good")
        newest, dies, hangs, refuses, slow, good = tried(fakes(*names), four_pages, tmp_path / "work")
        for trial in (newest, good):
            assert trial.problem is None
            assert len(trial.readings) == 4
            assert trial.delegations == dict.fromkeys(KINDS, Delegation(1, {}))
            assert trial.operators["CONV_2D"] == 30  # the highest version that is asked for
        assert len(good.repetitions) == 4
        assert not newest.repetitions
        assert "'operators' failed" not in str(dies.problem)
        assert "it ended during 'operators' with exit status 7" in str(dies.problem)
        assert list(dies.delegations) == ["detector"]
        assert "'read' gave no answer in 2 s" in str(hangs.problem)
        assert len(hangs.readings) == 1
        assert "ImportError: no module" in str(refuses.problem)
        assert slow.problem is None
        assert len(slow.readings) == 3  # 100 s each, of a budget of 240 s

    def test_logs_are_kept_where_something_went_wrong(self, four_pages: list[LabelledPage], tmp_path: Path) -> None:
        tried(fakes("newest", "dies"), four_pages, tmp_path / "work")
        (log,) = (tmp_path / "cache" / "logs").iterdir()
        assert log.name.startswith("interpreter-dies-1.0-")

    @pytest.mark.parametrize("first", ["dies", "hangs", "refuses"])
    def test_without_the_first_there_is_nothing_to_compare(
        self, first: str, four_pages: list[LabelledPage], tmp_path: Path
    ) -> None:
        with pytest.raises(ComparisonError, match=f"nothing to hold the others against: the {first} 1.0 worker"):
            tried(fakes(first, "good"), four_pages, tmp_path / "work")

    def test_a_python_that_the_machine_lacks_is_a_row_of_its_own(
        self, four_pages: list[LabelledPage], tmp_path: Path
    ) -> None:
        lacking = Interpreter("toy", "1.0", (3, 99), 0)
        newest, missing = tried([*fakes("newest"), lacking], four_pages, tmp_path / "work")
        assert newest.problem is None
        assert not missing.started
        assert verdict(missing, None) == "not run: Python 3.99 not found"

    def test_an_environment_that_cannot_be_made_is_a_row_of_its_own(
        self, four_pages: list[LabelledPage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> Path:
            raise WorkerError("the toy environment could not be made: no such version")

        monkeypatch.setattr("interpreters.environments.make_environment", fail)
        toy = Interpreter("toy", "1.0", sys.version_info[:2], 0)
        _, missing = tried([*fakes("newest"), toy], four_pages, tmp_path / "work")
        assert verdict(missing, None) == "not run: the toy environment could not be made: no such version"


def test_an_interpreter_agrees_with_itself_on_a_real_page(bundle_folder: Path, tmp_path: Path) -> None:
    """The real worker, twice, under the interpreter that the tests run on."""
    twins = [FakeInterpreter("ai-edge-litert", version, (3, 12), 0) for version in ("newest", "twin")]
    pages, manifest = [LabelledPage(SAMPLE, ())], Bundle.open(bundle_folder).manifest
    first, second = try_all(twins, str(bundle_folder), list(manifest.models.by_kind()), pages, tmp_path, Progress())
    assert second.problem is None
    assert second.readings[0].texts == first.readings[0].texts != ()
    assert {repetition.model for repetition in second.repetitions} >= set(KINDS)
    assert all(repetition.identical and repetition.largest == 0 for repetition in second.repetitions)
    assert {repetition.text for repetition in second.repetitions if repetition.model == "recognizer"} == {True}
    (entry, _) = known(Comparison("now", "CPU", "paper", KINDS, pages, [first, second]))
    assert entry.reads_right
    assert not any(entry.lacks(spec.operators) for spec in manifest.models.by_kind().values())


def test_every_interpreter_has_a_lock_that_pins_it() -> None:
    for interpreter in INTERPRETERS:
        pins = [line.lower().replace("_", "-") for line in interpreter.lock.read_text().splitlines()]
        distribution = {"tensorflow": "tensorflow-cpu"}.get(interpreter.package, interpreter.package)
        assert f"{distribution}=={interpreter.version}" in pins
        assert all("==" in pin for pin in pins if not pin.startswith("#"))


class TestCommandLine:
    def test_a_missing_folder_is_one_sentence(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([str(tmp_path / "missing")]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: there is no folder")
        assert captured.err.count("\n") == 1

    @pytest.mark.parametrize("arguments", [["--limit", "0"], ["--json", "no/such/folder/a.json"]])
    def test_a_bad_option_is_refused_before_the_work(self, arguments: list[str]) -> None:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 2

    def test_a_record_needs_labels_before_the_work(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "page.png").touch()
        assert main([str(tmp_path), "--record"]) == 2
        assert capsys.readouterr().err.startswith("error: --record needs labelled pages")

    @pytest.mark.usefixtures("fake_worker")
    def test_the_tables_go_to_the_terminal_and_into_files(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(compare_interpreters, "INTERPRETERS", fakes("newest", "dies"))
        cv2.imwrite(str(tmp_path / "page.png"), np.zeros((10, 10, 3), np.uint8))
        files = tmp_path / "tables.md", tmp_path / "all.json"
        assert main([str(tmp_path), "--markdown", str(files[0]), "--json", str(files[1])]) == 0
        captured = capsys.readouterr()
        assert captured.out == files[0].read_text()
        assert "| failed: the dies 1.0 worker: it [...] |" in captured.out
        assert "- dies 1.0 failed: the dies 1.0 worker: it ended during 'operators'" in captured.out
        newest, dies = json.loads(files[1].read_text())["interpreters"]
        assert newest["verdict"] == "runs"  # the page has no labels
        assert dies["verdict"].startswith("failed")
