"""The command: its refusals, its exit status, and, slowly, itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import compare_with_peers
import pytest
from compare_with_peers import main
from comparison.figures import figures
from comparison.sides import EDGE_OCR, RAPIDOCR, RAPIDOCR_AS_INSTALLED

from tests.scripts.comparison.readings import PAGES, comparison


def test_a_missing_folder_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "missing")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: there is no folder")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--limit", "0"], "'0' is not a whole number of at least 1"),
        (["--starts", "-1"], "'-1' is not a whole number of at least 1"),
        (["--repeats", "some"], "'some' is not a whole number of at least 1"),
        (["--peer-limit", "0"], "'0' is not a whole number of at least 1"),
        (["--json", "no/such/folder/a.json"], "there is no folder"),
        (["--svg", "/"], "the file / is a folder; name a file in it"),
    ],
)
def test_a_bad_option_is_refused_before_the_work(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err


def test_targets_of_accuracy_need_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.png").touch()
    assert main([str(tmp_path), "--check"]) == 2
    assert "--check needs labelled pages" in capsys.readouterr().err


def test_no_page_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.png").touch()
    assert main([str(tmp_path), "--json", str(tmp_path / "page.png")]) == 2
    assert "would be overwritten" in capsys.readouterr().err


class TestWithoutReading:
    """Everything but the sides' work, whose outcome is made up."""

    @pytest.fixture(autouse=True)
    def outcome(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found = comparison()
        self.asked: dict[str, Any] = {}

        def compare(*datasets: Any, **options: Any) -> Any:
            self.asked = {"datasets": datasets[0], **options}
            return self.found

        monkeypatch.setattr(compare_with_peers, "compare", compare)

    def test_a_missed_target_is_exit_status_1(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--check"]) == 1
        assert capsys.readouterr().out.count("MISSED") == 3  # page time .5, first text .333, the interval's lower end
        assert main([]) == 0

    def test_met_targets_are_exit_status_0(self, capsys: pytest.CaptureFixture[str]) -> None:
        edge_ocr, *others = self.found.sides
        quick = replace(edge_ocr, first_text=(0.1, 0.1, 0.1))
        of_one_page = figures("receipts", PAGES[:1], RAPIDOCR)  # where edge_ocr reads all and RapidOCR nothing
        self.found = replace(self.found, cpu="A CPU (avx2)", sides=[quick, *others], figures=[of_one_page])
        assert main(["--check"]) == 0
        assert "MISSED" not in capsys.readouterr().out

    def test_everything_is_written_where_it_was_asked_for(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        markdown, drawing, data = tmp_path / "a.md", tmp_path / "a.svg", tmp_path / "a.json"
        assert main(["--markdown", str(markdown), "--svg", str(drawing), "--json", str(data)]) == 0
        assert markdown.read_text("utf-8") == capsys.readouterr().out
        ElementTree.fromstring(drawing.read_text("utf-8"))
        assert json.loads(data.read_text("utf-8"))["cores"] == 2

    def test_a_limit_is_for_each_folder(self, tmp_path: Path) -> None:
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir()
            for number in range(5):
                (tmp_path / folder / f"{number}.png").touch()
        assert main([str(tmp_path / "one"), str(tmp_path / "two"), "--limit", "2", "--repeats", "1"]) == 0
        assert [data.name for data in self.asked["datasets"]] == ["one", "two"]
        assert [len(data.pages) for data in self.asked["datasets"]] == [2, 2]
        assert self.asked["repeats"] == 1


@pytest.mark.slow  # makes two environments, 0.75 GB together, where the cache lacks them
def test_the_two_with_the_same_models_read_much_the_same(bundle_folder: Path, tmp_path: Path) -> None:
    data, drawing = tmp_path / "comparison.json", tmp_path / "comparison.svg"
    arguments = ["--bundle", str(bundle_folder), "--limit", "2", "--peer-limit", "1", "--repeats", "2", "--starts", "1"]
    assert main([*arguments, "--json", str(data), "--svg", str(drawing)]) == 0
    found = json.loads(data.read_text("utf-8"))
    together = found["figures"][-1]
    assert together["pages"] == 2
    assert together["same_boxes"] > 80
    assert together["same_text"] > 60
    assert min(together["lines"]) > 10
    assert [side["name"] for side in found["sides"][:3]] == [EDGE_OCR, RAPIDOCR, RAPIDOCR_AS_INSTALLED]
    assert all(side["installed"] > 10_000_000 for side in found["sides"])
    ElementTree.fromstring(drawing.read_text("utf-8"))
