"""The README's figures about the default bundle are those of the bundle that is there."""

from __future__ import annotations

import json

import pytest

from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
VERIFICATION = json.loads((DEFAULT_BUNDLE / "verification.json").read_text(encoding="utf-8"))


def test_sizes() -> None:
    sizes = [spec.bytes for spec in Bundle.open().manifest.files().values()]
    for size in [*sizes, sum(sizes)]:
        assert f"{size:,}" in README
    assert f"{sum(sizes) / 1e6:.2f} MB" in README.replace("\n", " ")


@pytest.mark.parametrize("figure", ["exact_match", "detection_hmean", "end_to_end_hmean"])
def test_accuracy_on_the_rendered_pictures(figure: str) -> None:
    delta = VERIFICATION["overall"][figure]["delta"]
    assert f"{delta['value']:+.2f} [{delta['low']:+.2f}, {delta['high']:+.2f}]" in README


def test_the_verification_is_that_of_the_default_bundle() -> None:
    assert VERIFICATION["digest"] == Bundle.open().digest
