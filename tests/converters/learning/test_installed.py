"""Whether learning can be tested here."""

from __future__ import annotations

from importlib.util import find_spec

from tests.conftest import skip


def test_pytorch_is_installed() -> None:
    if find_spec("torch") is None:
        skip("torch", "PyTorch is not installed, so learning is not tested; install edge-ocr[learn]")
