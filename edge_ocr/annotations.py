"""Where `edge-ocr read --save-annotated` puts the annotated pictures."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from edge_ocr.cli import note
from edge_ocr.errors import EdgeOCRError
from edge_ocr.page import Page
from edge_ocr.pictures import Picture
from edge_ocr.sources import STANDARD_INPUT, SourcePage


def refuse_picture(target: str, names: list[str]) -> None:
    """Refuse to write where one of the pictures is."""
    if os.path.realpath(target) in {os.path.realpath(name) for name in names if name != STANDARD_INPUT}:
        raise EdgeOCRError(f"{target} is one of the pictures and would be overwritten; choose another place")


class Annotations:
    """The file of that name, or a folder of PNG files."""

    def __init__(self, place: str, names: list[str], output: str | None) -> None:
        """Refuse a place that cannot take the pictures of these names, or that `output` is to be written to."""
        from edge_ocr.output.annotated import check_suffix, legend_of

        self._place = Path(place)
        self._folder = place.endswith(os.sep) or os.path.isdir(place) or not self._place.suffix
        if self._folder:
            return
        check_suffix(self._place)
        self._refuse_several(len(names))
        for target in (self._place, legend_of(self._place)):
            refuse_picture(str(target), names)
            if output is not None and os.path.realpath(output) == os.path.realpath(target):
                raise EdgeOCRError(f"{target} would hold both the text and the annotations; name two places")

    def check(self, source: SourcePage) -> None:
        """Refuse a file of several pages where there is room for one annotated picture, before it is read."""
        if not self._folder:
            self._refuse_several(source.wanted)

    def save(self, name: str, source: SourcePage, picture: Picture, page: Page) -> None:
        """Write an annotated picture.

        Raises:
            EdgeOCRError: it cannot be written.
        """
        from edge_ocr.output.annotated import save_annotated

        path = self._unused(name, source) if self._folder else self._place
        legend = save_annotated(path, picture, page)
        if legend is not None:
            note(
                f"no font on this computer has all characters of {name}, so the lines in {path} have numbers and their "
                f"text is in {legend}; install a font such as Noto Sans CJK to see it in the picture"
            )

    def _refuse_several(self, count: int) -> None:
        if count > 1:
            raise EdgeOCRError(
                f"{self._place} is one file, for {count} annotated pictures; name a folder, as {self._place}/"
            )

    def _unused(self, name: str, source: SourcePage) -> Path:
        """A file in the folder that is not there yet, nor its legend, and the folder itself."""
        from edge_ocr.output.annotated import legend_of

        try:
            self._place.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise EdgeOCRError(
                f"{self._place} cannot be made a folder for the annotated pictures: {problem.strerror}; "
                "choose another place"
            ) from problem
        stem = "stdin" if name == STANDARD_INPUT else Path(name).stem
        if source.number is not None:
            stem += f"-page-{source.number}"
        numbered = (self._place / f"{stem}-{count}.png" for count in itertools.count(2))
        candidates = itertools.chain([self._place / f"{stem}.png"], numbered)
        return next(path for path in candidates if not (os.path.lexists(path) or os.path.lexists(legend_of(path))))
