"""The page, as a parser finds it."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import unicodedata
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.evaluation.readings import Readings
from converters.gallery import cuttings, write_gallery
from edge_ocr.errors import EdgeOCRError, PictureError
from edge_ocr.pictures import load_picture
from tests.converters.gallery.paper_readings import colour, line, line_pair, page_pair, quad, save
from tests.converters.gallery.parsing import Element, parse


def written(folder: Path, readings: Readings, **options: Any) -> Element:
    path = folder / "gallery.html"
    write_gallery(path, readings, **{"title": "int8 against FP32", "facts": {"CPU": "a CPU"}, **options})
    return parse(path.read_text(encoding="utf-8"))


def rows(page: Element) -> list[Element]:
    return [row for row in page.all("li") if "data-where" in row.attributes]


def texts(row: Element) -> dict[str, str]:
    """Who -> what is shown of its reading."""
    return {reading.kinds[0]: reading.one("dd", "text").text for reading in row.one("dl").all("div")}


def remarks(row: Element) -> list[str]:
    return [remark.text for remark in row.one("ul", "remarks").all("li")]


def pixels(image: Element) -> np.ndarray:
    address = image.attributes.get("src") or image.attributes["href"]
    data = base64.b64decode(address.removeprefix("data:image/webp;base64,"))
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture
def readings(tmp_path: Path) -> Readings:
    """One of everything; what differs is listed in the test that reads it back."""
    lines = (
        line_pair(tmp_path, "equal.png", "same", "same", label="same"),
        line_pair(tmp_path, "sure.png", "出口", "入口", 0.99, label="出口"),
        line_pair(tmp_path, "unsure.png", "cat", "oat", 0.4, label="dog"),
        line_pair(tmp_path, "spaced.png", "Grand Hotel", "GrandHotel", 0.999, label="grand hotel"),
    )
    page = page_pair(
        tmp_path,
        "page.png",
        [line("equal on page", quad(10, 10)), line("five", quad(10, 60), 0.97), line("alone", quad(10, 110), 0.9)],
        [line("equal on page", quad(11, 10)), line("give", quad(40, 60)), line("ghost", quad(200, 200), 0.6)],
        labels={"give": quad(12, 61), "alone": quad(10, 110)},
    )
    return Readings(lines, (page,))


def test_every_difference_is_there_and_nothing_else_the_surest_first(readings: Readings, tmp_path: Path) -> None:
    shown = [texts(row) for row in rows(written(tmp_path, readings))]
    assert shown == [
        {"reference": "出口", "bundle": "入口", "label": "出口"},
        {"reference": "five", "bundle": "give", "label": "give"},
        {"reference": "cat", "bundle": "oat", "label": "dog"},
        {"reference": "Grand Hotel", "bundle": "GrandHotel", "label": "grand hotel"},  # counts as alike
        {"reference": "alone", "label": "alone"},
        {"bundle": "ghost"},
    ]


def test_labels_say_who_is_right(readings: Readings, tmp_path: Path) -> None:
    page = written(tmp_path, readings)
    assert [row.attributes["data-right"] for row in rows(page)] == [
        *("reference", "bundle", "neither", "both", "reference", "unknown")
    ]
    assert remarks(rows(page)[0]) == ["FP32 is right"]
    assert "it is FP32 1 time, the bundle 1 time, neither 1 time" in page.one("p", "summary").text


def test_without_labels_nobody_is_called_right(tmp_path: Path) -> None:
    page = written(tmp_path, Readings((line_pair(tmp_path, "a.png", "one", "two"),), ()))
    (row,) = rows(page)
    assert (texts(row), row.attributes["data-right"], remarks(row)) == (
        {"reference": "one", "bundle": "two"},
        "unknown",
        [],
    )
    assert "right" not in page.one("p", "summary").text


def test_figures_stand_at_the_top_with_their_intervals(readings: Readings, tmp_path: Path) -> None:
    figures = {
        each.one("dt").text: each.one("dd").text for each in written(tmp_path, readings).one("dl", "figures").all("div")
    }
    # six lines in common, three of them different; sure are all but "cat"; 2 x 2 of 3 + 3 boxes
    assert figures["Texts read alike"].startswith("50.0 % [")
    assert figures["Alike where FP32 is sure"].startswith("60.0 % [")
    assert figures["Boxes in common"].startswith("66.7 % [0.0, 100.0]")
    assert figures["Mean change of length"].startswith("+0.000 [+0.000, +0.000]")


def test_facts_are_listed(readings: Readings, tmp_path: Path) -> None:
    facts = written(tmp_path, readings, facts={"digest": "12ab", "CPU": "8 < 16 cores"}).one("dl", "facts")
    assert [each.text for each in facts.all("dd")] == ["12ab", "8 < 16 cores"]


def test_crops_are_cut_from_the_picture_where_each_one_reads(readings: Readings, tmp_path: Path) -> None:
    row = next(row for row in rows(written(tmp_path, readings)) if texts(row).get("bundle") == "give")
    ours, moved = row.all("img")  # the bundle's box lies 30 px to the right: it gets a crop of its own
    assert "not the same box" in remarks(row)[1]
    assert pixels(ours).shape == (48, 240, 3) == (int(ours.attributes["height"]), int(ours.attributes["width"]), 3)
    assert np.abs(pixels(ours)[10:-10, 10:-10].astype(int) - colour(1)).max() < 24
    assert np.abs(pixels(moved)[10:-10, -45:].astype(int) - 255).max() < 24
    assert all(each.attributes["alt"] for each in (ours, moved))


def test_boxes_that_differ_are_drawn_on_their_page(readings: Readings, tmp_path: Path) -> None:
    article = written(tmp_path, readings).one("article")
    picture = article.one("svg")
    assert pixels(picture.one("image")).shape == (300, 400, 3)
    drawn = {group.kinds[0]: group.all("polygon")[-1].attributes["points"] for group in picture.all("g")}
    assert drawn == {
        "reference": "10.0,110.0 130.0,110.0 130.0,134.0 10.0,134.0",
        "bundle": "200.0,200.0 320.0,200.0 320.0,224.0 200.0,224.0",
        "moved-from": "10.0,60.0 130.0,60.0 130.0,84.0 10.0,84.0",
        "moved-to": "40.0,60.0 160.0,60.0 160.0,84.0 40.0,84.0",
    }
    # each row leads to its box
    boxes = {f"#{group.attributes['id']}" for group in picture.all("g") if "id" in group.attributes}
    assert {link.attributes["href"] for link in article.all("a")} == boxes


def test_equal_readings_make_a_page_that_says_so(tmp_path: Path) -> None:
    lines = (line_pair(tmp_path, "a.png", "same", "same"),)
    page = written(
        tmp_path, Readings(lines, (page_pair(tmp_path, "p.png", [line("x", quad(9, 9))], [line("x", quad(9, 9))]),))
    )
    assert rows(page) == page.all("img") == page.all("image") == []
    assert page.one("p", "summary").text == "No difference: 2 lines found by both, and read alike to the letter."
    assert "100.0 % [100.0, 100.0]" in page.one("dl", "figures").text


def test_nothing_read_at_all_is_a_page_too(tmp_path: Path) -> None:
    assert rows(written(tmp_path, Readings((), ()))) == []


def test_the_page_needs_no_other_file_and_runs_only_its_own_script(readings: Readings, tmp_path: Path) -> None:
    page = written(tmp_path, readings)
    everything = page.all()
    for element in everything:
        for name in ("src", "href", "action", "srcset", "poster", "data"):
            assert element.attributes.get(name, "#").startswith(("#", "data:image/webp;base64,"))
        assert "style" not in element.attributes
        assert not [name for name in element.attributes if name.startswith("on")]
    assert "http" not in page.one("style").text + page.one("script").text
    policy = next(each for each in page.all("meta") if "http-equiv" in each.attributes).attributes["content"]
    assert "default-src 'none'; img-src data:;" in policy
    for name in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.one(name).text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    names = [element.attributes["id"] for element in everything if "id" in element.attributes]
    assert len(names) == len(set(names))


hostile = st.text(
    st.characters() | st.sampled_from("<>&\"'$\\ \u202e\u2066\u200f\u0000\u001b\u0301\ud800é́"), max_size=30
)


@settings(max_examples=40)
@given(reference=hostile, bundle=hostile, label=hostile | st.none())
def test_any_text_is_shown_and_does_nothing(
    reference: str, bundle: str, label: str | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    pair = line_pair(folder, "a.png", reference, bundle, label=label)
    page = written(folder, Readings((pair,), ()), title=reference, facts={bundle: reference})
    assert len(page.all("script")) == len(page.all("style")) == 1
    for row in rows(page):
        expected = {"reference": reference, "bundle": bundle} | ({} if label is None else {"label": label})
        assert texts(row) == {who: with_codes(text) for who, text in expected.items()}
        assert len(row.all("bdi")) == len(expected) + 1
    assert len(rows(page)) == (reference != bundle)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u0000-\u0009\u000b-\u001f]", page.text)


def with_codes(text: str) -> str:
    """Written apart from the code under test: what has a shape stays, everything else becomes its code."""
    invisible = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
    return "".join(
        f"U+{ord(each):04X}" if unicodedata.category(each) in invisible and each != " " else each for each in text
    )


def test_names_of_files_are_harmless_too(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>\"'&\u202egnp." + os.fsdecode(b"\xff") + ".png"
    page = written(tmp_path, Readings((line_pair(tmp_path, name, "one", "two"),), ()))
    (row,) = rows(page)
    shown = "<img src=x onerror=alert(1)>\"'&U+202Egnp.U+DCFF.png"
    assert row.one("p", "source").text.split(maxsplit=1)[1] == shown
    assert len(row.all("img")) == 1


def test_pictures_are_named_by_what_tells_them_apart(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    pairs = tuple(line_pair(tmp_path / folder, "0.png", "one", "two") for folder in ("first", "second"))
    page = written(tmp_path, Readings(pairs, ()))
    assert [row.one("p", "source").text.split()[1] for row in rows(page)] == ["first/0.png", "second/0.png"]
    assert str(tmp_path) not in page.text


@pytest.mark.parametrize(
    ("first", "second", "marked", "other"),
    [
        ("Total 12", "Total 13", "Total 1[2]", "Total 1[3]"),
        ("出口", "出口处", "出口[]", "出口[处]"),
        ("", "x", "[]", "[x]"),
        ("cafe", "cafe\u0301", "caf[e]", "caf[e\u0301]"),  # an accent belongs to its letter
        ("a b", "ab", "a[ ]b", "a[]b"),
        ("a\u200bb", "ab", "a[U+200B]b", "a[]b"),
    ],
)
def test_what_only_one_reads_is_marked(first: str, second: str, marked: str, other: str, tmp_path: Path) -> None:
    (row,) = rows(written(tmp_path, Readings((line_pair(tmp_path, "a.png", first, second),), ())))
    shown = [with_brackets(each.one("bdi")) for each in row.all("dd", "text")]
    assert shown == [marked, other]


def with_brackets(element: Element) -> str:
    parts = [each if isinstance(each, str) else with_brackets(each) for each in element.content]
    return f"[{''.join(parts)}]" if element.name == "mark" else "".join(parts)


def test_a_huge_run_keeps_the_pictures_of_the_worst(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    pairs = []
    for number in range(20):
        pairs.append(line_pair(tmp_path, f"{number}.png", "one", "two", score=number / 20))
        save(tmp_path / f"{number}.png", noise.integers(0, 255, (48, 200, 3), np.uint8))
    page = written(tmp_path, Readings(tuple(pairs), ()), picture_bytes=60_000)
    has_picture = [bool(row.all("img")) for row in rows(page)]
    kept = sum(has_picture)
    assert len(has_picture) == 20
    assert 1 < kept < 20
    assert has_picture == [True] * kept + [False] * (20 - kept)
    assert f"{20 - kept} pictures left out" in page.text
    assert sum(len(image.attributes["src"]) for image in page.all("img")) <= 60_000


def test_each_picture_is_decoded_once(readings: Readings, tmp_path: Path) -> None:
    with patch.object(cuttings, "load_picture", side_effect=load_picture) as decoder:
        written(tmp_path, readings)
    assert sorted(call.args[0].name for call in decoder.call_args_list) == [
        *("page.png", "spaced.png", "sure.png", "unsure.png")
    ]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("missing/gallery.html", "there is no folder .*/missing for the gallery; make it first"),
        ("", "the gallery .* is a folder; name a file in it"),
        ("/proc/gallery.html", "(nothing may be written in|cannot write) /proc"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(place: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(EdgeOCRError, match=sentence):
        write_gallery(tmp_path / place, Readings((), ()), title="t", facts={})


def test_a_vanished_picture_leaves_the_old_page_alone(readings: Readings, tmp_path: Path) -> None:
    (tmp_path / "gallery.html").write_text("old")
    (tmp_path / "sure.png").unlink()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(PictureError, match=r"sure\.png does not exist"):
        written(tmp_path, readings)
    assert (tmp_path / "gallery.html").read_text() == "old"
    assert sorted(tmp_path.iterdir()) == before
