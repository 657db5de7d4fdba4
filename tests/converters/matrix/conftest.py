"""What the tests of the matrix share: conversions that take no time, and a cache of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from converters.cli import main
from converters.conversion import Sources, fetch_sources
from converters.evaluation.datasets import Dataset, find_dataset
from converters.progress import Progress
from converters.quantization.recipes import Recipe
from converters.zoo import load_zoo
from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE
from tests.converters.conftest import SYSTEM, Damage, noisy_recognizer

Made = Bundle | BaseException
Matrix = Callable[..., int]
"""Runs the command with these arguments besides those that keep it short; gives the exit status."""


class Conversions:
    """In place of conversions.

    Attributes:
        made: recipe -> the bundle that it gives, or how it fails.
    """

    def __init__(self, good: Bundle, bad: Bundle) -> None:
        self.good, self.bad = good, bad
        self.made: dict[str, Made] = dict.fromkeys(("int8-whole", "int8", "int8-weights", "float"), good)

    def convert(self, _sources: Sources, recipe: Recipe, *_: object) -> Bundle:
        made = self.made[recipe.name]
        if isinstance(made, Bundle):
            return replace(made, manifest=replace(made.manifest, precision=recipe.name))
        raise made


@pytest.fixture
def conversions(
    monkeypatch: pytest.MonkeyPatch,
    reference: Bundle,
    few_labelled: tuple[Path, Path],
    damaged: Callable[[Damage], Path],
) -> Conversions:
    """The default bundle by every recipe, until a test says otherwise."""

    def evaluation_datasets() -> list[Dataset]:
        return [find_dataset(few_labelled[0])]

    made = Conversions(Bundle.open(DEFAULT_BUNDLE), Bundle.open(damaged(noisy_recognizer)))
    monkeypatch.setattr("converters.commands.matrix.evaluation_datasets", evaluation_datasets)
    monkeypatch.setattr("converters.matrix.survey.convert", made.convert)
    monkeypatch.setattr("converters.matrix.survey.equivalence", lambda *_: {"detector": {"640": 4.6e-5, "960": 1e-6}})
    return made


@pytest.fixture
def matrix(conversions: Conversions, reference: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Matrix:
    """The command on a few lines, with a cache of its own and nothing to fetch from but the system's own files."""
    zoo = load_zoo()
    sources = fetch_sources(zoo, zoo.system(SYSTEM), Progress())
    originals = tmp_path / "originals"
    originals.mkdir()
    for file in (*sources.models.values(), sources.charset):
        (originals / file.name).symlink_to(file)
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")

    def run(*arguments: str | Path) -> int:
        short = ["--limit", "8", "--workers", "1", "--max-drop", "20", "--from", originals, "-o", tmp_path / "out"]
        return main(["matrix", *map(str, [*arguments, *short])])

    return run
