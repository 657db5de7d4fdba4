"""The comparison with RapidOCR: its figures on readings made by hand, its order of work, its refusals."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from compare_with_rapidocr import main
from comparison import worker
from comparison.errors import ComparisonError
from comparison.figures import agreement, figures, ratio_of_sums, stage_shares
from comparison.measurement import PagePair, first_with_text, read_pages
from comparison.pages import default_pages, open_folder, spread
from comparison.report import Comparison, as_json, document, table
from comparison.sides import Reading, rapidocr_settings

from converters.calibration import default_pictures
from converters.environments import Worker
from converters.errors import WorkerError
from converters.evaluation.datasets import Dataset, LabelledBox, LabelledPage
from converters.progress import Progress
from converters.zoo import load_zoo
from edge_ocr.errors import PictureError
from edge_ocr.manifest import Manifest
from tests.edge_ocr.paper_bundle import manifest_json


def box(left: float, width: float = 100) -> np.ndarray:
    """A box 20 px high on the page's only row."""
    return np.array([[left, 0], [left + width, 0], [left + width, 20], [left, 20]], np.float32)


def reading(seconds: float, *lines: tuple[str, float], stages: dict[str, float] | None = None) -> Reading:
    """A reading of (text, left edge) lines that took `seconds` on the clock and half of that on the CPU."""
    boxes = tuple(box(left) for _, left in lines)
    return Reading(seconds, seconds / 2, tuple(text for text, _ in lines), boxes, stages or {})


def page(*labels: tuple[str, float]) -> LabelledPage:
    return LabelledPage(Path("page.png"), tuple(LabelledBox(box(left), text, False) for text, left in labels))


UNLABELLED = LabelledPage(Path("page.png"), None)

PAIRS = [
    # two labels: edge_ocr finds and reads both, RapidOCR finds one and misreads it
    PagePair(
        page(("total", 0), ("12.50", 200)),
        reading(0.1, ("Total", 0), ("12.50", 200)),
        reading(0.2, ("Tota1", 0)),
    ),
    # one label that only RapidOCR finds, and a line of edge_ocr's that is none
    PagePair(page(("date", 0)), reading(0.3, ("??", 400)), reading(0.6, ("DATE", 2))),
]


class TestFigures:
    def test_time_is_a_ratio_of_sums_with_an_interval_around_it(self) -> None:
        ratio = ratio_of_sums(np.array([[1.0, 2.0], [3.0, 4.0], [2.0, 10.0]]))
        assert ratio.value == pytest.approx(6 / 16)
        assert ratio.low < ratio.value < ratio.high
        assert ratio.low >= 0.2  # the smallest and the largest ratio of a single page
        assert ratio.high <= 0.75

    def test_pages_that_agree_leave_no_doubt(self) -> None:
        ratio = ratio_of_sums(np.array([[1.0, 2.0], [30.0, 60.0]]))
        assert (ratio.value, ratio.low, ratio.high) == pytest.approx((0.5, 0.5, 0.5))

    def test_figures_of_pages_counted_by_hand(self) -> None:
        found = figures("receipts", PAIRS)
        assert (found.name, found.pages, found.lines) == ("receipts", 2, (3, 2))
        assert found.milliseconds == pytest.approx((200, 400))
        assert found.time.value == found.cpu_time.value == pytest.approx(0.5)
        assert found.detection is not None
        assert found.end_to_end is not None
        # edge_ocr: 2 of 3 labels with 3 boxes; RapidOCR: 2 of 3 with 2
        assert found.detection.edge_ocr == pytest.approx(100 * 2 * 2 / 6)
        assert found.detection.rapidocr == pytest.approx(100 * 2 * 2 / 5)
        # texts equal but for case: both of edge_ocr's, one of RapidOCR's
        assert found.end_to_end.edge_ocr == pytest.approx(100 * 2 * 2 / 6)
        assert found.end_to_end.rapidocr == pytest.approx(100 * 2 * 1 / 5)
        assert found.end_to_end.delta.value == pytest.approx(66.67 - 40, abs=0.01)
        assert found.end_to_end.delta.low < found.end_to_end.delta.value < found.end_to_end.delta.high

    def test_only_labelled_pages_have_an_accuracy(self) -> None:
        unlabelled = replace(PAIRS[0], page=UNLABELLED)
        assert figures("photos", [unlabelled]).detection is None
        assert figures("photos", [unlabelled]).end_to_end is None
        assert figures("mixed", [unlabelled, PAIRS[0]]).detection == figures("labelled", PAIRS[:1]).detection

    def test_agreement_is_of_boxes_and_of_the_text_in_common_ones(self) -> None:
        left, right = reading(1, ("a", 0), ("b", 200), ("c", 400)), reading(1, ("A", 5), ("8", 195))
        boxes, texts = agreement([PagePair(UNLABELLED, left, right)])
        assert boxes == pytest.approx(100 * 2 * 2 / 5)
        assert texts == pytest.approx(50)

    def test_no_text_on_either_side_is_no_division_by_zero(self) -> None:
        assert agreement([PagePair(UNLABELLED, reading(1), reading(1))]) == (0, 0)

    def test_shares_of_the_stages_add_up(self) -> None:
        pages = [{"detect": 40.0, "recognise": 10.0, "total": 60.0}, {"detect": 20.0, "total": 40.0}]
        shares = stage_shares(pages)
        assert shares == pytest.approx({"detect": 60, "recognise": 10, "rest": 30})


class TestPages:
    @pytest.mark.parametrize(("limit", "chosen"), [(1, [0]), (3, [0, 3, 6]), (4, [0, 2, 4, 6]), (7, list(range(7)))])
    def test_a_limit_spreads_over_the_set(self, limit: int, chosen: list[int]) -> None:
        pages = tuple(LabelledPage(Path(f"{number}.png"), None) for number in range(7))
        assert spread(Dataset("set", pages=pages), limit).pages == tuple(pages[number] for number in chosen)

    def test_a_plain_folder_has_pages_without_labels(self, tmp_path: Path) -> None:
        for name in ("b.PNG", "a.jpg", "notes.txt"):
            (tmp_path / name).touch()
        data = open_folder(tmp_path)
        assert [page.picture.name for page in data.pages] == ["a.jpg", "b.PNG"]
        assert all(page.boxes is None for page in data.pages)

    def test_a_labelled_folder_has_its_labels(self, tmp_path: Path) -> None:
        item = {"box": box(0).tolist(), "text": "total"}
        (tmp_path / "a.png").touch()
        (tmp_path / "labels.jsonl").write_text(json.dumps({"image": "a.png", "items": [item]}))
        ((label,),) = (page.boxes for page in open_folder(tmp_path).pages)
        assert label.text == "total"

    def test_the_default_pages_are_not_those_of_the_calibration(self) -> None:
        pages = {page.picture for page in default_pages().pages}
        assert pages
        calibrated_on, _ = default_pictures().halves()
        assert pages.isdisjoint(calibrated_on.pages)

    def test_a_folder_without_pages_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ComparisonError, match="holds no pages"):
            open_folder(tmp_path)
        with pytest.raises(ComparisonError, match="no folder"):
            open_folder(tmp_path / "missing")


class FakeSide:
    """A side that notes what it is asked, and finds one line as long as the picture is wide."""

    def __init__(self, name: str, log: list[tuple[str, int]], fails_at: int | None = None) -> None:
        self._name, self._log, self._fails_at = name, log, fails_at

    def read(self, picture: Path) -> Reading:
        width = np.load(picture).shape[1]
        self._log.append((self._name, width))
        if width == self._fails_at:
            raise WorkerError(f"the {self._name} worker: 'read' failed")
        return reading(1, ("x" * width, 0))


@pytest.fixture
def three_pages(tmp_path: Path) -> list[LabelledPage]:
    """Pages of 11, 12 and 13 pixels."""
    for width in (11, 12, 13):
        cv2.imwrite(str(tmp_path / f"{width}.png"), np.zeros((10, width, 3), np.uint8))
    return [LabelledPage(tmp_path / f"{width}.png", None) for width in (11, 12, 13)]


class TestReading:
    def test_both_see_the_same_pixels_in_turn_after_a_warm_up(
        self, three_pages: list[LabelledPage], tmp_path: Path
    ) -> None:
        log: list[tuple[str, int]] = []
        pairs = read_pages(FakeSide("E", log), FakeSide("R", log), three_pages, tmp_path, Progress())
        assert log[:2] == [("E", 11), ("R", 11)]  # then the sample, whose width is nobody's business
        assert log[4:] == [("E", 11), ("R", 11), ("R", 12), ("E", 12), ("E", 13), ("R", 13)]
        assert [len(pair.edge_ocr.texts[0]) for pair in pairs] == [11, 12, 13]

    def test_a_page_that_one_side_cannot_read_is_named(self, three_pages: list[LabelledPage], tmp_path: Path) -> None:
        sides = FakeSide("edge_ocr", []), FakeSide("RapidOCR", [], fails_at=12)
        with pytest.raises(ComparisonError, match=r"12\.png.*RapidOCR"):
            read_pages(*sides, three_pages, tmp_path, Progress())

    def test_a_page_that_is_no_picture_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "broken.png").write_bytes(b"no picture")
        sides = FakeSide("edge_ocr", []), FakeSide("RapidOCR", [])
        with pytest.raises(PictureError, match=r"broken\.png"):
            read_pages(*sides, [LabelledPage(tmp_path / "broken.png", None)], tmp_path, Progress())

    def test_the_first_text_is_one_that_both_find(self) -> None:
        pages = [LabelledPage(Path(f"{number}.png"), None) for number in range(3)]
        text, nothing = reading(1, ("text", 0)), reading(1)
        pairs = [PagePair(pages[0], text, nothing), PagePair(pages[1], nothing, text), PagePair(pages[2], text, text)]
        assert first_with_text(pairs) is pages[2]
        with pytest.raises(ComparisonError, match="none of the pages"):
            first_with_text(pairs[:2])


@pytest.fixture
def stub_reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A reader that the worker finds under the name `stub`; OpenCV gets its threads back afterwards."""

    class Reader:
        def __init__(self, threads: int, text: str) -> None:
            self._text = f"{text} on {threads}"

        def read(self, picture: np.ndarray) -> str:
            return f"{self._text}, {picture.shape}"

        def describe(self, result: str) -> dict[str, Any]:
            return {"texts": [result], "boxes": [box(0).tolist()], "stages": {}}

        def versions(self) -> dict[str, str]:
            return {"stub": "1.0"}

    module = ModuleType("comparison.stub")
    module.Reader = Reader  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "comparison.stub", module)
    threads = cv2.getNumThreads()
    yield
    cv2.setNumThreads(threads)


@pytest.mark.usefixtures("stub_reader")
class TestWorker:
    def test_a_side_reads_an_array_and_times_itself(self, tmp_path: Path) -> None:
        np.save(tmp_path / "page.npy", np.zeros((4, 5, 3), np.uint8))
        worker.start(reader="stub", settings={"text": "read"}, threads=1)
        answer = json.loads(json.dumps(worker.read(picture=str(tmp_path / "page.npy"))))
        assert answer["texts"] == ["read on 1, (4, 5, 3)"]
        assert 0 < answer["seconds"] < 1
        assert 0 <= answer["cpu_seconds"] < 1
        assert cv2.getNumThreads() == 1

    def test_its_memory_is_not_that_of_its_parent(self, tmp_path: Path) -> None:
        ballast = np.ones(400_000_000, np.uint8)
        with Worker("small", Path(sys.executable), Path(worker.__file__), tmp_path / "log") as small:
            assert 10_000_000 < small.call("peak_memory") < ballast.nbytes / 2

    def test_it_says_what_it_runs_on(self) -> None:
        worker.start(reader="stub", settings={"text": ""}, threads=1)
        assert worker.versions() == {
            "stub": "1.0",
            "Python": ".".join(map(str, sys.version_info[:3])),
            "numpy": np.__version__,
            "OpenCV": cv2.__version__,
        }


class TestSettings:
    def test_rapidocr_is_told_what_the_bundle_does(self) -> None:
        """By the names of RapidOCR 3.10's config.yaml; PP-OCRv6's values as published in its inference.yml."""
        settings = rapidocr_settings(Manifest.from_json(manifest_json()), load_zoo().system("ppocrv6-tiny"))
        assert settings == {
            "Global.text_score": 0.0,
            "Global.use_cls": True,
            "Det.limit_type": "max",
            "Det.limit_side_len": 960,
            "Det.mean": [0.485, 0.456, 0.406],
            "Det.std": [0.229, 0.224, 0.225],
            "Det.thresh": 0.2,
            "Det.box_thresh": 0.4,
            "Det.unclip_ratio": 1.4,
            "Det.max_candidates": 3000,
            "Det.use_dilation": False,
            "Rec.rec_img_shape": [3, 48, 320],
            "Cls.cls_thresh": 0.9,
        }

    def test_without_a_direction_classifier_rapidocr_has_none_either(self) -> None:
        manifest = manifest_json()
        del manifest["models"]["direction"]
        settings = rapidocr_settings(Manifest.from_json(manifest), load_zoo().system("ppocrv6-tiny"))
        assert settings["Global.use_cls"] is False
        assert "Cls.cls_thresh" not in settings


@pytest.fixture
def comparison() -> Comparison:
    return Comparison(
        date="2026-01-02T03:04:05+00:00",
        cpu="A CPU (avx2)",
        bundle="paper, int8, 0123456789abcdef",
        versions=({"edge-ocr": "0.1.0"}, {"rapidocr": "3.10.0"}),
        settings={"Det.thresh": 0.2},
        figures=[figures("receipts", PAIRS)],
        first_text=[(0.5, 1.0), (0.4, 2.0), (0.6, 1.8)],
        peak_memory=(200_000_000, 400_000_000),
        stages={"detect": 60.0, "rest": 40.0},
        pairs=PAIRS,
    )


class TestReport:
    def test_tables_line_up(self) -> None:
        assert table(("what", "n"), [("lines", "7"), ("x", "1234")]) == (
            "| what  |    n |\n"
            "| ----- | ---: |\n"
            "| lines |    7 |\n"
            "| x     | 1234 |"
        )  # fmt: skip

    @pytest.mark.parametrize(
        "row",
        [
            "| receipts (2) | 200.0 ms | 400.0 ms | 0.500 [0.500, 0.500] | 0.500 [0.500, 0.500] |",
            "| receipts: detection hmean  |  66.67 % |  80.00 % |",
            "| start to first text, median of 3 |   0.50 s |   1.80 s | 0.333 |",
            "| peak memory                      |   200 MB |   400 MB | 0.500 |",
            "| detect                     | 60.0 % |",
            "Det.thresh=0.2",
            "A CPU (avx2)",
            "rapidocr 3.10.0",
            "Threads of each: 1",
        ],
    )
    def test_the_document_says(self, comparison: Comparison, row: str) -> None:
        assert row in document(comparison)

    def test_without_labels_there_is_no_accuracy_table(self, comparison: Comparison) -> None:
        unlabelled = figures("photos", [replace(PAIRS[0], page=UNLABELLED)])
        assert "hmean" not in document(replace(comparison, figures=[unlabelled])).split("\n- ")[0]

    def test_the_json_lets_anybody_work_out_the_figures(self, comparison: Comparison) -> None:
        data = json.loads(json.dumps(as_json(comparison)))
        pages = data["pages"]
        ratio = sum(page["edge_ocr"]["seconds"] for page in pages) / sum(page["rapidocr"]["seconds"] for page in pages)
        assert data["figures"][0]["time"]["value"] == pytest.approx(ratio)
        assert pages[0]["edge_ocr"]["counts"] == {"found": 2, "read": 2, "labelled": 2, "detected": 2}
        assert pages[1]["rapidocr"]["texts"] == ["DATE"]
        assert pages[1]["rapidocr"]["boxes"] == [[[2.0, 0.0], [102.0, 0.0], [102.0, 20.0], [2.0, 20.0]]]


class TestCommandLine:
    def test_a_missing_folder_is_one_sentence(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
            (["--json", "no/such/folder/a.json"], "not a file in a folder that exists"),
        ],
    )
    def test_a_bad_option_is_refused_before_the_work(
        self, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 2
        assert complaint in capsys.readouterr().err

    @pytest.mark.slow  # makes RapidOCR's environment, 0.4 GB, where the cache lacks it
    def test_the_two_read_much_the_same(self, bundle_folder: Path, tmp_path: Path) -> None:
        destination = tmp_path / "comparison.json"
        arguments = ["--bundle", str(bundle_folder), "--limit", "3", "--starts", "1", "--json", str(destination)]
        assert main(arguments) == 0
        (found,) = json.loads(destination.read_text("utf-8"))["figures"]
        assert found["pages"] == 3
        assert found["same_boxes"] > 80
        assert found["same_text"] > 60
        assert min(found["lines"]) > 10
