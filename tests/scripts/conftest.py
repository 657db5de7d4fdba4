"""The scripts are no package: they run before anything is installed, so tests import them by their folder."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.edge_ocr.conftest import bundle_folder

__all__ = ["bundle_folder"]

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
