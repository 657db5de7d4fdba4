"""This project's own code as an input of what is made with it."""

from __future__ import annotations

from pathlib import Path

from edge_ocr.cache import digest_of

ROOT = Path(__file__).resolve().parents[1]


def code_digest(*parts: str) -> str:
    """Digest of our own code that makes a stage of the cache; no model depends on how it is benchmarked.

    Args:
        parts: packages or modules, as paths from the root of the project.
    """
    files: list[Path] = []
    for part in parts:
        path = ROOT / part
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return digest_of(*(file for file in files if "benchmark" not in file.relative_to(ROOT).parts))
