"""Data sets as people lay them out, whole, and with one thing wrong."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converters.errors import ConversionError
from converters.evaluation.datasets import Dataset, find_dataset

SQUARE = [[1, 2], [30, 2], [30, 20], [1, 20]]


def lay_out(folder: Path, labels: str, text: str | bytes, *pictures: str) -> Path:
    """A folder with a label file and pictures; gives the label file."""
    for name in pictures:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), np.zeros((8, 8, 3), np.uint8))
    path = folder / labels
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def boxes_of(data: Dataset) -> list[tuple[list[list[float]], str, bool]]:
    return [(item.box.tolist(), item.text, item.ignore) for page in data.pages for item in page.boxes or ()]


def jsonl(*rows: object) -> str:
    return "\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)


def test_our_own_layout(tmp_path: Path) -> None:
    text = jsonl(
        {"image": "0.png", "text": "\u3000a\u2028b"}, "", {"image": "1.png", "items": [{"box": SQUARE, "text": "x"}]}
    )
    lay_out(tmp_path, "labels.jsonl", text, "0.png", "1.png")
    data = find_dataset(tmp_path)
    assert [line.text for line in data.lines] == ["\u3000a\u2028b"]
    assert boxes_of(data) == [(SQUARE, "x", False)]
    assert data.name == "/".join(tmp_path.parts[-2:])


def test_paddleocr_pages_are_named_from_the_folder_above(tmp_path: Path) -> None:
    items = [
        {"transcription": "出口, Exit", "points": SQUARE, "difficult": False},
        {"transcription": "###", "points": SQUARE},
        {"transcription": "*", "points": SQUARE},
    ]
    lay_out(tmp_path / "photos", "Label.txt", f"photos/a b.jpg\t{json.dumps(items)}\r\n", "a b.jpg")
    data = find_dataset(tmp_path / "photos")
    assert [page.picture for page in data.pages] == [tmp_path / "photos" / "a b.jpg"]
    assert [(text, ignore) for _, text, ignore in boxes_of(data)] == [
        ("出口, Exit", False), ("###", True), ("*", True),
    ]  # fmt: skip


def test_a_polygon_becomes_the_smallest_rectangle_around_it(tmp_path: Path) -> None:
    hexagon = [[0, 10], [10, 0], [90, 0], [100, 10], [90, 20], [10, 20]]
    items = [{"transcription": "x", "points": hexagon}]
    lay_out(tmp_path, "Label.txt", f"a.png\t{json.dumps(items)}", "a.png")
    ((box, _, _),) = boxes_of(find_dataset(tmp_path))
    assert np.allclose(box, [[0, 0], [100, 0], [100, 20], [0, 20]], atol=1e-3)


@pytest.mark.parametrize("name", ["rec_gt.txt", "rec_gt_test.txt", "train_list.txt"])
def test_paddleocr_lines(tmp_path: Path, name: str) -> None:
    file = lay_out(tmp_path, name, "crop/1.png\t[2020]\ta tab\ncrop/2.png\t出口\n", "crop/1.png", "crop/2.png")
    assert [line.text for line in find_dataset(file).lines] == ["[2020]\ta tab", "出口"]


def test_any_name_will_do_for_paddleocr_pages_that_are_named(tmp_path: Path) -> None:
    items = json.dumps([{"transcription": "x", "points": SQUARE}])
    file = lay_out(tmp_path, "test_icdar2015_label.txt", f"a.png\t{items}", "a.png")
    assert len(find_dataset(file).pages) == 1


@pytest.mark.parametrize("pictures", ["labels", "images"])
def test_icdar_pages_beside_their_pictures_or_in_a_sibling_folder(tmp_path: Path, pictures: str) -> None:
    rows = "\ufeff1,2,30,2,30,20,1,20,Hello, world\r\n1,2,30,2,30,20,1,20,###\r\n"
    lay_out(tmp_path, "labels/gt_img_1.txt", rows, f"{pictures}/img_1.jpg")
    lay_out(tmp_path, "labels/gt_img_2.txt", "", f"{pictures}/img_2.PNG")
    data = find_dataset(tmp_path / "labels")
    assert [page.picture.name for page in data.pages] == ["img_1.jpg", "img_2.PNG"]
    assert boxes_of(data) == [(SQUARE, "Hello, world", False), (SQUARE, "###", True)]


def test_icdar_words(tmp_path: Path) -> None:
    rows = '\ufeffword_1.png, "Tiredness"\r\nword_2.png, "\\"a\\", b"\r\n'
    lay_out(tmp_path, "gt.txt", rows, "word_1.png", "word_2.png")
    assert [line.text for line in find_dataset(tmp_path).lines] == ["Tiredness", '"a", b']


ROW = "a.png\t"
WRONG = [
    ("labels.jsonl", "{", r"line 1: not JSON"),
    ("labels.jsonl", "[" * 100_000, r"line 1: not JSON"),
    ("labels.jsonl", '\n{"image": "a.png"}', r"line 2: neither a line nor a page"),
    ("labels.jsonl", "[]", r"line 1: neither"),
    ("labels.jsonl", '{"image": 1, "text": "x"}', r"1 is no text"),
    ("labels.jsonl", jsonl({"image": "a.png", "items": [{"box": [[0, 0]], "text": "x"}]}), "at least 4 points"),
    ("labels.jsonl", '{"image": "a.png", "items": [{"box": [[0,0],[1,0],[1,1],[0,NaN]], "text": ""}]}', "finite"),
    ("labels.jsonl", '{"image": "a.png", "items": [{"box": [[0,0],[1,0],[1,1],[0,1e300]], "text": ""}]}', "finite"),
    ("labels.jsonl", jsonl({"image": "b.png", "text": ""}), r"1 of its 1 pictures are missing.*b\.png \(line 1\)"),
    ("labels.jsonl", jsonl(*[{"image": "a.png", "text": ""}] * 2), r"line 2: a\.png is labelled already in line 1"),
    ("labels.jsonl", "\n \n", "labels no picture"),
    ("labels.jsonl", b"\xff\xfe{\0", "not UTF-8"),
    ("Label.txt", "a.png []", r"line 1: no tab"),
    ("Label.txt", ROW + "[{", r"line 1: not JSON"),
    ("Label.txt", ROW + "3", r"not a list of boxes"),
    ("Label.txt", ROW + '[{"points": []}]', r"not a list of boxes.*transcription"),
    ("Label.txt", ROW + '[{"transcription": null, "points": []}]', r"None is no text"),
    ("rec_gt.txt", "a.png\tx\na.png", r"line 2: no tab"),
    (
        "rec_gt.txt",
        "a.png\tx\nsub/b.png\ty\nc.png\tz",
        r"2 of its 3.*first is sub/b\.png \(line 2\); looked in .* and ",
    ),
    ("gt.txt", 'a.png "x"', r"line 1: not a picture, a comma"),
    ("gt_a.txt", "1,2,3,4,Exit", r"gt_a\.txt, line 1: not x1,y1"),
    ("gt_a.txt", "1,2,3,4,5,6,7,eight,Exit", r"line 1: its points are not numbers"),
    (
        "gt_b.txt",
        "1,2,3,4,5,6,7,8,Exit",
        r"pictures of 1 of its 1 label files are missing, the first is b of gt_b\.txt",
    ),
]


@pytest.mark.parametrize(("name", "text", "complaint"), WRONG)
def test_what_is_wrong_is_named_with_its_file_and_line(
    tmp_path: Path, name: str, text: str | bytes, complaint: str
) -> None:
    lay_out(tmp_path / "set", name, text, "a.png")
    with pytest.raises(ConversionError, match=complaint) as caught:
        find_dataset(tmp_path / "set")
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "set") in str(caught.value)


def test_two_pictures_for_one_label_file_are_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, "labels/gt_img_1.txt", "", "test/img_1.jpg", "train/img_1.jpg")
    with pytest.raises(ConversionError, match=r"test/img_1\.jpg and .*train/img_1\.jpg both fit"):
        find_dataset(tmp_path / "labels")


def test_two_layouts_in_one_folder_are_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, "Label.txt", "a.png\t[]", "a.png")
    file = lay_out(tmp_path, "rec_gt.txt", "a.png\tx")
    with pytest.raises(ConversionError, match=r"2 layouts; name the file to be read: .*Label\.txt or .*rec_gt\.txt"):
        find_dataset(tmp_path)
    assert len(find_dataset(file).lines) == 1


def test_what_has_no_known_layout_is_told_which_are(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"no labels; .*Label\.txt.*rec_gt\.txt"):
        find_dataset(tmp_path)
    notes = lay_out(tmp_path, "notes.txt", "nothing here")
    with pytest.raises(ConversionError, match=r"notes\.txt is no label file of a known layout; known are"):
        find_dataset(notes)
    with pytest.raises(ConversionError, match="there is no folder or label file"):
        find_dataset(tmp_path / "missing")


@pytest.mark.parametrize("name", ["labels.jsonl", "Label.txt", "rec_gt.txt", "gt.txt", "gt_a.txt"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(max_size=80) | st.text('a.png\t[]{}",:1\n', max_size=80).map(str.encode))
def test_no_content_brings_more_than_one_sentence(tmp_path: Path, name: str, text: bytes) -> None:
    file = lay_out(tmp_path, name, text, "a.png")
    try:
        data = find_dataset(file)
    except ConversionError as error:
        assert "\n" not in str(error)
    else:
        assert data.lines or data.pages
