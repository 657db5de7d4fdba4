"""One side of the comparison in a process of its own: it reads one picture at a time and takes the time itself.

Served by converters/environments/serve.py in the side's own interpreter, so only numpy and OpenCV, which all
sides have, may be imported here.
"""

from __future__ import annotations

import importlib
import platform
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this package; edge_ocr itself is installed

from comparison.memory import peak_memory_of

_reader: Any = None


def start(*, reader: str, settings: dict[str, Any], threads: int | None) -> None:
    """Load the models.

    Args:
        reader: the module of this package whose `Reader` is to be compared.
        settings: its keyword arguments.
        threads: how many it may use; OpenCV, which otherwise takes all there are, gets as many. None leaves both
            as they ship.
    """
    global _reader
    if threads is not None:
        cv2.setNumThreads(threads)
    _reader = importlib.import_module(f"comparison.{reader}").Reader(threads=threads, **settings)


def read(*, picture: str) -> dict[str, Any]:
    """Read a picture; only the reader's own work is timed.

    Args:
        picture: path of a .npy file with a (height, width, 3) uint8 BGR array.

    Returns:
        `seconds` on the clock, `cpu_seconds` of all threads, `texts` and `boxes` of the lines, and the
        milliseconds of each of the reader's `stages`, as far as it tells them.
    """
    pixels = np.load(picture)
    clock, cpu = time.perf_counter(), time.process_time()
    result = _reader.read(pixels)
    seconds, cpu_seconds = time.perf_counter() - clock, time.process_time() - cpu
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, **_reader.describe(result)}


def peak_memory() -> int:
    """The most memory that this process has held, in bytes."""
    return peak_memory_of("self")


def versions() -> dict[str, str]:
    """What this side runs on, name -> version."""
    common = {"Python": platform.python_version(), "numpy": np.__version__, "OpenCV": cv2.__version__}
    return {**_reader.versions(), **common}
