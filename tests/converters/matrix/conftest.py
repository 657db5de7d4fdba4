"""What the tests of the matrix share: conversions that take no time, and a cache of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from converters.cli import main
from tests.converters.conftest import Conversions

Matrix = Callable[..., int]
"""Runs the command with these arguments besides those that keep it short; gives the exit status."""


@pytest.fixture
def conversions(conversions: Conversions, monkeypatch: pytest.MonkeyPatch) -> Conversions:
    """The default bundle by every recipe, until a test says otherwise."""
    monkeypatch.setattr("converters.matrix.survey.convert", conversions.convert)
    monkeypatch.setattr("converters.matrix.survey.equivalence", lambda *_: {"detector": {"640": 4.6e-5, "960": 1e-6}})
    return conversions


@pytest.fixture
def matrix(conversions: Conversions, originals: Path, tmp_path: Path) -> Matrix:
    """The command on a few lines, with a cache of its own and nothing to fetch from but the system's own files."""

    def run(*arguments: str | Path) -> int:
        short = ["--limit", "8", "--workers", "1", "--max-drop", "20", "--from", originals, "-o", tmp_path / "out"]
        return main(["matrix", *map(str, [*arguments, *short])])

    return run
