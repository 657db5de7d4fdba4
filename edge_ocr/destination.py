"""Where a result goes, looked at before the work that makes it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from edge_ocr.errors import EdgeOCRError


def check_file_destination(path: Path, what: str) -> None:
    """Refuse a place where no file can be written.

    Args:
        path: of the file.
        what: what the message calls it, such as "gallery".

    Raises:
        EdgeOCRError: it is a folder, or in none, or nothing may be written there, or the system takes no such path.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = stat.S_IFREG  # which it will be
    except OSError as problem:
        reason = problem.strerror
        raise EdgeOCRError(f"the {what} {path} cannot be written: {reason}; choose another place") from problem
    if stat.S_ISDIR(mode):
        raise EdgeOCRError(f"the {what} {path} is a folder; name a file in it")
    if not stat.S_ISREG(mode):
        return  # such as /dev/stdout, which is written to as it stands
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise EdgeOCRError(f"there is no folder {folder} for the {what}; make it first, or choose another place")
    if not os.access(folder, os.W_OK):
        raise EdgeOCRError(f"nothing may be written in {folder}; choose another place for the {what}")
