"""The process of one side."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from comparison import worker

from converters.environments import Worker
from tests.scripts.comparison.readings import box


@pytest.fixture(autouse=True)
def stub_reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A reader that the worker finds under the name `stub`; OpenCV gets its threads back afterwards."""

    class Reader:
        def __init__(self, threads: int | None, text: str) -> None:
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


def test_a_side_reads_an_array_and_times_itself(tmp_path: Path) -> None:
    np.save(tmp_path / "page.npy", np.zeros((4, 5, 3), np.uint8))
    worker.start(reader="stub", settings={"text": "read"}, threads=1)
    answer = json.loads(json.dumps(worker.read(picture=str(tmp_path / "page.npy"))))
    assert answer["texts"] == ["read on 1, (4, 5, 3)"]
    assert 0 < answer["seconds"] < 1
    assert 0 <= answer["cpu_seconds"] < 1
    assert cv2.getNumThreads() == 1


def test_a_side_as_it_ships_keeps_its_threads() -> None:
    cv2.setNumThreads(3)
    worker.start(reader="stub", settings={"text": ""}, threads=None)
    assert cv2.getNumThreads() == 3


def test_its_memory_is_not_that_of_its_parent(tmp_path: Path) -> None:
    ballast = np.ones(400_000_000, np.uint8)
    with Worker("small", Path(sys.executable), Path(worker.__file__), tmp_path / "log") as small:
        assert 10_000_000 < small.call("peak_memory") < ballast.nbytes / 2


def test_it_says_what_it_runs_on() -> None:
    worker.start(reader="stub", settings={"text": ""}, threads=1)
    assert worker.versions() == {
        "stub": "1.0",
        "Python": ".".join(map(str, sys.version_info[:3])),
        "numpy": np.__version__,
        "OpenCV": cv2.__version__,
    }
