"""What a kernel tells in files, below any root: a bounded amount of text, and nothing that could block.

Sensors come and go, containers hide half of /sys, and a tree of another may hold anything. So every reader gives None
where there is nothing to read, and never an error.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

_MOST_BYTES = 1 << 20
"""More than the longest file that is read: /proc/cpuinfo of a server."""
ATTRIBUTE_BYTES = 4096
"""An attribute in /sys has no more (Linux, Documentation/filesystems/sysfs.rst), and no name that is read here does."""
_LONGEST_NAME = 200


def text(path: Path, most_bytes: int = _MOST_BYTES) -> str | None:
    """The beginning of a regular file, which those of /proc and /sys are, too; what is no UTF-8 shows as U+FFFD."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a FIFO or a device may wait for ever, or do something
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        content = b""
        while len(content) < most_bytes and (piece := os.read(descriptor, most_bytes - len(content))):
            content += piece  # the kernel hands out /proc page by page
    except OSError:  # a sensor that is switched off: EAGAIN, EIO, ENODATA, ...
        return None
    finally:
        os.close(descriptor)
    return content.decode("utf-8", "replace")


def line(path: Path) -> str | None:
    """The first line of a file as a name; None where it is empty, overlong or no readable text."""
    return as_name(text(path, ATTRIBUTE_BYTES))


def as_name(value: str | None) -> str | None:
    """The first line of a text, without the NUL that ends a device tree's string; None where it is no readable name."""
    name = (value or "").partition("\n")[0].rstrip("\0").strip()
    return name if 0 < len(name) <= _LONGEST_NAME and name.isprintable() and "\ufffd" not in name else None


def number(path: Path) -> int | None:
    """The whole number that is all a file holds."""
    return whole((text(path, ATTRIBUTE_BYTES) or "").strip())


def whole(word: str) -> int | None:
    """A decimal number of at most 64 bits, as kernels write them; Python's own `int` takes more than that."""
    return int(word) if re.fullmatch(r"-?[0-9]{1,18}", word) else None


def fields(path: Path) -> dict[str, str]:
    """The rows `key: value` or `key value` of a file such as /proc/meminfo; the first of equal keys."""
    rows: dict[str, str] = {}
    for row in (text(path) or "").splitlines():
        key, _, value = row.replace(":", " ", 1).partition(" ")
        rows.setdefault(key.strip(), value.strip())
    return rows


def counted(rows: dict[str, str], key: str) -> int | None:
    """The whole number with which a row begins, such as that of `MemTotal: 3885396 kB`."""
    return whole(rows.get(key, "").partition(" ")[0])


def kilobytes(rows: dict[str, str], key: str) -> int | None:
    """A row of /proc/meminfo, which counts in units of 1024 bytes, in bytes."""
    count = counted(rows, key)
    return None if count is None else count * 1024


def matching(root: Path, pattern: str) -> list[Path]:
    """The paths below `root` that match a glob, in the order of the numbers in them: cpu2 before cpu10."""
    try:
        return sorted((path for path in root.glob(pattern) if path.name.isprintable()), key=_by_numbers)
    except OSError:
        return []


def _by_numbers(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"([0-9]+)", str(path))]
