"""Bundles: find, check, read, write and pack the models of one OCR system.

A bundle is a folder, or the same folder zipped as `NAME.ocrbundle`. It is read into memory and checked
against its manifest, file by file, before an engine sees a byte of it; nothing is ever extracted. The hashes
prove that a bundle is whole, not who made it: only the bundle that ships with edge-ocr is pinned in the code.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from edge_ocr.errors import BundleError, EngineError
from edge_ocr.manifest import (
    AGAIN,
    MANIFEST_FILE,
    MAXIMUM_BUNDLE_BYTES,
    MAXIMUM_MANIFEST_BYTES,
    VERIFICATION_FILE,
    CharsetSpec,
    Manifest,
)

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

PACKED_SUFFIX = ".ocrbundle"
ENTRY_POINTS = "edge_ocr.bundles"
"""Entry-point group of installed bundles: name of a bundle -> the package whose folder it is."""

MAXIMUM_ENTRIES = 100
MAXIMUM_DIRECTORY_BYTES = MAXIMUM_ENTRIES << 10
"""Of an archive: far above what so many entries with plain names take."""
MAXIMUM_PACKED_BYTES = MAXIMUM_BUNDLE_BYTES + (16 << 20)
"""Models, charset and manifest, were nothing saved by packing them, and extras such as a report."""
MAXIMUM_RATIO = 100
"""Models are packed to a half, the manifest and tables of numbers to a tenth; only made-up files to less than this."""
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Bundle:
    """A checked bundle, held in memory.

    Attributes:
        manifest: what the bundle says of itself.
        path: the folder or the file that it was read from.
        pinned: whether it is the one whose digest stands in the code of this release.
    """

    manifest: Manifest
    path: Path
    _contents: Mapping[str, bytes] = field(repr=False)
    pinned: bool = False

    @classmethod
    def open(cls, source: str | os.PathLike[str] | None = None) -> Bundle:
        """Read and check a bundle.

        Args:
            source: a folder, a packed bundle, or the name of an installed one; None is the bundle that ships
                with edge-ocr. A path that exists goes before a name.

        Raises:
            BundleError: there is no such bundle, or it is not what its manifest says.
        """
        if source is None:
            return _embedded()
        return cls._read(Path(source) if os.path.exists(source) else _installed(os.fspath(source)))

    @classmethod
    def _read(cls, path: Path, *, pinned: bool = False) -> Bundle:
        try:
            with _store(path) as store:
                manifest = Manifest.from_bytes(store.read(MANIFEST_FILE, MAXIMUM_MANIFEST_BYTES))
                contents = {}
                for name, spec in manifest.files().items():
                    contents[name] = store.read(name, spec.bytes)
                    check_content(name, contents[name], spec.bytes, spec.sha256)
            bundle = cls(manifest, path, contents, pinned)
            bundle.charset  # noqa: B018 - read now, so that a wrong charset is refused here
        except BundleError as problem:
            raise BundleError(f"bundle {path}: {problem}") from problem
        except OSError as problem:
            raise BundleError(f"bundle {path} cannot be read: {problem.strerror}; {AGAIN}") from problem
        return bundle

    @property
    def name(self) -> str:
        """The short name."""
        return self.manifest.name

    @property
    def digest(self) -> str:
        """What the bundle does, as 64 hexadecimal digits; see `Manifest.digest`."""
        return self.manifest.digest

    def model_bytes(self, kind: str) -> bytes:
        """Content of the model file of a kind: `detector`, `direction` or `recognizer`.

        Raises:
            BundleError: the bundle has no such model.
        """
        specs = self.manifest.models.by_kind()
        if kind not in specs:
            raise BundleError(f"bundle {self.path} has no {kind} model; it has {', '.join(specs)}")
        return self._contents[specs[kind].file]

    def runnable_model(self, kind: str) -> bytes:
        """Content of a model file that an interpreter may be given.

        The hashes of a bundle do not say who made it, and an interpreter trusts its file: a TFLite file is looked
        at first, and must use no other operators than the manifest says. The pinned bundle needs no second look.

        Raises:
            BundleError: there is no such model, or its file could bring the interpreter down.
        """
        content = self.model_bytes(kind)
        if self.manifest.format == "tflite" and not self.pinned:
            from edge_ocr.engines.tflite_file import check_model

            spec = self.manifest.models.by_kind()[kind]
            try:
                check_model(content, spec.operators or None)
            except EngineError as problem:
                raise BundleError(f"bundle {self.path}: {spec.file} is not fit to run: {problem}; {AGAIN}") from problem
        return content

    @property
    def verification(self) -> bytes | None:
        """Content of `verification.json`, which no hash of the manifest vouches for; None where there is none."""
        try:
            with _store(self.path) as store:
                return store.read(VERIFICATION_FILE, MAXIMUM_MANIFEST_BYTES)
        except (BundleError, OSError):
            return None

    @cached_property
    def charset(self) -> tuple[str, ...]:
        """The entries of the charset file, `manifest.charset.count` of them: no blank, no appended space."""
        spec = self.manifest.charset
        return parse_charset(self._contents[spec.file], spec)


def parse_charset(data: bytes, spec: CharsetSpec) -> tuple[str, ...]:
    """Entries of a charset file: UTF-8, one entry a line, each line ended by one LF.

    Nothing else is taken off a line: an entry may well be a space, or end in one.

    Raises:
        BundleError: not UTF-8, or not as many entries as the manifest says.
    """
    try:
        entries = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as problem:
        raise BundleError(f"{spec.file} is not UTF-8 text ({problem.reason}); {AGAIN}") from problem
    if entries[-1] == "":
        entries.pop()
    if len(entries) != spec.count:
        raise BundleError(f"{spec.file} has {len(entries)} entries, but the manifest says {spec.count}; {AGAIN}")
    return tuple(entries)


def check_content(name: str, data: bytes, size: int, sha256: str) -> None:
    """Refuse a file whose size or hash is not the manifest's."""
    if len(data) != size:
        raise BundleError(f"{name} has {len(data)} bytes, but the manifest says {size}; {AGAIN}")
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise BundleError(f"{name} has SHA-256 {found[:12]}..., but the manifest says {sha256[:12]}...; {AGAIN}")


def _embedded() -> Bundle:
    """The bundle inside this installation, whose digest is pinned."""
    from edge_ocr.models import DEFAULT_BUNDLE, DEFAULT_DIGEST

    if not DEFAULT_BUNDLE.is_dir():
        raise BundleError(f"the default bundle {DEFAULT_BUNDLE} is missing; reinstall edge-ocr or name another bundle")
    bundle = Bundle._read(DEFAULT_BUNDLE, pinned=True)
    if bundle.digest != DEFAULT_DIGEST:
        raise BundleError(
            f"the default bundle {DEFAULT_BUNDLE} has digest {bundle.digest[:12]}..., not the one that "
            f"ships with this version ({DEFAULT_DIGEST[:12]}...); reinstall edge-ocr"
        )
    return bundle


def _installed(name: str) -> Path:
    """Folder of the installed bundle of that name."""
    from importlib.metadata import entry_points
    from importlib.util import find_spec

    packages = {entry.name: entry.value for entry in entry_points(group=ENTRY_POINTS)}
    if name not in packages:
        known = ", ".join(sorted(packages)) or "none"
        raise BundleError(
            f"there is no bundle {name!r}: no folder, no {PACKED_SUFFIX} file and no installed bundle of "
            f"that name (installed: {known}); check the spelling"
        )
    spec = find_spec(packages[name])
    if spec is None or not spec.submodule_search_locations:
        raise BundleError(f"the installed bundle {name!r} has lost its package {packages[name]}; install it again")
    return Path(spec.submodule_search_locations[0])


class _Store(Protocol):
    """Where the files of a bundle lie."""

    def __enter__(self) -> _Store: ...

    def __exit__(self, *exception: object) -> None: ...

    def read(self, name: str, limit: int) -> bytes:
        """Content of the file `name`, refused when it has more than `limit` bytes."""


def _store(path: Path) -> _Store:
    return _Folder(path) if path.is_dir() else _Archive(path)


def _no_archive() -> BundleError:
    return BundleError(f"it is neither a folder nor a whole {PACKED_SUFFIX} file; {AGAIN}")


def missing(name: str) -> BundleError:
    return BundleError(f"{name} is missing; {AGAIN}")


def _too_large(name: str, limit: int) -> BundleError:
    return BundleError(f"{name} has more than {limit} bytes; {AGAIN}")


class _Folder:
    """A bundle as a folder. A link inside it may not lead out of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> _Folder:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def read(self, name: str, limit: int) -> bytes:
        file = self.path / name
        try:
            found = file.resolve(strict=True)
        except (FileNotFoundError, RuntimeError) as problem:  # RuntimeError: a loop of links, before Python 3.13
            raise missing(name) from problem
        if not found.is_relative_to(self.path.resolve()):
            raise BundleError(f"{name} is a link that leaves the bundle's folder; put the file itself there")
        if not found.is_file():
            raise BundleError(f"{name} is not a file; {AGAIN}")
        with found.open("rb") as stream:
            return _read_within(stream, name, limit)


class _Archive:
    """A bundle as a zip archive. The sizes it states are checked first, and not believed even then."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> _Archive:
        import zipfile

        size = self.path.stat().st_size
        if size > MAXIMUM_PACKED_BYTES:
            raise _too_large("the archive", MAXIMUM_PACKED_BYTES)
        _check_directory_size(self.path, size)
        try:
            self.archive: ZipFile = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as problem:
            raise _no_archive() from problem
        try:
            self.entries = _checked_entries(self.archive)
        except BundleError:
            self.archive.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.archive.close()

    def read(self, name: str, limit: int) -> bytes:
        import zipfile

        if name not in self.entries:
            raise missing(name)
        entry = self.entries[name]
        if entry.file_size > limit:
            raise _too_large(name, limit)
        if entry.file_size > MAXIMUM_RATIO * entry.compress_size:
            raise BundleError(f"{name} is packed to less than a {MAXIMUM_RATIO}th of its size, as no model is; {AGAIN}")
        try:
            with self.archive.open(entry) as stream:
                return _read_within(stream, name, limit)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as problem:
            reason = str(problem)[:80]  # zipfile quotes what it finds, however long
            raise BundleError(f"{name} cannot be unpacked ({reason}); {AGAIN}") from problem


def _read_within(stream: IO[bytes], name: str, limit: int) -> bytes:
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise _too_large(name, limit)
    return data


_ZIP_END = struct.Struct("<4s4HLLH")
_ZIP64_LOCATOR_BYTES = 20


def _check_directory_size(path: Path, size: int) -> None:
    """Refuse an archive whose directory would take much memory to parse, by its end record.

    That record must be the last thing in the file, with no comment and no 64-bit record before it, so that
    `zipfile` goes by the same one (PKWARE, .ZIP File Format Specification, sections 4.3.15 and 4.3.16).
    """
    with path.open("rb") as stream:
        stream.seek(max(0, size - _ZIP_END.size - _ZIP64_LOCATOR_BYTES))
        tail = stream.read()
    before, end = tail[: -_ZIP_END.size], tail[-_ZIP_END.size :]
    if len(end) < _ZIP_END.size:
        raise _no_archive()
    signature, *_, directory_bytes, _, comment_bytes = _ZIP_END.unpack(end)
    if signature != b"PK\5\6" or comment_bytes or before.startswith(b"PK\6\7"):
        raise _no_archive()
    if directory_bytes > MAXIMUM_DIRECTORY_BYTES:
        raise _too_large("its directory", MAXIMUM_DIRECTORY_BYTES)


def _checked_entries(archive: ZipFile) -> dict[str, ZipInfo]:
    """The entries by name, once each is known to be a plain, readable file at the top level."""
    entries: dict[str, ZipInfo] = {}
    if len(archive.infolist()) > MAXIMUM_ENTRIES:
        raise BundleError(f"it has {len(archive.infolist())} entries, but at most {MAXIMUM_ENTRIES} belong in a bundle")
    for entry in archive.infolist():
        shown = entry.filename[:80]
        if not PLAIN_NAME.fullmatch(entry.filename):
            raise BundleError(f"its entry {shown!r} is not a plain file name, without folders; {AGAIN}")
        if entry.filename in entries:
            raise BundleError(f"its entry {shown!r} is there twice; {AGAIN}")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BundleError(f"its entry {shown!r} is a link; {AGAIN}")
        if entry.flag_bits & 0x1:
            raise BundleError(f"its entry {shown!r} is encrypted; pack the bundle without a password")
        if entry.compress_type not in (0, 8):
            raise BundleError(f"its entry {shown!r} is neither stored nor deflated; pack the bundle again")
        entries[entry.filename] = entry
    return entries
