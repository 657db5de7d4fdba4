"""The whole road through the command line, on the real models: fetch, rewrite, quantise, verify, write."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converters.calibration import DEFAULT_PICTURES
from converters.cli import main
from converters.evaluation.datasets import evaluation_datasets
from converters.quantization.recipes import load_recipe
from edge_ocr import OCR
from edge_ocr.bundle import Bundle
from edge_ocr.doctor import SAMPLE
from edge_ocr.models import DEFAULT_BUNDLE
from edge_ocr.pictures import load_picture
from tests.converters.conftest import SYSTEM

pytestmark = pytest.mark.conversion


@pytest.fixture(scope="module", autouse=True)
def small_evaluation_set() -> Iterator[None]:
    """A part of the evaluation set decides here, as all of it takes a minute to read."""
    datasets = [replace(data, lines=data.lines[::4], pages=data.pages[::8]) for data in evaluation_datasets()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("converters.commands.convert.evaluation_datasets", lambda: datasets)
        yield


@pytest.fixture(scope="module")
def converted(reference: Bundle, few_pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle made from scratch with the default recipe, few pictures and a wide budget."""
    folder = tmp_path_factory.mktemp("out") / SYSTEM
    arguments = ["convert", SYSTEM, "--calibration", str(few_pictures), "--max-drop", "20", "-o", str(folder)]
    assert main(arguments) == 0
    return folder


def test_the_bundle_is_whole_and_describes_itself(converted: Path) -> None:
    manifest = Bundle.open(converted).manifest
    assert manifest.precision == "int8"
    assert manifest.provenance["recipe"] == "int8"
    assert manifest.provenance["calibration"]["lines"] == 15
    assert {entry["name"] for entry in manifest.provenance["sources"]} >= {"ppocrv6-tiny-det.onnx"}
    assert "CONV_2D" in manifest.models.detector.operators
    verification = json.loads((converted / "verification.json").read_text())
    assert verification["digest"] == manifest.digest
    assert verification["total_bytes"] == sum(spec.bytes for spec in manifest.files().values()) < 2_300_000
    assert {path.name for path in converted.iterdir()} == {
        "manifest.json", "detector.tflite", "direction.tflite", "recognizer.tflite", "charset.txt",
        "verification.json", "recipe.json", "REPORT.md", "LICENSE", "NOTICE",
    }  # fmt: skip


def test_the_bundle_reads_like_the_original(converted: Path, reference: Bundle) -> None:
    page = load_picture(sorted((DEFAULT_PICTURES / "pages").glob("*.*g"))[1])
    ours, original = OCR(converted, min_score=0).read(page), OCR(reference, min_score=0).read(page)
    assert len(original.lines) > 3
    same = sum(any(line.text == other.text for other in ours.lines) for line in original.lines)
    assert same / len(original.lines) > 0.8


def test_float_models_equal_the_original(reference: Bundle, tmp_path: Path) -> None:
    """Float TFLite against onnxruntime: the same text and, to a pixel, the same boxes, at several sizes."""
    folder = tmp_path / "float"
    assert main(["convert", SYSTEM, "--precision", "float", "-o", str(folder), "--max-drop", "0.2"]) == 0
    assert Bundle.open(folder).manifest.provenance["calibration"] is None
    for side in (320, 640, 960):
        ours = OCR(folder, min_score=0, det_side=side)
        original = OCR(reference, min_score=0, det_side=side)
        for picture in sorted((DEFAULT_PICTURES / "pages").glob("*.*g"))[:3]:
            mine, theirs = ours.read(picture), original.read(picture)
            assert [line.text for line in mine.lines] == [line.text for line in theirs.lines]
            for line, other in zip(mine.lines, theirs.lines, strict=True):
                np.testing.assert_allclose(line.box, other.box, atol=1.5)


def test_a_bundle_that_loses_too_much_is_refused_and_the_old_one_stays(
    reference: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = load_recipe("int8").to_json()
    # The stock way: ranges from one picture, nothing float. It costs the recognizer many points.
    careless = {
        "ranges": "extremes",
        "samples": 1,
        "median_of": 1,
        "equalisation": 0,
        "float_share": 0,
        "rounding": "nearest",
    }
    recipe["models"]["recognizer"] |= careless
    recipe["models"]["detector"] = recipe["models"]["direction"] = {"mode": "float"}
    (tmp_path / "careless.json").write_text(json.dumps(recipe))
    kept = tmp_path / "bundle"
    shutil.copytree(DEFAULT_BUNDLE, kept)
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    assert main(["convert", SYSTEM, "--precision", str(tmp_path / "careless.json"), "-o", str(kept)]) == 1
    refusal, advice = capsys.readouterr().err.splitlines()[-2:]
    assert refusal.startswith("refused: int8: ") and refusal.endswith("more than --max-drop 1.5")
    assert advice.startswith("nothing was written to ")
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before


def test_nothing_is_calibrated_on_a_picture_of_the_evaluation_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, page in enumerate(evaluation_datasets()[1].pages[:2]):
        (tmp_path / f"{number}.jpg").symlink_to(page.picture)
    assert main(["convert", SYSTEM, "--calibration", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "is in two data sets" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["convert", "ppocrv6-tinny", "-o", "x"], "ppocrv6-tiny"),
        (["convert", SYSTEM, "-o", "x", "--precision", "int9"], "int8-weights"),
        (["convert", SYSTEM, "-o", "x", "--calibration", "nowhere"], "nowhere"),
        (["convert", SYSTEM, "-o", __file__], "is not a bundle"),
        (["verify", "nowhere"], "nowhere"),
        (["verify", str(DEFAULT_BUNDLE), "nowhere"], "there is no folder or label file nowhere"),
        (["verify", str(DEFAULT_BUNDLE), str(SAMPLE)], "is a picture; name a folder of pictures"),
    ],
)
def test_wrong_arguments_end_in_one_sentence(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert complaint in captured.err
    assert "Traceback" not in captured.err
