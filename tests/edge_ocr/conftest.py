"""Fixtures of the runtime's tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_ocr.models import DEFAULT_BUNDLE


@pytest.fixture(scope="session")
def bundle_folder() -> Path:
    """A whole bundle that reads: the default one, or the one that EDGE_OCR_TEST_BUNDLE names."""
    return Path(os.environ.get("EDGE_OCR_TEST_BUNDLE", DEFAULT_BUNDLE))
