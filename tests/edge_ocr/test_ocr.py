"""The whole way, with real models, against RapidOCR and against the same steps written plainly.

`golden/rapidocr.json` holds what RapidOCR reads with the original models on two drawn pictures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from difflib import SequenceMatcher
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_ocr import OCR, Bundle, EngineError, PictureError, geometry
from edge_ocr.manifest import InputSpec, OutputSpec
from edge_ocr.threads import MOST_THREADS
from tests.edge_ocr.test_detector import overlap, reference_quads

GOLDEN = Path(__file__).parent / "golden"
EXPECTED: dict[str, list[dict[str, Any]]] = json.loads((GOLDEN / "rapidocr.json").read_text("utf-8"))["pictures"]


@pytest.fixture(scope="module")
def bundle(bundle_folder: Path) -> Bundle:
    return Bundle.open(bundle_folder)


@pytest.fixture(scope="module")
def ocr(bundle: Bundle) -> OCR:
    return OCR(bundle)


@pytest.fixture(scope="module")
def letter() -> np.ndarray:
    return cv2.imread(str(GOLDEN / "letter.png"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_reads_what_rapidocr_reads_where_it_reads_it(ocr: OCR, name: str) -> None:
    page = ocr.read(GOLDEN / name)
    assert page.text.casefold().splitlines() == [line["text"].casefold() for line in EXPECTED[name]]  # a w may be a W
    for line, expected in zip(page.lines, EXPECTED[name], strict=True):
        box = np.array(expected["box"], np.float32)
        assert overlap(line.box, box) > 0.8
        assert np.abs(line.box - box).max() < 4  # corner by corner: the order of the corners is the same
        assert line.score > 0.8


def test_a_page_describes_itself(ocr: OCR, letter: np.ndarray) -> None:
    page = ocr.read(letter)
    assert (page.width, page.height) == (720, 480)
    assert page.text.casefold().splitlines() == [line["text"].casefold() for line in EXPECTED["letter.png"]]
    stages = dict(page.timings)
    assert set(stages) == {"decode", "detect", "crop", "direction", "recognise", "total"}
    assert 0 < sum(stages.values()) - stages["total"] <= stages["total"]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [("Rhine", 40, 144), ("Valley", 153, 262), ("Railway", 271, 409), ("+49", 182, 218), ("www.example.org", 358, 524)],
)
def test_words_stand_where_they_were_drawn(ocr: OCR, letter: np.ndarray, text: str, start: int, end: int) -> None:
    """The extents are those that Pillow measured when it drew the picture."""
    words = [word for line in ocr.read(letter).lines for word in line.words]
    (box,) = [word.box for word in words if word.text.casefold() == text.casefold()]
    height = float(box[:, 1].max() - box[:, 1].min())
    assert box[:, 0].min() == pytest.approx(start, abs=height / 4)
    assert box[:, 0].max() == pytest.approx(end, abs=height / 4)


def test_words_make_up_their_line(ocr: OCR, letter: np.ndarray) -> None:
    for line in ocr.read(letter).lines:
        assert [word.text for word in line.words] == line.text.split()
        for word in line.words:
            assert cv2.pointPolygonTest(line.box, [float(c) for c in word.box.mean(axis=0)], False) > 0


def common_part(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Length that two extents have in common, as a share of what both cover."""
    return max(0.0, min(first[1], second[1]) - max(first[0], second[0])) / (
        max(first[1], second[1]) - min(first[0], second[0])
    )


def test_characters_stand_where_they_were_drawn(ocr: OCR) -> None:
    """Latin of many widths and Chinese, against the advance widths that Pillow drew them with."""
    drawn = json.loads((GOLDEN / "characters.json").read_text("utf-8"))["lines"]
    shares, offsets = [], []
    for line, truth in zip(ocr.read(GOLDEN / "characters.png").lines, drawn, strict=True):
        expected = [
            (start, end) for text, (start, end) in zip(truth["text"], truth["extents"], strict=True) if text != " "
        ]
        found = [(float(one.box[0, 0]), float(one.box[1, 0])) for word in line.words for one in word.characters]
        assert "".join(one.text for word in line.words for one in word.characters) == truth["text"].replace(" ", "")
        height = float(line.box[3, 1] - line.box[0, 1])
        shares += [common_part(one, other) for one, other in zip(found, expected, strict=True)]
        offsets += [abs(sum(one) - sum(other)) / 2 / height for one, other in zip(found, expected, strict=True)]
    assert np.mean(shares) > 0.7
    assert np.mean(offsets) < 0.08 and max(offsets) < 0.3


def test_characters_make_up_their_word(ocr: OCR, letter: np.ndarray) -> None:
    for word in (word for line in ocr.read(letter).lines for word in line.words):
        assert "".join(one.text for one in word.characters) == word.text
        assert word.score == pytest.approx(np.mean([one.score for one in word.characters]))
        assert (word.characters[0].box[[0, 3]] == word.box[[0, 3]]).all()
        assert (word.characters[-1].box[[1, 2]] == word.box[[1, 2]]).all()


def test_a_roll_of_pages_reads_like_the_pages(ocr: OCR, letter: np.ndarray) -> None:
    """Six pages above each other, 2,880 pixels high: shrunk whole, their letters would be 5 pixels high."""
    page, roll = ocr.read(letter), ocr.read(np.concatenate([letter] * 6))
    expected = [line.text for line in page.lines] * 6
    assert SequenceMatcher(None, [line.text for line in roll.lines], expected).ratio() > 0.9
    for line, other in zip(roll.lines[-2:], page.lines[-2:], strict=True):
        assert np.abs(line.box - other.box - [0, 5 * letter.shape[0]]).max() < 6


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_page_reads_the_same(ocr: OCR, letter: np.ndarray, quarters: int) -> None:
    page = ocr.read(np.ascontiguousarray(np.rot90(letter, quarters)))
    # a clock time is nearly as high as wide, so that a quarter turn leaves it lying
    read, expected = (
        "\n".join(text for text in texts if len(text) > 5)
        for texts in (page.text.splitlines(), [line["text"] for line in EXPECTED["letter.png"]])
    )
    # a quantised model may take a letter for its capital, or miss a narrow space
    assert SequenceMatcher(None, read, expected).ratio() > 0.97
    # the box starts where the line starts, wherever that is on the page
    start = page.lines[0].box[0] / [page.width, page.height]
    assert (start > 0.5).tolist() == {1: [False, True], 2: [True, True], 3: [True, False]}[quarters]


def test_without_the_direction_classifier_a_page_on_its_head_is_lost(bundle: Bundle, letter: np.ndarray) -> None:
    upside_down = np.ascontiguousarray(letter[::-1, ::-1])
    assert "Rhine Valley Railway" not in OCR(bundle, direction=False).read(upside_down).text
    assert OCR(bundle, direction=False).read(letter).text == OCR(bundle).read(letter).text


def test_as_many_threads_as_cores_that_may_be_used(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("edge_ocr.ocr.Detector", lambda *_: None)
    monkeypatch.setattr("edge_ocr.engines.litert.LiteRT.load", lambda *_, threads=1, **__: asked.append(threads))
    monkeypatch.setattr("edge_ocr.ocr.DirectionClassifier", lambda *_: None)
    monkeypatch.setattr("edge_ocr.ocr.Recognizer", lambda *_: None)
    for cores, expected in ((1, 1), (64, MOST_THREADS)):
        monkeypatch.setattr("edge_ocr.threads.usable_cores", lambda cores=cores: cores)
        asked.clear()
        OCR(bundle)
        assert asked == [expected, 1, *[1] * expected]  # detector, direction classifier, recognizers


def test_threads_change_the_time_only(bundle: Bundle, ocr: OCR, letter: np.ndarray) -> None:
    one, three = ocr.read(letter), OCR(bundle, threads=3).read(letter)
    assert three.text == one.text
    assert all(np.allclose(a.box, b.box, atol=0.5) for a, b in zip(one.lines, three.lines, strict=True))


def test_two_can_run_side_by_side(bundle: Bundle, letter: np.ndarray) -> None:
    from concurrent.futures import ThreadPoolExecutor

    readers = [OCR(bundle), OCR(bundle)]
    with ThreadPoolExecutor(2) as threads:
        texts = list(threads.map(lambda reader: reader.read(letter).text, readers))
    assert texts[0] == texts[1] != ""


def test_lines_below_the_least_score_are_left_out(bundle: Bundle, letter: np.ndarray) -> None:
    every = OCR(bundle, min_score=0).read(letter).lines
    scores = sorted(line.score for line in every)
    kept = OCR(bundle, min_score=scores[len(scores) // 2]).read(letter).lines
    assert [line.text for line in kept] == [line.text for line in every if line.score >= scores[len(scores) // 2]]
    assert 0 < len(kept) < len(every)


def test_a_smaller_detector_side_loses_the_small_print(bundle: Bundle, letter: np.ndarray) -> None:
    assert len(OCR(bundle, det_side=96).read(letter).lines) < len(EXPECTED["letter.png"])


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 2000, 3), (2000, 2, 3), (16, 20_000, 3), (64, 64, 3)])
def test_pictures_without_text_of_any_shape_are_empty_pages(ocr: OCR, shape: tuple[int, int, int]) -> None:
    page = ocr.read(np.full(shape, 128, np.uint8))
    assert (page.height, page.width, page.lines, page.text) == (shape[0], shape[1], (), "")


def test_noise_is_survived(ocr: OCR) -> None:
    for seed in range(3):
        ocr.read(np.random.default_rng(seed).integers(0, 255, (200, 333, 3), np.uint8))


@pytest.mark.parametrize("option", [{"threads": 0}, {"min_score": 1.5}, {"det_side": 8}])
def test_options_out_of_range_are_refused(bundle: Bundle, option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(option.values())))):
        OCR(bundle, **option)


def test_an_unknown_engine_is_refused(bundle: Bundle) -> None:
    with pytest.raises(EngineError, match="nonesuch"):
        OCR(bundle, engine="nonesuch")


def test_what_is_no_picture_is_refused(ocr: OCR) -> None:
    with pytest.raises(PictureError):
        ocr.read(b"not a picture")


def test_nothing_is_written_to_standard_error(bundle_folder: Path) -> None:
    script = "import sys; from edge_ocr import OCR; print(OCR(sys.argv[1]).read(sys.argv[2]).text)"
    command = [sys.executable, "-c", script, str(bundle_folder), str(GOLDEN / "sign.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert "CAUTION WET FLOOR" in done.stdout
    assert done.stderr == ""


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    script = "import sys, edge_ocr; print({'numpy', 'cv2', 'PIL', 'ai_edge_litert'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


class PlainInterpreter:
    """A model of the bundle, run by the interpreter with nothing of ours in between."""

    def __init__(self, bundle: Bundle, kind: str) -> None:
        module = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
        self._interpreter = module.Interpreter(model_content=bundle.model_bytes(kind))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        (source,), (sink,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._interpreter.resize_tensor_input(source["index"], values.shape)
        self._interpreter.allocate_tensors()
        if source["dtype"] != np.float32:
            scale, zero_point = source["quantization"]
            values = np.clip(np.round(values / np.float32(scale) + zero_point), -128, 127)
        self._interpreter.set_tensor(source["index"], values.astype(source["dtype"]))
        self._interpreter.invoke()
        output = self._interpreter.get_tensor(sink["index"]).astype(np.float32)
        scale, zero_point = sink["quantization"]
        return output if sink["dtype"] == np.float32 else (output - zero_point) * np.float32(scale)


def plain_map(output: np.ndarray, spec: OutputSpec) -> np.ndarray:
    """The map of probabilities in a detector's (1, H, W, block * block) output, its border included."""
    values = 1 / (1 + np.exp(-output)) if spec.meaning == "text-logits" else output
    _, height, width, _ = output.shape
    whole = np.empty((spec.block * height, spec.block * width), np.float32)
    for row in range(spec.block):
        for column in range(spec.block):
            whole[row :: spec.block, column :: spec.block] = values[0, :, :, spec.block * row + column]
    return whole


def plainly_normalised(picture: np.ndarray, spec: InputSpec[Any]) -> np.ndarray:
    """In float32 throughout: a quantised model can turn a difference in the last bit into another letter."""
    scale, mean, std = (np.array(values, np.float32) for values in (spec.scale, spec.mean, spec.std))
    return (picture.astype(np.float32) * scale - mean) / std


def pages_of(shared_data: Path, count: int) -> list[np.ndarray]:
    """The first few pages of each set."""
    folders = [shared_data / "pages" / name / "images" for name in ("mtwi", "icdar2015", "funsd")]
    return [cv2.imread(str(path)) for folder in folders for path in sorted(folder.iterdir())[:count]]


def test_detection_on_real_pages_equals_the_plain_steps(ocr: OCR, bundle: Bundle, shared_data: Path) -> None:
    spec = bundle.manifest.models.detector
    network = PlainInterpreter(bundle, "detector")
    for picture in pages_of(shared_data, 2):
        height, width = picture.shape[:2]
        scale = min(1, 960 / max(height, width))
        size = [max(32, round(side * scale / 32) * 32) for side in (width, height)]
        values = plainly_normalised(cv2.resize(picture, size), spec.input)
        probability = plain_map(network(values[None]), bundle.manifest.models.detector.output)
        border = (probability.shape[0] - size[1]) // 2
        probability = np.ascontiguousarray(probability[border : border + size[1], border : border + size[0]])
        expected = [
            quad * np.array([width / size[0], height / size[1]], np.float32)
            for quad in reference_quads(probability, spec.postprocess)
        ]
        quads = ocr.detector.detect(picture)
        assert abs(len(quads) - len(expected)) <= 1
        found = [max((overlap(quad, other) for other in quads), default=0) > 0.95 for quad in expected]
        assert sum(found) >= len(found) - 1  # one may fall to the other side of a threshold


def test_recognition_of_real_lines_equals_the_plain_steps(ocr: OCR, bundle: Bundle, shared_data: Path) -> None:
    network = PlainInterpreter(bundle, "recognizer")
    characters = ["", *bundle.charset, " "]
    for picture in pages_of(shared_data, 1):
        quads = [geometry.along_text(quad) for quad in ocr.detector.detect(picture)][:20]
        sizes = [ocr.recognizer.line_size(*geometry.side_lengths(quad)) for quad in quads]
        crops = [geometry.crop(picture, quad, *size) for quad, size in zip(quads, sizes, strict=True)]
        for crop in crops:
            padded = np.zeros((1, 48, max(128, -(-crop.shape[1] // 8) * 8), 3), np.float32)
            padded[0, :, : crop.shape[1]] = plainly_normalised(crop, bundle.manifest.models.recognizer.input)
            logits = network(padded).reshape(-1, len(characters)).astype(np.float64)
            probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            runs = [list(run) for _, run in groupby(enumerate(probabilities.argmax(axis=1)), key=lambda item: item[1])]
            kept = [run[0] for run in runs if run[0][1] != 0]
            text = "".join(characters[index] for _, index in kept)
            score = np.mean([probabilities[frame, index] for frame, index in kept]) if kept else 0

            reading = ocr.recognizer.read(crop)
            assert reading.text == text
            assert reading.score == pytest.approx(score, abs=2e-3)
