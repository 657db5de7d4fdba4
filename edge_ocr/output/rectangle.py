"""The upright rectangle around a quad, for formats that know no other shape."""

from __future__ import annotations

import numpy as np

from edge_ocr.page import Page, Quad


def around(box: Quad, page: Page) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in whole pixels, within the page; right and bottom lie just outside."""
    left, top = np.floor(box.min(axis=0)).astype(int)
    right, bottom = np.ceil(box.max(axis=0)).astype(int)
    return max(0, int(left)), max(0, int(top)), min(page.width, int(right)), min(page.height, int(bottom))
