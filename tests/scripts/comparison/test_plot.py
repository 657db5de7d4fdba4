"""The picture: well-formed, self-contained, and saying in words what it shows."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from comparison.plot import WIDTH, panels, svg
from comparison.sides import TESSERACT

from tests.scripts.comparison.readings import PAGES, comparison

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def picture() -> Element:
    return ElementTree.fromstring(svg(comparison()))


def test_every_figure_of_every_side_is_a_bar() -> None:
    time, first_text, memory, size = panels(comparison())
    assert [bar.side for bar in time.bars] == [side.name for side in comparison().sides]
    assert [bar.length for bar in time.bars] == pytest.approx([0.5, 1, 2.5, 5])
    assert [bar.amount for bar in time.bars] == ["200 ms", "400 ms", "", ""]
    assert [bar.length for bar in first_text.bars] == pytest.approx([1 / 3, 1, 2, 1 / 1.8])
    assert [str(bar) for bar in memory.bars[:2]] == ["edge_ocr 0.50 (200 MB)", "RapidOCR, same models 1.00 (400 MB)"]
    assert [bar.share for bar in size.bars] == ["0.80", "1.00", "1.00", "not known here"]


def test_lengths_are_to_scale_and_long_ones_broken(picture: Element) -> None:
    bars = [bar for bar in picture.iter(f"{SVG}rect") if bar.get("class") in ("edge_ocr", "peer")]
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert widths[0] == pytest.approx(widths[1] / 2)
    assert widths[2] == widths[3] == pytest.approx(2 * widths[1])
    assert len(list(picture.iter(f"{SVG}path"))) == 2
    assert len(bars) == 15  # four figures of four sides, but for one that is not known


def test_nothing_leaves_the_picture(picture: Element) -> None:
    for element in picture.iter():
        for name, value in element.attrib.items():
            if name in ("x", "x1", "x2"):
                assert 0 <= float(value) <= WIDTH
            if name in ("y", "y1", "y2"):
                assert 0 <= float(value) <= float(picture.get("height", "0"))


def test_it_refers_to_nothing_outside(picture: Element) -> None:
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} <= {
        *("svg", "title", "desc", "style", "rect", "line", "path", "text")
    }
    without_namespace = svg(comparison()).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|href|url\(|@import|<script", without_namespace)


def test_it_says_what_it_shows(picture: Element) -> None:
    title, description = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert picture.get("role") == "img"
    assert picture.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert "Peak memory: edge_ocr 0.50 (200 MB); RapidOCR, same models 1.00 (400 MB)" in (description.text or "")


def test_text_stays_readable_in_the_dark(picture: Element) -> None:
    style = picture.find(f"{SVG}style")
    assert style is not None
    light, dark = (style.text or "").split("@media (prefers-color-scheme: dark)")
    colours = re.compile(r"\.?(\w+) \{ (?:fill|stroke): #")
    assert set(colours.findall(light)) == set(colours.findall(dark))


def test_an_absent_side_is_named_and_has_no_bar() -> None:
    pages = [replace(page, by_side={k: v for k, v in page.by_side.items() if k != TESSERACT}) for page in PAGES]
    found = comparison()
    absent = replace(found, sides=found.sides[:3], pages=pages, absent={TESSERACT: "install it"})
    assert all(str(panel.bars[-1]) == "Tesseract not known here" for panel in panels(absent))


def test_a_name_with_markup_in_it_stays_text() -> None:
    found = replace(comparison(), cpu="A <CPU> & more (avx2)")
    texts = [element.text or "" for element in ElementTree.fromstring(svg(found)).iter(f"{SVG}text")]
    assert any("A <CPU> & more" in text for text in texts)
