"""Files on their way to a device, as one stream: a tar archive that every tar can unpack."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from edge_ocr.benchmark.host.devices.base import checked_name

_BYTECODE = "__pycache__"
"""Folders that a device fills itself: what stands in them is for one version of Python, and knows the time of files."""


def write_archive(files: Mapping[str, Path | bytes], stream: IO[bytes]) -> None:
    """Write the files of `Device.push` to a stream as a tar archive in GNU format, of names in UTF-8.

    Links are followed; of the attributes of a file only whether it can be executed goes with it.

    Raises:
        OSError: a file cannot be read.
    """
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT, encoding="utf-8") as archive:
        for name, content in _each(files):
            entry = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                entry.size, entry.mode = len(content), 0o644
                archive.addfile(entry, io.BytesIO(content))
            elif content.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                with content.open("rb") as file:
                    status = os.fstat(file.fileno())
                    entry.size, entry.mode = status.st_size, 0o755 if status.st_mode & 0o100 else 0o644
                    archive.addfile(entry, file)


def size_of(files: Mapping[str, Path | bytes]) -> int:
    """Bytes that the files of `Device.push` take up on a device, each rounded up to blocks of 4 KiB."""
    size = 0
    for _, content in _each(files):
        exact = len(content) if isinstance(content, bytes) else content.stat().st_size
        size += -(-exact // 4096) * 4096
    return size


def _each(files: Mapping[str, Path | bytes]) -> Iterator[tuple[str, Path | bytes]]:
    """Each file and folder by name, a folder before what is in it."""
    for name, content in files.items():
        name = checked_name(name)
        yield name, content
        if isinstance(content, Path) and content.is_dir():
            inside = (each for each in sorted(content.iterdir()) if each.name != _BYTECODE)
            yield from _each({f"{name}/{each.name}": each for each in inside})
