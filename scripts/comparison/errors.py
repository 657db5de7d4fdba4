"""How a comparison can fail on purpose."""

from __future__ import annotations

from edge_ocr.errors import EdgeOCRError


class ComparisonError(EdgeOCRError):
    """There is nothing to compare, a side cannot be set up, or one cannot read a page."""


class AbsentError(ComparisonError):
    """A program that would be compared, too, is not on this machine; the sentence says what to install."""
