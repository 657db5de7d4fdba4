"""One side of the comparison on the emulated CPU: it reads a picture, and marks where that begins and ends.

    python reader.py ORDER.json

The order is a JSON object: `reader`, the module whose `Reader` is asked; `settings`, its keyword arguments; `warm_up`
and `picture`, paths, of which the second counts; and `answer`, the file that gets the result as JSON: the `account`
that the plugin books the picture under, what the reader says of it, the `versions` of all that takes part, and the
`code` of this checkout that did: files, from its root.

Only numpy and OpenCV, which all sides have, may be imported here, and what of edge_ocr needs no more.
"""

from __future__ import annotations

import importlib
import json
import platform
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from edge_ocr.benchmark.counting import BESIDES, Ledger

ROOT = Path(__file__).resolve().parents[2]
"""Of this checkout."""


def read(order: Mapping[str, Any]) -> dict[str, Any]:
    """Let the reader read; what it does from the picture's file to its text counts."""
    cv2.setNumThreads(1)
    reader = importlib.import_module(order["reader"]).Reader(threads=1, **order["settings"])
    reader.read(order["warm_up"])
    ledger = Ledger()
    ledger.open(order["picture"])
    result = reader.read(order["picture"])
    ledger.open(BESIDES)
    common = {"Python": platform.python_version(), "numpy": np.__version__, "OpenCV": cv2.__version__}
    return {
        "account": ledger.accounts.index(order["picture"]),
        **reader.describe(result),
        "versions": {**reader.versions(), **common},
        "code": sorted(_own_modules()),
    }


def _own_modules() -> Iterator[str]:
    for module in sys.modules.values():
        file = Path(getattr(module, "__file__", None) or "/")
        if file.is_relative_to(ROOT):
            yield str(file.relative_to(ROOT))


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    Path(given["answer"]).write_text(json.dumps(read(given)), "utf-8")
