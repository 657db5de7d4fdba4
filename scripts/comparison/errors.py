"""How a comparison can fail on purpose."""

from __future__ import annotations

from edge_ocr.errors import EdgeOCRError


class ComparisonError(EdgeOCRError):
    """There is nothing to compare, or one side cannot read a page."""
