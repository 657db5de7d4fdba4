"""Where a result goes, looked at before the work that makes it."""

from __future__ import annotations

import os
from pathlib import Path

from edge_ocr.errors import EdgeOCRError


def check_file_destination(path: Path, what: str) -> None:
    """Refuse a place where no file can be written.

    Args:
        path: of the file.
        what: what the message calls it, such as "gallery".

    Raises:
        EdgeOCRError: it is a folder, or in none, or nothing may be written there.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        return  # such as /dev/stdout, which is written to as it stands
    folder = Path(os.path.realpath(path)).parent
    if path.is_dir():
        raise EdgeOCRError(f"the {what} {path} is a folder; name a file in it")
    if not folder.is_dir():
        raise EdgeOCRError(f"there is no folder {folder} for the {what}; make it first, or choose another place")
    if not os.access(folder, os.W_OK):
        raise EdgeOCRError(f"nothing may be written in {folder}; choose another place for the {what}")
