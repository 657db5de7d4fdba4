"""Text out of pictures on small computers, with PP-OCR models.

    from edge_ocr import OCR

    page = OCR().read("receipt.jpg")
    print(page.text)

The names below are imported on first use, so that `import edge_ocr` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from edge_ocr.errors import BundleError, EdgeOCRError, EngineError, PictureError

if TYPE_CHECKING:
    from edge_ocr.bundle import Bundle
    from edge_ocr.ocr import OCR
    from edge_ocr.page import Character, Page, TextLine, Word
    from edge_ocr.sources import pages_of

__version__ = "0.1.0"

__all__ = [
    "OCR",
    "Bundle",
    "BundleError",
    "Character",
    "EdgeOCRError",
    "EngineError",
    "Page",
    "PictureError",
    "TextLine",
    "Word",
    "__version__",
    "pages_of",
]

_MODULES = {
    "OCR": "ocr",
    "Bundle": "bundle",
    "Character": "page",
    "Page": "page",
    "TextLine": "page",
    "Word": "page",
    "pages_of": "sources",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
