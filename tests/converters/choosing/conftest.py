"""What the tests of the choice share: conversions and measurements that take no time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from converters.cli import main
from tests.converters.conftest import SYSTEM, Conversions

Choose = Callable[..., int]
"""Runs the command with these arguments besides those that keep it short; gives the exit status."""


@pytest.fixture
def conversions(conversions: Conversions, monkeypatch: pytest.MonkeyPatch) -> Conversions:
    """The default bundle by every recipe, until a test says otherwise."""
    monkeypatch.setattr("converters.choosing.walk.convert", conversions.convert)
    monkeypatch.setattr("converters.choosing.examiner.time_ratio", lambda *_: 0.5)
    return conversions


@pytest.fixture
def choose(conversions: Conversions, originals: Path) -> Choose:
    """The command on a few lines, with a cache of its own and nothing to fetch from but the system's own files."""

    def run(*arguments: str | Path) -> int:
        short = ["--workers", "1", "--max-drop", "20", "--from", originals]
        return main(["choose", SYSTEM, *map(str, [*arguments, *short])])

    return run
