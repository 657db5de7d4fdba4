"""`edge-ocr info`: the runtime, its engine and a bundle, as a table for people."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from typing import Any

from edge_ocr import __version__
from edge_ocr.bundle import Bundle
from edge_ocr.engines import open_engine
from edge_ocr.errors import EngineError


def describe(source: str | None) -> str:
    """A row for each fact about this runtime and a bundle.

    Args:
        source: as for `Bundle.open`.

    Raises:
        BundleError: there is no such bundle, or it is not whole.
    """
    bundle = Bundle.open(source)
    rows = [*_runtime(bundle), *_bundle(bundle), *_flat("provenance", bundle.manifest.provenance)]
    return "".join(f"{name:<24} {_printable(value)}\n" for name, value in rows)


def _runtime(bundle: Bundle) -> Iterator[tuple[str, str]]:
    yield "edge-ocr", __version__
    yield "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    try:
        engine = open_engine(None, bundle.manifest.format, bundle.manifest.min_runtime)
        yield "engine", f"{engine.package} {engine.version}"
    except EngineError as problem:
        yield "engine", f"none: {problem}"


def _bundle(bundle: Bundle) -> Iterator[tuple[str, str]]:
    manifest = bundle.manifest
    yield "bundle", f"{manifest.name} ({manifest.title})"
    yield "path", str(bundle.path)
    yield "digest", bundle.digest
    yield "format", manifest.format + (f" for {manifest.target}" if manifest.target else "")
    yield "precision", manifest.precision
    yield "licence", manifest.licence
    yield from _flat("needs", manifest.min_runtime)
    for kind, spec in manifest.models.by_kind().items():
        yield kind, f"{spec.file}, {spec.bytes} bytes, sha256 {spec.sha256}"
    charset = manifest.charset
    yield "charset", f"{charset.file}, {charset.bytes} bytes, sha256 {charset.sha256}"
    yield "characters", str(charset.count)
    yield "size", f"{sum(spec.bytes for spec in manifest.files().values()) / 1e6:.2f} MB"


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Nested objects and lists as rows, with the keys and the numbers of the places joined by dots."""
    if isinstance(value, list | tuple):
        value = dict(enumerate(value, start=1))
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from _flat(f"{name}.{key}", member)
    else:
        yield _printable(name), str(value)


def _printable(text: str) -> str:
    """Text from a bundle without characters that could command a terminal."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)
