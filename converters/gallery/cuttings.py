"""Pieces of pictures, small enough to stand inside the page."""

from __future__ import annotations

import base64
import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from converters.gallery.html import Html
from edge_ocr.geometry import crop, side_lengths
from edge_ocr.page import Quad
from edge_ocr.pictures import Picture, load_picture


@dataclass(frozen=True)
class Line:
    """One line of a picture; without corners, a picture that is one line."""

    picture: Path
    corners: tuple[tuple[float, float], ...] | None

    @classmethod
    def at(cls, picture: Path, box: Quad) -> Line:
        """The line in a quad of a page."""
        return cls(picture, tuple((x, y) for x, y in box.tolist()))

    def cut(self, pixels: Picture) -> Picture:
        """As thick as the recognizer sees it, or thinner where it would become too long."""
        height, width = pixels.shape[:2]
        box = np.array(self.corners or [(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        sides = side_lengths(box)
        scale = min(_LINE_THICKNESS / max(min(sides), 1), _LONGEST_LINE / max(*sides, 1))
        return crop(pixels, box, *(max(1, round(side * scale)) for side in sides))


@dataclass(frozen=True)
class WholePage:
    """A page, made smaller."""

    picture: Path

    def cut(self, pixels: Picture) -> Picture:
        """At most `_LONGEST_SIDE` pixels high and wide."""
        height, width = pixels.shape[:2]
        scale = min(1, _LONGEST_SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


_LINE_THICKNESS, _LONGEST_LINE, _LONGEST_SIDE = 48, 1200, 1100
_QUALITY = {Line: 80, WholePage: 60}
"""Of WebP, 0 to 100. Letters of a line are looked at closely; a page only says where they are."""

Piece = Line | WholePage


@dataclass(frozen=True)
class Cutting:
    """A small picture: WebP, and its size in pixels."""

    webp: bytes
    width: int
    height: int

    @property
    def data_uri(self) -> Html:
        """The picture as an address that needs no file."""
        return Html(f"data:image/webp;base64,{base64.b64encode(self.webp).decode()}")


@dataclass
class Cuttings:
    """The most important cuttings, as many as `limit` bytes hold.

    Attributes:
        limit: bytes of the page for all of them together.
        left_out: how many did not find room.
    """

    limit: int
    left_out: int = 0
    _kept: dict[Piece, Cutting] = field(default_factory=dict)
    _used: int = 0
    _least_important: list[tuple[int, Piece]] = field(default_factory=list)

    def get(self, piece: Piece) -> Cutting | None:
        """The cutting of a piece, or None where it was left out."""
        return self._kept.get(piece)

    def cut(self, pieces: Iterable[Piece]) -> None:
        """Cut them out of their pictures; each is decoded once, one at a time.

        Args:
            pieces: the most important first.

        Raises:
            PictureError: a picture cannot be read any more.
        """
        by_picture: dict[Path, dict[Piece, int]] = {}
        for rank, piece in enumerate(dict.fromkeys(pieces)):
            by_picture.setdefault(piece.picture, {})[piece] = rank
        for picture, ranks in by_picture.items():
            self._cut_from(picture, ranks)

    def _cut_from(self, picture: Path, ranks: dict[Piece, int]) -> None:
        pixels = load_picture(picture)
        for piece, rank in ranks.items():
            self._keep(piece, rank, _encoded(piece.cut(pixels), _QUALITY[type(piece)]))

    def _keep(self, piece: Piece, rank: int, cutting: Cutting) -> None:
        self._kept[piece] = cutting
        self._used += len(cutting.data_uri)
        heapq.heappush(self._least_important, (-rank, piece))  # ranks differ, so pieces are never compared
        while self._used > self.limit:
            _, dropped = heapq.heappop(self._least_important)
            self._used -= len(self._kept.pop(dropped).data_uri)
            self.left_out += 1


def _encoded(picture: Picture, quality: int) -> Cutting:
    data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])[1]
    return Cutting(data.tobytes(), picture.shape[1], picture.shape[0])
