"""Which pictures are calibrated on, and what the models see of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from converters.calibration import default_pictures, find_pictures, record_inputs
from converters.errors import ConversionError
from converters.evaluation.datasets import evaluation_datasets
from converters.progress import Progress
from edge_ocr.bundle import Bundle
from edge_ocr.ocr import OCR


def write_picture(path: Path, value: int = 255) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((40, 160, 3), value, np.uint8))
    return path


def test_a_folder_called_lines_holds_lines(tmp_path: Path) -> None:
    line = write_picture(tmp_path / "lines" / "a.png")
    page = write_picture(tmp_path / "deeper" / "b.JPG")
    (tmp_path / "notes.txt").write_text("no picture")
    found = find_pictures(tmp_path, Progress())
    assert (found.pages, found.lines) == ((page,), (line,))


def test_the_digest_follows_the_contents_not_the_names(tmp_path: Path) -> None:
    write_picture(tmp_path / "one" / "a.png")
    write_picture(tmp_path / "two" / "b.png")
    write_picture(tmp_path / "three" / "b.png", value=0)
    one, two, three = (find_pictures(tmp_path / name, Progress()).digest for name in ("one", "two", "three"))
    assert one == two != three


def test_an_empty_or_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="holds no pictures"):
        find_pictures(tmp_path, Progress())
    with pytest.raises(ConversionError, match="there is no folder"):
        find_pictures(tmp_path / "missing", Progress())


def test_the_same_picture_again_and_again_is_refused(tmp_path: Path) -> None:
    for name in ("a.png", "lines/b.png", "c/d.png"):
        write_picture(tmp_path / name)
    with pytest.raises(ConversionError, match=r"the 3 pictures in .* are all the same; give different ones"):
        find_pictures(tmp_path, Progress())


def test_another_seed_draws_other_pictures() -> None:
    pictures = default_pictures()
    few = type(pictures)((), pictures.lines[:4])

    def seen(seed: int) -> list[bytes]:
        inputs = record_inputs(Bundle.open(), few, {"recognizer": 2}, Progress(), seed=seed)
        return [tensor.tobytes() for tensor in inputs["recognizer"]]

    assert seen(0) == seen(0)
    assert len({tuple(seen(seed)) for seed in range(4)}) > 1


def test_no_evaluation_picture_is_calibrated_on() -> None:
    used = default_pictures()
    evaluated = [item.picture for data in evaluation_datasets() for item in (*data.lines, *data.pages)]
    assert len(evaluated) >= 600
    assert {path.read_bytes() for path in (*used.pages, *used.lines)}.isdisjoint(
        path.read_bytes() for path in evaluated
    )


def test_recorded_inputs_are_what_the_networks_were_given() -> None:
    pictures = default_pictures()
    bundle = Bundle.open()
    few = type(pictures)(pictures.pages[:2], pictures.lines[:3])
    inputs = record_inputs(bundle, few, {"detector": 2, "direction": 2, "recognizer": 5}, Progress())
    assert [len(inputs[kind]) for kind in ("detector", "direction", "recognizer")] == [2, 2, 5]
    for tensor in inputs["detector"]:
        assert tensor.dtype == bundle.manifest.models.detector.input.dtype
        assert tensor.shape[1] % 32 == tensor.shape[2] % 32 == 0
    assert {tensor.shape for tensor in inputs["direction"]} == {(1, 48, 192, 3)}
    assert all(tensor.shape[1] == 48 and tensor.shape[2] % 8 == 0 for tensor in inputs["recognizer"])


def test_pictures_that_are_none_are_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = default_pictures().pages[0]
    (tmp_path / "good.jpg").write_bytes(page.read_bytes())
    (tmp_path / "broken.jpg").write_bytes(page.read_bytes()[:2000])
    assert [path.name for path in find_pictures(tmp_path, Progress()).pages] == ["good.jpg"]
    assert "broken.jpg" in capsys.readouterr().err
    (tmp_path / "good.jpg").write_bytes(b"no picture either")
    with pytest.raises(ConversionError, match="none of the 2"):
        find_pictures(tmp_path, Progress())


def test_pictures_without_text_are_refused(tmp_path: Path) -> None:
    write_picture(tmp_path / "white.png")
    assert not OCR().read(tmp_path / "white.png").lines
    with pytest.raises(ConversionError, match="gave the recognizer anything"):
        record_inputs(Bundle.open(), find_pictures(tmp_path, Progress()), {"detector": 1, "recognizer": 3}, Progress())
