"""Numbers in sentences, and the names of pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def count(number: int, singular: str, plural: str | None = None) -> str:
    """`1 line`, `2 lines`, `1,000 lines`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def short_names(pictures: Sequence[Path]) -> dict[Path, str]:
    """Each picture's path below the folder that all of them lie in: tells them apart, and names nobody's home."""
    folders = {os.path.abspath(picture.parent) for picture in pictures}
    common = os.path.commonpath(folders) if folders else ""
    return {picture: os.path.relpath(os.path.abspath(picture), common) for picture in pictures}
