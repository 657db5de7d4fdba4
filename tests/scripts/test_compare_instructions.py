"""The command: its refusals, its exit status, and, slowly, itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import compare_instructions
import pytest
from compare_instructions import PAGES, compare, main
from emulated.sides import EDGE_OCR, FLOAT, NCNN, NCNN_HALF, NEW_SIZE, ONNXRUNTIME, RAPIDOCR

from converters.evaluation.datasets import LabelledPage
from converters.progress import Progress
from edge_ocr.doctor import SAMPLE, SAMPLE_TEXT
from tests.scripts.emulated.outcomes import OUTCOME


def test_a_missing_picture_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "missing.png")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert "missing.png" in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--cpu", "z80"], "invalid choice: 'z80'"),
        (["--without", EDGE_OCR], f"invalid choice: '{EDGE_OCR}'"),
        (["--jobs", "0"], "'0' is not a whole number of at least 1"),
        (["--json", "no/such/folder/a.json"], "there is no folder"),
    ],
)
def test_a_bad_option_is_refused_before_the_work(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_default_pages_are_there_and_all_but_one_have_labels() -> None:
    pages = compare_instructions._pages(PAGES)
    assert [page.picture for page in pages] == list(PAGES)
    assert [page.boxes is None for page in pages] == [True, False, False, False, False]


class TestWithoutEmulation:
    """The rest of the command, around a comparison made by hand."""

    @pytest.fixture(autouse=True)
    def made_by_hand(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        asked: dict[str, Any] = {}

        def compare_by_hand(pages: Any, *_: Any, **options: Any) -> Any:
            asked.update(options, pages=pages)
            return OUTCOME

        monkeypatch.setattr(compare_instructions, "compare", compare_by_hand)
        return asked

    def test_the_figures_are_written(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        markdown, raw = tmp_path / "a.md", tmp_path / "a.json"
        assert main([str(SAMPLE), "--markdown", str(markdown), "--json", str(raw)]) == 0
        assert markdown.read_text("utf-8") == capsys.readouterr().out
        assert json.loads(raw.read_text("utf-8"))["readings"]["cortex-a76"].keys() == {EDGE_OCR, ONNXRUNTIME, NCNN_HALF}

    def test_a_missed_aim_is_the_exit_status(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([str(SAMPLE), "--check"]) == 1
        assert "MISSED" in capsys.readouterr().out

    def test_what_is_asked_is_handed_on(self, made_by_hand: dict[str, Any]) -> None:
        assert main([str(SAMPLE), "--cpu", "i8mm", "--without", RAPIDOCR, "--jobs", "3"]) == 0
        assert made_by_hand["cpus"] == ["i8mm"]
        assert made_by_hand["without"] == [RAPIDOCR]
        assert made_by_hand["jobs"] == 3
        assert made_by_hand["pages"] == [LabelledPage(SAMPLE, None)]


@pytest.mark.slow
def test_all_sides_read_the_sample_and_half_precision_takes_less() -> None:
    outcome = compare(
        [LabelledPage(SAMPLE, None)], None, None, cpus=["cortex-a76"], without=[], jobs=2, progress=Progress()
    )
    readings = {side: of_side for side, (of_side,) in outcome.readings["cortex-a76"].items()}
    for side in (EDGE_OCR, NEW_SIZE, FLOAT, ONNXRUNTIME, NCNN, NCNN_HALF, RAPIDOCR):
        assert "\n".join(readings[side].texts) == SAMPLE_TEXT, side
    assert readings[NCNN_HALF].instructions < 0.75 * readings[NCNN].instructions
    assert readings[EDGE_OCR].instructions < readings[FLOAT].instructions < readings[ONNXRUNTIME].instructions
