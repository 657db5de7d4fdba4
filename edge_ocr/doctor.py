"""`edge-ocr doctor`: is everything there, is it whole, and does it read?"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from edge_ocr.errors import EdgeOCRError, EngineError
from edge_ocr.threads import default_threads, usable_cores

SAMPLE = Path(__file__).with_name("doctor_sample.png")
"""Two lines of text, drawn with the font inside Pillow."""
SAMPLE_TEXT = "Hello from the edge\nOrder 20461 is ready"

_LIBRARIES = {"numpy": "numpy", "cv2": "opencv-python-headless", "PIL": "pillow"}
"""Module -> the package that brings it."""


@dataclass(frozen=True)
class Verdict:
    """One finding, as a line that begins with OK, FAIL, or NOTE for what only some need."""

    well: bool
    finding: str
    optional: bool = False

    def __str__(self) -> str:
        return f"{'OK' if self.well else 'NOTE' if self.optional else 'FAIL':<5} {self.finding}"


def examine(source: str | None) -> Iterator[Verdict]:
    """Check one thing after another; what cannot work after a failure is not tried.

    Args:
        source: the bundle to check, as for `Bundle.open`.
    """
    checks: tuple[Callable[[str | None], str], ...] = (_python, _libraries, _pdf, _font, _bundle, _engine, _reading)
    for check in checks:
        optional = check in (_pdf, _font)
        try:
            yield Verdict(True, check(source))
        except EdgeOCRError as problem:
            yield Verdict(False, str(problem), optional)
            if not optional:
                return


def _python(_: str | None) -> str:
    return (
        f"Python {platform.python_version()}, {_bits()} bits, {platform.system()} {platform.machine()}, "
        f"{default_threads()} threads by default on {usable_cores()} usable cores"
    )


def _bits() -> int:
    """Of Python, which may have fewer than the system's kernel, as on Raspberry Pi OS."""
    return 64 if sys.maxsize > 2**32 else 32


def _libraries(_: str | None) -> str:
    versions = []
    for module, package in _LIBRARIES.items():
        try:
            versions.append(f"{module} {import_module(module).__version__}")
        except ImportError as problem:
            raise EngineError(f"{module} cannot be imported ({problem}); run: pip install {package}") from problem
    return ", ".join(versions)


def _pdf(_: str | None) -> str:
    from edge_ocr.pdf import INSTALL

    try:
        from pypdfium2 import PYPDFIUM_INFO
    except (ImportError, OSError) as problem:
        raise EngineError(f"PDF files cannot be read without pypdfium2; to read them run: {INSTALL}") from problem
    return f"PDF files are read with pypdfium2 {PYPDFIUM_INFO}"


def _font(_: str | None) -> str:
    from edge_ocr.output.annotated import best_font

    font, missing = best_font(set("文字かな"))
    if missing:
        raise EngineError(
            "annotated pictures show Chinese and Japanese text as numbers and a legend, as no font here has the "
            "characters; install one such as Noto Sans CJK"
        )
    return f"annotated pictures show Chinese and Japanese text in {' '.join(filter(None, font.getname()))}"


def _bundle(source: str | None) -> str:
    from edge_ocr.bundle import Bundle

    bundle = Bundle.open(source)
    return f"bundle {bundle.name} ({bundle.manifest.precision}) is whole, digest {bundle.digest[:12]}"


def _engine(source: str | None) -> str:
    from edge_ocr.bundle import Bundle
    from edge_ocr.engines import open_engine

    manifest = Bundle.open(source).manifest
    try:
        engine = open_engine(None, manifest.format, manifest.min_runtime)
    except EngineError as problem:
        if _bits() == 64 or not platform.machine().startswith(("arm", "aarch64")):
            raise
        raise EngineError(
            f"{problem}; but for 32-bit ARM there is only tflite-runtime, on Python 3.11: "
            "install a 64-bit system, or on Raspberry Pi OS Bookworm run: "
            "sudo apt install python3-numpy python3-opencv && pip install tflite-runtime==2.14.0"
        ) from problem
    return f"engine {engine.package} {engine.version}"


def _reading(source: str | None) -> str:
    from edge_ocr.ocr import OCR

    page = OCR(source).read(SAMPLE)
    if page.text != SAMPLE_TEXT:
        raise EngineError(
            f"the built-in picture says {SAMPLE_TEXT!r}, but was read as {page.text!r}; "
            "update the engine, or try another bundle"
        )
    return f"the built-in picture is read right, in {page.timings['total']:.0f} ms"
