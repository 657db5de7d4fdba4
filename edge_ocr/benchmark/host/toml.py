"""TOML on every Python that edge_ocr runs on."""

from __future__ import annotations

import sys
from typing import Any

from edge_ocr.errors import BenchmarkError


def parse_toml(content: str) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ValueError: it is none.
        BenchmarkError: this Python needs a package to read it.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError as problem:
            raise BenchmarkError(
                "before Python 3.11 tomli is needed to read them; run: pip install 'edge-ocr[bench]'"
            ) from problem
    return tomllib.loads(content)
