"""The zoo: the models and systems that the converter knows, read strictly from the files in `generations`.

What differs between generations of PP-OCR is data there and never a branch on a version here.
"""

from __future__ import annotations

from converters.zoo.entries import (
    KINDS,
    CharsetFacts,
    Model,
    PackageSource,
    Source,
    SourceFile,
    System,
    UrlSource,
    Zoo,
)
from converters.zoo.reading import GENERATIONS, load_zoo

__all__ = [
    "GENERATIONS",
    "KINDS",
    "CharsetFacts",
    "Model",
    "PackageSource",
    "Source",
    "SourceFile",
    "System",
    "UrlSource",
    "Zoo",
    "load_zoo",
]
