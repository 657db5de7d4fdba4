"""Long pictures, looked at in pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_ocr.detector import Detector
from edge_ocr.tiles import LONG, MOST_PIECES, long_side_of, seen_in_pieces
from tests.edge_ocr.fake_network import FakeNetwork
from tests.edge_ocr.test_detector import spec


@given(st.integers(1, 2_000), st.integers(8, 300), st.booleans())
def test_what_is_seen_in_pieces_is_what_is_seen_at_once(length: int, piece: int, wide: bool) -> None:
    picture = np.arange(length * 3 * 3, dtype=np.int64).reshape(length, 3, 3)
    picture = picture.transpose(1, 0, 2) if wide else picture
    shown = []

    def look(part: np.ndarray) -> np.ndarray:
        shown.append(part.shape)
        return part[..., 0]

    piece = max(piece, 3)
    assert (seen_in_pieces(picture, piece, look) == picture[..., 0]).all()
    assert len(set(shown)) == 1 and max(shown[0]) <= max(piece, 3)


def test_what_is_seen_near_the_end_of_a_piece_does_not_count() -> None:
    """A network that is wrong about the outer eighth of what it is shown is wrong at the ends of the picture only."""

    def look(part: np.ndarray) -> np.ndarray:
        seen = np.ones(part.shape[:2], int)
        seen[:40] = seen[-40:] = 0
        return seen

    seen = seen_in_pieces(np.zeros((5_000, 10, 3), np.uint8), 320, look)
    assert (seen[40:-40] == 1).all() and (seen[:40] == 0).all()


@pytest.mark.parametrize(("height", "width"), [(1_000, 400), (400, 1_000), (200, 20), (3 * 50, 50)])
def test_only_long_pictures_are_looked_at_in_pieces(height: int, width: int) -> None:
    in_pieces = max(height, width) > LONG * min(height, width)
    assert (long_side_of(height, width, 320) > 320) == in_pieces


@pytest.mark.parametrize("axis", [0, 1])
def test_a_line_along_all_pieces_is_one_quad(axis: int) -> None:
    network = FakeNetwork(lambda tensor: tensor[..., :1] / 255)
    picture = np.zeros((6_000, 100, 3), np.uint8)
    picture[50:5_950, 30:70] = 255
    quads = Detector(network, spec()).detect(picture if axis == 0 else np.ascontiguousarray(picture.transpose(1, 0, 2)))
    (quad,) = quads
    assert np.ptp(quad[:, 1 - axis]) > 5_850 and np.ptp(quad[:, axis]) < 100
    assert len({tensor.shape for tensor in network.inputs}) == 1 and len(network.inputs) > 10


def test_an_endless_strip_is_shrunk() -> None:
    """160 million pixels in a row, in a file of a few kilobytes: neither hours nor all memory, and the user is told."""
    assert long_side_of(1, 160_000_000, 960) == MOST_PIECES * 960
    assert Detector(FakeNetwork(lambda tensor: tensor), spec()).shrinking(1, 160_000_000) > 1_000


def test_each_piece_may_have_its_candidates() -> None:
    """Of the rules' 100 for a picture of usual length."""
    network = FakeNetwork(lambda tensor: tensor[..., :1] / 255)
    picture = np.zeros((6_000, 320, 3), np.uint8)
    for top in range(10, 6_000, 30):
        picture[top : top + 15, 40:280] = 255
    assert len(Detector(network, spec()).detect(picture)) == 200
