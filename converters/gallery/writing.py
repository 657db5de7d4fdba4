"""From readings to the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from converters.evaluation.agreement import agreement
from converters.evaluation.readings import Readings
from converters.gallery.cuttings import Cuttings
from converters.gallery.differences import find_differences
from converters.gallery.document import document, wanted_pieces
from converters.gallery.figures import figures_of
from edge_ocr.atomic import replacing
from edge_ocr.destination import check_file_destination

PICTURE_BYTES = 30_000_000
"""What a browser still opens without a second thought, and a mail server no longer takes."""


def write_gallery(
    path: Path,
    readings: Readings,
    *,
    title: str,
    facts: Mapping[str, str],
    picture_bytes: int = PICTURE_BYTES,
) -> None:
    """Write the page; all of it or nothing.

    The worst disagreements come first, and get their pictures first.

    Args:
        path: of the HTML file.
        readings: what both read; their pictures are opened again.
        title: heading of the page.
        facts: what was compared, and how: name -> value.
        picture_bytes: room for pictures; those that do not fit are left out, and the page says how many.

    Raises:
        EdgeOCRError: it is a folder, or cannot be written.
        PictureError: a picture cannot be read any more.
    """
    check_file_destination(path, "gallery")
    differences = find_differences(readings)
    figures = figures_of(agreement(readings), len(readings.pages))
    cuttings = Cuttings(picture_bytes)
    with replacing(path) as stream:
        cuttings.cut(wanted_pieces(differences))
        for piece in document(title, differences, cuttings, figures, facts):
            stream.write(piece.encode())
