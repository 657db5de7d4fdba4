"""Which lines of two readings of one page are the same line."""

from __future__ import annotations

from dataclasses import dataclass

from converters.evaluation.metrics import SAME_BOX, iou
from edge_ocr.page import Page, TextLine


@dataclass(frozen=True)
class Matching:
    """The lines of two pages, told apart by who has them.

    Attributes:
        common: lines whose boxes both have, (first's, second's), one to one, in the order of the first page.
        only_first: the other lines of the first page.
        only_second: the other lines of the second page.
    """

    common: tuple[tuple[TextLine, TextLine], ...]
    only_first: tuple[TextLine, ...]
    only_second: tuple[TextLine, ...]


def match_lines(first: Page, second: Page) -> Matching:
    """Give each line of `first` the one of `second` that covers it best, if that is by more than `SAME_BOX`."""
    common: list[tuple[TextLine, TextLine]] = []
    only_first: list[TextLine] = []
    free = list(second.lines)
    for line in first.lines:
        overlaps = [iou(line.box, other.box) for other in free]
        best = max(range(len(free)), key=overlaps.__getitem__, default=None)
        if best is None or overlaps[best] <= SAME_BOX:
            only_first.append(line)
        else:
            common.append((line, free.pop(best)))
    return Matching(tuple(common), tuple(only_first), tuple(free))
