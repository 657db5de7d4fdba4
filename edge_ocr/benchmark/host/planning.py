"""What is to be measured, looked at before any device is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from edge_ocr.benchmark.result import Settings
from edge_ocr.bundle import Bundle
from edge_ocr.engines import package_for
from edge_ocr.errors import PictureError, printable
from edge_ocr.pictures import decode, read_file
from edge_ocr.sources import STANDARD_INPUT, expand

DEFAULT_PICTURE = Path(__file__).parents[1] / "page.jpg"
"""A page of 17 lines with a long side of 960 pixels, as the published figures are for."""


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Attributes:
        bundles: the one to be measured and, where there is one, the one that it is held against.
        pictures: name on the device -> file here, at least one.
        settings: how it is measured.
    """

    bundles: tuple[Bundle, ...]
    pictures: Mapping[str, Path]
    settings: Settings


def make_plan(sources: Sequence[str | None], pictures: Sequence[str], settings: Settings) -> Plan:
    """Look at what is to be measured, before any device is looked at.

    Args:
        sources: of the bundle and, where there is one, of the other; see `Bundle.open`.
        pictures: files, folders and patterns; none is `DEFAULT_PICTURE`.
        settings: how it is measured.

    Raises:
        BundleError: a bundle cannot be read.
        EngineError: the engine that is asked for does not run one of the bundles.
        PictureError: a picture cannot be read, or there is none.
    """
    bundles = tuple(Bundle.open(source) for source in sources)
    for bundle in bundles:
        package_for(settings.engine, bundle.manifest.format, bundle.manifest.min_runtime)
    names = [name for given in pictures for name in expand(given)] if pictures else [str(DEFAULT_PICTURE)]
    for name in names:
        if name == STANDARD_INPUT:
            raise PictureError("a benchmark reads its pictures many times, standard input only once; name files")
        decode(read_file(Path(name)), name)
    return Plan(bundles, dict(_distinct(names)), settings)


def _distinct(paths: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Names for files in one folder that UTF-8 can hold: their own, with a number before it where that is taken."""
    taken: set[str] = set()
    for path in map(Path, paths):
        own = printable(path.name)
        name = next(name for name in chain([own], (f"{number}-{own}" for number in count(2))) if name not in taken)
        taken.add(name)
        yield name, path
