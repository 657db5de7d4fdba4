"""Writing bundles, as folders and packed: the converter's half, which no device imports to read a picture."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from edge_ocr.atomic import held, replacing, sibling, sweep
from edge_ocr.bundle import PLAIN_NAME, Bundle, check_content, missing
from edge_ocr.errors import BundleError
from edge_ocr.manifest import MANIFEST_FILE, Manifest


def write_bundle(destination: Path, manifest: Manifest, files: Mapping[str, bytes]) -> None:
    """Write a bundle folder; whoever looks sees the old bundle, none, or the whole new one.

    The new folder is filled and flushed to disk beside `destination` before it takes its place.

    Args:
        destination: the folder; a bundle that is already there is replaced.
        manifest: written as `manifest.json`.
        files: file name -> content: all that the manifest lists, and extras such as REPORT.md.

    Raises:
        BundleError: a listed file is missing or differs from the manifest, a name is not plain, or
            `destination` is something else than a bundle, which stays untouched.
    """
    for name, spec in manifest.files().items():
        if name not in files:
            raise missing(name)
        check_content(name, files[name], spec.bytes, spec.sha256)
    for name in files:
        if not PLAIN_NAME.fullmatch(name) or name == MANIFEST_FILE:
            raise BundleError(f"{name!r} cannot stand in a bundle; choose a plain file name other than {MANIFEST_FILE}")
    check_destination(destination)
    destination = Path(os.path.realpath(destination))
    sweep(destination)
    draft = sibling(destination)
    try:
        draft.mkdir(parents=True)
        with held(draft):
            for name, data in {**files, MANIFEST_FILE: manifest.to_bytes()}.items():
                with (draft / name).open("xb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
            _flush_folder(draft)
            _take_place(draft, destination)
        _flush_folder(destination.parent)
    except OSError as problem:
        raise BundleError(f"cannot write bundle {destination}: {problem.strerror}; choose another place") from problem
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_destination(destination: Path) -> None:
    """Refuse a place where `write_bundle` could not put a bundle, before the work that makes one.

    Raises:
        BundleError: something else than a bundle is there, or the folder around it cannot be written to.
    """
    destination = Path(os.path.realpath(destination))
    try:
        if destination.exists() and not (
            destination.is_dir() and ((destination / MANIFEST_FILE).is_file() or not any(destination.iterdir()))
        ):
            raise BundleError(f"{destination} exists and is not a bundle; choose another place or remove it")
        around = next(parent for parent in destination.parents if parent.exists())
        if not (around.is_dir() and os.access(around, os.W_OK | os.X_OK)):
            raise BundleError(f"{around} cannot be written to; choose another place")
    except OSError as problem:
        raise BundleError(f"{destination} cannot be used: {problem.strerror}; choose another place") from problem


def _take_place(draft: Path, destination: Path) -> None:
    """Rename `draft` to `destination`; the old folder steps aside, as it cannot be renamed over."""
    old = sibling(destination)
    if destination.exists():
        destination.rename(old)
    try:
        draft.rename(destination)
    except OSError:
        if old.exists():
            old.rename(destination)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _flush_folder(folder: Path) -> None:
    """Make the names in a folder as durable as the files; Windows has no way to ask for that."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def pack(folder: Path, destination: Path) -> None:
    """Zip a bundle folder as `NAME.ocrbundle`; the same folder always gives the same bytes.

    Raises:
        BundleError: the folder is no whole bundle, or holds something that does not belong in one.
        EdgeOCRError: `destination` cannot be written.
    """
    import zipfile

    Bundle._read(folder)
    with replacing(destination) as stream, zipfile.ZipFile(stream, "w") as archive:
        for file in sorted(folder.iterdir()):
            if not PLAIN_NAME.fullmatch(file.name) or not file.is_file():
                raise BundleError(f"{file} does not belong in a bundle; remove it")
            entry = zipfile.ZipInfo(file.name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes(), compresslevel=9)
