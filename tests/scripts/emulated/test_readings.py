"""Readings are kept, and made again when something that took part in them has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from emulated import readings
from emulated.readings import Task, read, read_all
from emulated.sides import Reading

from converters.progress import Progress
from edge_ocr.benchmark.host.emulation.cpus import CPUS
from edge_ocr.benchmark.host.emulation.emulator import Emulator
from tests.scripts.comparison.readings import box

CODE = "module.py"


class CountingSide:
    """Reads another number of instructions each time."""

    times = 0

    def __init__(self, name: str = "counting") -> None:
        self.name = name

    def read(self, emulator: Any, cpu: Any, picture: Path) -> Reading:
        CountingSide.times += 1
        return Reading(CountingSide.times, ("total",), (box(0),), {"engine": "1.0"}, (CODE,))


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(readings, "ROOT", tmp_path)
    monkeypatch.setattr(readings, "compiled_plugin", lambda: tmp_path / CODE)
    (tmp_path / CODE).write_text("first = 1")
    (tmp_path / "page.png").write_bytes(b"a picture")
    emulator = Emulator(tmp_path / "qemu", tmp_path / "root", tmp_path / "site")
    return Task(CountingSide(), CPUS["cortex-a76"], tmp_path / "page.png", emulator)


def test_a_reading_is_made_once(task: Task) -> None:
    first, again = read(task), read(task)
    assert again.instructions == first.instructions
    assert (again.texts, again.versions, again.code) == (first.texts, first.versions, first.code)
    assert [box.tolist() for box in again.boxes] == [box.tolist() for box in first.boxes]


@pytest.mark.parametrize("name", [CODE, "page.png"])
def test_a_changed_file_is_read_again(task: Task, name: str) -> None:
    first = read(task)
    (task.picture.parent / name).write_bytes(b"changed")
    assert read(task).instructions != first.instructions


def test_another_cpu_side_or_system_is_another_reading(task: Task) -> None:
    others = [
        replace(task, cpu=CPUS["cortex-a72"]),
        replace(task, side=CountingSide("another")),
        replace(task, emulator=replace(task.emulator, site=task.picture.parent / "other")),
    ]
    assert len({read(each).instructions for each in [task, *others]}) == 4


def test_readings_come_in_order(task: Task) -> None:
    tasks = [replace(task, side=CountingSide(name)) for name in "abc"]
    counted = [reading.instructions for reading in read_all(tasks, 1, Progress())]
    assert counted == [counted[0], counted[0] + 1, counted[0] + 2]
