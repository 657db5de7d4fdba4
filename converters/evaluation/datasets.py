"""Labelled pictures on disk, whatever their layout (`converters.evaluation.layouts`), and this project's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converters.errors import ConversionError
from converters.evaluation.labels import LabelledBox, LabelledLine, LabelledPage
from converters.evaluation.layouts import find_layout, understood

__all__ = ["Dataset", "LabelledBox", "LabelledLine", "LabelledPage", "evaluation_datasets", "find_dataset"]

EVALUATION_PICTURES = Path(__file__).resolve().parents[2] / "calibration_data" / "evaluation"


@dataclass(frozen=True)
class Dataset:
    """Pictures that belong together.

    Attributes:
        name: what reports call it.
        lines: pictures of one line each.
        pages: pictures of pages.
        layout: how its labels are laid out; None without labels.
        files: its label files.
    """

    name: str
    lines: tuple[LabelledLine, ...] = ()
    pages: tuple[LabelledPage, ...] = ()
    layout: str | None = None
    files: tuple[Path, ...] = ()


def find_dataset(path: Path) -> Dataset:
    """Read labels; the pictures are not opened.

    Args:
        path: a folder, whose layout is recognised by what lies in it, or a label file.

    Returns:
        A data set that is called like the last two parts of the path, such as `lines/mtwi`.

    Raises:
        ConversionError: no such path, no labels or several kinds of them, a malformed line, pictures that are missing
            or named twice, or no picture at all.
    """
    found = find_layout(path)
    if found is None:
        raise ConversionError(f"{path} has no labels; a data set is a folder with {understood()}, or such a file")
    layout, files = found
    labelled = layout.read(files)
    if not labelled:
        raise ConversionError(f"{files[0]} labels no picture; name another data set")
    return Dataset(
        "/".join(path.resolve().parts[-2:]),
        tuple(picture for picture in labelled if isinstance(picture, LabelledLine)),
        tuple(picture for picture in labelled if isinstance(picture, LabelledPage)),
        str(layout),
        tuple(files),
    )


def evaluation_datasets() -> list[Dataset]:
    """This project's evaluation set, lines and pages; empty outside a checkout.

    `python -m calibration_data.generate --split evaluation` renders it in typefaces and with texts that no calibration
    picture shares, so all pictures may be calibrated on and none of these is.
    """
    folders = (EVALUATION_PICTURES / "lines", EVALUATION_PICTURES / "pages")
    return [find_dataset(folder) for folder in folders if folder.is_dir()]
