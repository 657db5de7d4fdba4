"""The page in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from converters.evaluation.readings import Readings
from converters.gallery import write_gallery
from tests.conftest import skip
from tests.converters.gallery.browser import Tab, browsing
from tests.converters.gallery.paper_readings import line, line_pair, page_pair, quad

SHOWN = "[...document.querySelectorAll('[data-where]:not([hidden])')].map(row => row.id)"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        skip("chromium", "there is no chromium; on Debian: apt-get install chromium")
    with browsing(str(program), tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """t1 sure, t2 sure and on the page, t3 unsure, t4 counts as alike, p1-1-row found by the bundle alone."""
    folder = tmp_path_factory.mktemp("gallery")
    attack = '<script>window.hacked = 1</script><img src="x" onerror="window.hacked = 1">' + "W" * 500
    lines = (
        line_pair(folder, "attack.png", attack, "harmless", 0.99, label=attack),
        line_pair(folder, "unsure.png", "cat", "oat", 0.4, label="oat"),
        line_pair(folder, "spaced.png", "Grand Hotel", "GrandHotel", 0.95),
    )
    page = page_pair(
        folder, "page.png", [line("five", quad(10, 60), 0.97)], [line("give", quad(10, 60)), line("x", quad(9, 150))]
    )
    place = folder / "gallery.html"
    write_gallery(place, Readings(lines, (page,)), title="</title><script>window.hacked = 1</script>", facts={})
    return place


@pytest.fixture
def opened(tab: Tab, gallery: Path) -> Tab:
    tab.complaints.clear()
    tab.open(gallery)
    return tab


def choose(tab: Tab, script: str) -> list[str]:
    """The rows that are shown after a change of the form."""
    tab.evaluate(
        f"{{ const form = document.getElementById('filter').elements; {script}; "
        "form.words.dispatchEvent(new Event('input', {bubbles: true})) }"
    )
    shown: list[str] = tab.evaluate(SHOWN)
    return shown


def test_it_opens_without_a_complaint_and_runs_nothing_that_was_read(opened: Tab) -> None:
    assert opened.complaints == []
    assert opened.evaluate("window.hacked") is None
    assert opened.evaluate(SHOWN) == ["t1", "t2", "t3", "t4", "p1-1-row"]


def test_its_pictures_are_shown(opened: Tab) -> None:
    heights = opened.evaluate("""Promise.all([...document.images].map(async image => {
        image.loading = 'eager';  // a lazy one waits until it comes into view
        await image.decode();
        return image.naturalHeight;
    }))""")
    assert heights == [48] * 5


@pytest.mark.parametrize(
    ("choice", "shown"),
    [
        ("form.sure.checked = true", ["t1", "t2", "t4"]),
        ("form.counts.checked = true", ["t1", "t2", "t3", "p1-1-row"]),
        ("form.where.value = 'page'", ["t2", "p1-1-row"]),
        ("form.where.value = 'line'", ["t1", "t3", "t4"]),
        ("form.right.value = 'reference'", ["t1"]),
        ("form.right.value = 'bundle'", ["t3"]),
        ("form.words.value = 'HOTEL grand'", ["t4"]),
        ("form.words.value = 'page.png'", ["t2", "p1-1-row"]),
        ("form.words.value = 'nowhere'", []),
    ],
)
def test_the_filter_shows_what_is_asked_for(choice: str, shown: list[str], opened: Tab) -> None:
    assert choose(opened, choice) == shown
    assert opened.evaluate("document.querySelector('output').value") == f"{len(shown)} of 5 shown"
    assert opened.evaluate("document.querySelector('.page').hidden") is ("p1-1-row" not in shown)
    opened.evaluate("document.querySelector('button').click(); new Promise(done => setTimeout(done, 20))")
    assert len(opened.evaluate(SHOWN)) == 5


def test_a_phone_scrolls_in_one_direction_only(opened: Tab) -> None:
    opened.send("Emulation.setDeviceMetricsOverride", width=360, height=640, deviceScaleFactor=1, mobile=True)
    assert opened.evaluate("document.documentElement.scrollWidth") == 360
    opened.send("Emulation.clearDeviceMetricsOverride")


def test_without_scripts_everything_is_shown_and_no_dead_form(tab: Tab, gallery: Path) -> None:
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(gallery)
    root = tab.send("DOM.getDocument")["root"]["nodeId"]
    hidden = tab.send("DOM.querySelectorAll", nodeId=root, selector="[hidden]")["nodeIds"]
    assert [tab.send("DOM.describeNode", nodeId=node)["node"]["localName"] for node in hidden] == ["form"]
    tab.send("Emulation.setScriptExecutionDisabled", value=False)
