"""The formats: what readers of each of them get from two known pages."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from edge_ocr.errors import EdgeOCRError
from edge_ocr.output import FORMATS, NamedPage, render
from edge_ocr.output.annotated import annotate, save_annotated
from edge_ocr.output.numbering import number_quads
from edge_ocr.page import Character, Page, Quad, TextLine, Word
from tests.conftest import skip


def quad(left: float, top: float, right: float, bottom: float) -> Quad:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


TOTAL = TextLine(
    'Total <5 & "six"',
    0.98765,
    quad(10.4, 20.6, 189.2, 39.9),
    (Word("Total", 0.99, quad(10.4, 20.6, 60, 39.9)), Word('<5 & "six"', 0.5, quad(70, 20.6, 189.2, 39.9))),
)
CHINESE = TextLine("中文", 0.9, quad(-3, 50, 60, 120), (Word("中", 0.9, quad(-3, 50, 30, 120)),))
RECEIPT = Page(200, 100, (TOTAL, CHINESE), {"detect": 12.34567, "total": 20.0})
BLANK = Page(30, 40, (), {"total": 1.0})
PAGES = [NamedPage('my "receipt"\t1.png', RECEIPT), NamedPage("blank.png", BLANK)]


def rendered(name: str, pages: list[NamedPage] = PAGES) -> str:
    return "".join(render(name, pages))


def test_text() -> None:
    assert rendered("text") == 'Total <5 & "six"\n中文\n\f'
    assert rendered("text", [NamedPage("blank.png", BLANK)]) == ""


def test_json_follows_its_schema() -> None:
    document = json.loads(rendered("json"))
    assert list(document) == ["schema", "pages"] and document["schema"] == 1
    receipt, blank = document["pages"]
    assert list(receipt) == ["file", "width", "height", "lines", "timings_ms"]
    assert (receipt["file"], receipt["width"], receipt["height"]) == ('my "receipt"\t1.png', 200, 100)
    assert receipt["timings_ms"] == {"detect": 12.346, "total": 20.0}
    line = receipt["lines"][0]
    assert list(line) == ["text", "score", "box", "words"]
    assert (line["text"], line["score"]) == ('Total <5 & "six"', 0.9877)
    assert line["box"] == [[10.4, 20.6], [189.2, 20.6], [189.2, 39.9], [10.4, 39.9]]
    assert [word["text"] for word in line["words"]] == ["Total", '<5 & "six"']
    assert list(line["words"][0]) == ["text", "score", "box"]
    assert blank["lines"] == []
    assert "中文" in rendered("json")


def test_json_of_no_page() -> None:
    assert json.loads(rendered("json", [])) == {"schema": 1, "pages": []}


def test_jsonl_is_one_page_a_row() -> None:
    rows = rendered("jsonl").splitlines()
    assert [json.loads(row) for row in rows] == json.loads(rendered("json"))["pages"]


def test_tsv_reads_like_that_of_tesseract() -> None:
    rows = list(csv.DictReader(io.StringIO(rendered("tsv")), delimiter="\t", quoting=csv.QUOTE_NONE))
    tesseract = "level page_num block_num par_num line_num word_num left top width height conf text"
    assert list(rows[0]) == [*tesseract.split(), "file", "page"]
    assert [row["level"] for row in rows] == ["1", "4", "5", "5", "4", "5", "1"]
    assert [row["text"] for row in rows if float(row["conf"]) >= 0] == ["Total", '<5 & "six"', "中"]
    first = rows[2]
    assert [first[key] for key in ("left", "top", "width", "height", "conf")] == [
        "10",
        "20",
        "50",
        "20",
        "99.00",
    ]
    clipped = rows[5]
    assert [clipped[key] for key in ("left", "top", "width", "height")] == ["0", "50", "30", "50"]
    assert {row["file"] for row in rows} == {'my "receipt" 1.png', "blank.png"}
    assert rows[-1]["page_num"] == "2" and rows[-1]["width"] == "30"


def test_hocr_is_xml_with_places() -> None:
    root = ElementTree.fromstring(rendered("hocr").encode())
    xhtml = "{http://www.w3.org/1999/xhtml}"

    def of_class(name: str) -> list[ElementTree.Element]:
        return [element for element in root.iter() if element.get("class") == name]

    pages, lines, words = of_class("ocr_page"), of_class("ocr_line"), of_class("ocrx_word")
    assert root.tag == f"{xhtml}html"
    assert pages[0].get("title") == 'image "my \\"receipt\\" 1.png"; bbox 0 0 200 100; ppageno 0'
    assert [line.get("title") for line in lines] == ["bbox 10 20 190 40", "bbox 0 50 60 100"]
    assert [(word.text, word.get("title")) for word in words][:2] == [
        ("Total", "bbox 10 20 60 40; x_wconf 99"),
        ('<5 & "six"', "bbox 70 20 190 40; x_wconf 50"),
    ]
    identifiers = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers)) == 2 + 2 + 3


def test_hocr_has_the_text_of_the_line() -> None:
    """Words stand apart where the line has a space, and not where Chinese characters adjoin."""
    box = quad(0, 0, 9, 9)
    texts = {
        "中文 Free Wi-Fi 5<6。": ("中", "文", "Free", "Wi-Fi", "5<6", "。"),
        "a aa a": ("a", "aa", "a"),
        "mute": (),
    }
    lines = tuple(TextLine(text, 1, box, tuple(Word(word, 1, box) for word in words)) for text, words in texts.items())
    root = ElementTree.fromstring(rendered("hocr", [NamedPage("x", Page(9, 9, lines))]).encode())
    shown = ["".join(each.itertext()) for each in root.iter() if each.get("class") == "ocr_line"]
    assert shown == list(texts)
    words = [each.text for each in root.iter() if each.get("class") == "ocrx_word"]
    assert words == [word for each in texts.values() for word in each]


def test_hocr_holds_what_xml_cannot() -> None:
    word = Word("a\x0bb\x00", 1.0, quad(0, 0, 9, 9))
    page = Page(9, 9, (TextLine(word.text, 1.0, word.box, (word,)),))
    root = ElementTree.fromstring(rendered("hocr", [NamedPage("x", page)]).encode())
    assert "".join(root.itertext()).strip().endswith("a\ufffdb\ufffd")


def letters(text: str) -> Word:
    boxes = [quad(10 * index, 0, 10 * index + 10, 20) for index in range(len(text))]
    each = tuple(Character(letter, 0.75, box) for letter, box in zip(text, boxes, strict=True))
    return Word(text, 0.75, quad(0, 0, 10 * len(text), 20), each)


WORD = letters("a<b")
LETTERS = [NamedPage("x.pdf", Page(99, 30, (TextLine("a<b", 0.75, WORD.box, (WORD,)),)), 7)]


def test_characters_are_written_where_they_are_asked_for() -> None:
    (page,) = json.loads("".join(render("json", LETTERS, characters=True)))["pages"]
    assert list(page)[:3] == ["file", "page", "width"] and page["page"] == 7
    characters = page["lines"][0]["words"][0]["characters"]
    assert [each["text"] for each in characters] == ["a", "<", "b"]
    assert characters[1] == {"text": "<", "score": 0.75, "box": [[10, 0], [20, 0], [20, 20], [10, 20]]}
    assert json.loads("".join(render("jsonl", LETTERS, characters=True))) == page
    assert "characters" not in rendered("json", LETTERS)

    root = ElementTree.fromstring("".join(render("hocr", LETTERS, characters=True)).encode())
    seen = [(each.text, each.get("title")) for each in root.iter() if each.get("class") == "ocrx_cinfo"]
    assert seen[1] == ("<", "x_bboxes 10 0 20 20; x_conf 75.00") and len(seen) == 3
    assert "ocrx_cinfo" not in rendered("hocr", LETTERS)


def test_pages_of_a_file_keep_their_number() -> None:
    assert "ppageno 6" in rendered("hocr", LETTERS)
    rows = list(csv.DictReader(io.StringIO(rendered("tsv", LETTERS)), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert {(row["page_num"], row["page"]) for row in rows} == {("1", "7")}


@pytest.mark.parametrize("name", FORMATS)
def test_first_page_is_shown_before_the_second_is_read(name: str) -> None:
    asked: list[int] = []

    def pages() -> Iterator[NamedPage]:
        for index, page in enumerate(PAGES):
            asked.append(index)
            yield page

    pieces = render(name, pages())
    assert "中" in next(pieces)
    assert asked == [0]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_annotated_picture_shows_quads_and_text(tmp_path: Path, suffix: str) -> None:
    picture = np.full((100, 200, 3), 255, np.uint8)
    path = tmp_path / f"out{suffix}"
    save_annotated(path, picture, Page(200, 100, (TOTAL,)))
    image = Image.open(path)
    assert image.mode == "RGB" and image.size == (200, 200)
    seen = np.asarray(image).astype(int)
    marked, text = seen[:100], seen[100:]
    assert (marked[21, 20:180].min(axis=1) < 200).all()  # the upper side of the quad
    assert (text[24:37, 14:180] < 100).sum() > 100  # letters in the same place
    assert (text[45:] > 200).all()  # and nowhere else
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_annotated_text_is_as_wide_as_its_quad_and_turned_with_it() -> None:
    picture = np.full((200, 100, 3), 255, np.uint8)
    upwards = np.array([[40, 190], [40, 10], [60, 10], [60, 190]], np.float32)  # reads from bottom to top
    annotated, hidden = annotate(picture, Page(100, 200, (TextLine("Hamburgefonstiv", 1, upwards),)))
    assert annotated.shape == (200, 200, 3) and not hidden
    dark = np.argwhere(annotated[:, 100:].max(axis=2) < 100)
    height, width = np.ptp(dark, axis=0)
    assert 100 < height < 180 and width < 20


def test_line_that_no_font_can_show_is_numbered_and_in_a_legend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never as boxes: the text beside the picture is that of a line which says `[2]`."""
    monkeypatch.setattr("edge_ocr.output.annotated._FONT_FOLDERS", ())
    picture = np.full((80, 160, 3), 255, np.uint8)

    def page(text: str) -> Page:
        boxes = quad(40, 5, 150, 30), quad(40, 45, 150, 70)
        return Page(160, 80, tuple(TextLine(each, 0.9, box) for each, box in zip(("plain", text), boxes, strict=True)))

    (tofu, numbered), (number, not_numbered) = annotate(picture, page("中文字")), annotate(picture, page("[2]"))
    assert (numbered, not_numbered) == (True, False)
    assert (tofu[80:] == number[80:]).all()
    changed = np.argwhere((tofu[:80] != number[:80]).any(axis=2))
    assert len(changed) and changed[:, 1].max() < 40  # two numbers, left of the quads

    legend = save_annotated(tmp_path / "seen.png", picture, page("中文字"))
    assert legend == tmp_path / "seen.png.txt"
    assert legend.read_text("utf-8") == "1\t0.9000\tplain\n2\t0.9000\t中文字\n"
    assert save_annotated(tmp_path / "plain.png", picture, page("[2]")) is None
    assert not (tmp_path / "plain.png.txt").exists()


def test_numbers_of_a_crowded_page_do_not_cover_each_other() -> None:
    """Eighty quads in two columns, as close together as print: each tag keeps its margin of background."""
    picture = np.full((520, 400, 3), 255, np.uint8)
    quads = [quad(left, top, left + 120, top + 10) for top in range(10, 490, 12) for left in (40, 220)]
    number_quads(picture, quads)
    tags = (picture != 255).any(axis=2).astype(np.uint8)
    covered = sum(int(tags[int(q[0][1]) : int(q[2][1]), int(q[0][0]) : int(q[1][0])].sum()) for q in quads)
    assert covered < 0.25 * sum(120 * 10 for _ in quads)
    assert tags.sum() > len(quads) * 11 * 9  # as large as all of them side by side


def test_system_font_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A font with Greek letters, which Pillow's own lacks, in a folder below one of the known ones."""
    fonts = list(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"))
    if not fonts:
        skip("fonts-dejavu", "this system has no DejaVu Sans")
    (tmp_path / "truetype").mkdir()
    (tmp_path / "truetype" / "DejaVuSans.ttf").write_bytes(fonts[0].read_bytes())
    (tmp_path / "simsun.ttc").write_bytes(b"damaged")
    page = Page(120, 40, (TextLine("Ωμέγα ж", 1, quad(5, 5, 115, 35)),))
    picture = np.full((40, 120, 3), 255, np.uint8)
    monkeypatch.setattr("edge_ocr.output.annotated._FONT_FOLDERS", (str(tmp_path),))
    assert not annotate(picture, page)[1]
    monkeypatch.setattr("edge_ocr.output.annotated._FONT_FOLDERS", ())
    assert annotate(picture, page)[1]


@pytest.mark.parametrize("box", [quad(-50, -50, -10, -10), quad(190, 90, 260, 140), quad(5, 5, 5, 5)])
def test_quads_at_and_beyond_the_border(box: Quad) -> None:
    annotated, _ = annotate(np.zeros((100, 200, 3), np.uint8), Page(200, 100, (TextLine("edge", 1, box),)))
    assert annotated.shape == (200, 200, 3)


def test_annotated_picture_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(EdgeOCRError, match=r"let its name end in \.png or \.jpg"):
        save_annotated(tmp_path / "out.gif", np.zeros((9, 9, 3), np.uint8), BLANK)
    with pytest.raises(EdgeOCRError, match="would have 70000 x 2 pixels, too many for JPEG"):
        save_annotated(tmp_path / "out.jpg", np.zeros((1, 70_000, 3), np.uint8), BLANK)
    with pytest.raises(EdgeOCRError, match="would have 1000001 x 2 pixels, too many for PNG; cut"):
        save_annotated(tmp_path / "out.png", np.zeros((1, 1_000_001, 3), np.uint8), BLANK)
    with pytest.raises(EdgeOCRError, match="No such file or directory"):
        save_annotated(tmp_path / "none" / "out.png", np.zeros((9, 9, 3), np.uint8), BLANK)
    assert list(tmp_path.iterdir()) == []
