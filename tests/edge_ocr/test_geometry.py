from __future__ import annotations

import math
import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_ocr import geometry

QUAD = np.array([[10, 20], [110, 20], [110, 50], [10, 50]], np.float32)


def turned_by(points: np.ndarray, degrees: float) -> np.ndarray:
    """The points turned clockwise, as seen on the page, around the origin."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (points @ np.array([[cosine, sine], [-sine, cosine]])).astype(np.float32)


def rectangle(x: float, y: float, width: float, height: float) -> np.ndarray:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


@given(st.permutations(range(4)), st.floats(-44, 44), st.integers(5, 500), st.integers(5, 500), st.integers(-999, 999))
def test_corners_come_back_in_order_from_any_order(
    shuffle: list[int], degrees: float, width: int, height: int, shift: int
) -> None:
    quad = turned_by(rectangle(shift, -shift, width, height), degrees)
    assert np.array_equal(geometry.order_corners(quad[shuffle]), quad)


@given(st.permutations(range(4)), st.floats(-180, 180))
def test_no_corner_is_lost_at_any_angle(shuffle: list[int], degrees: float) -> None:
    quad = turned_by(QUAD, degrees)
    ordered = geometry.order_corners(quad[shuffle])
    assert sorted(ordered.tolist()) == sorted(quad.tolist())
    assert cv2.contourArea(ordered, oriented=True) > 0  # clockwise, with y down


@pytest.mark.parametrize(("width", "height", "ratio"), [(100, 20, 1.4), (37.5, 37.5, 1.5), (300, 4, 2.0)])
@pytest.mark.parametrize("degrees", [0, 17, 81])
def test_expansion_equals_the_clipping_library_that_paddleocr_uses(
    width: float, height: float, ratio: float, degrees: float
) -> None:
    pyclipper = pytest.importorskip("pyclipper", reason="pyclipper, the reference for unclipping, is not installed")
    scale = 1000  # pyclipper works on integers
    corners = turned_by(rectangle(0, 0, width, height), degrees)
    offset = pyclipper.PyclipperOffset()
    offset.AddPath((corners * scale).round().astype(int).tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    grown = offset.Execute(scale * width * height * ratio / (2 * (width + height)))[0]
    _, sides, _ = cv2.minAreaRect((np.array(grown) / scale).astype(np.float32))
    assert sorted(sides) == pytest.approx(sorted(geometry.expanded_size(width, height, ratio)), abs=0.02)


def test_a_rectangle_without_area_stays_as_it_is() -> None:
    assert geometry.expanded_size(0, 0, 1.5) == (0, 0)


@pytest.fixture
def noise() -> np.ndarray:
    """A picture smooth enough to be compared after resampling."""
    coarse = np.random.default_rng(3).integers(0, 255, (30, 40, 3), np.uint8)
    return cv2.resize(coarse, (400, 300), interpolation=cv2.INTER_CUBIC)


def test_a_crop_of_its_own_size_is_the_slice(noise: np.ndarray) -> None:
    assert np.array_equal(geometry.crop(noise, QUAD, 100, 30), noise[20:50, 10:110])


def test_a_downward_line_is_cropped_as_paddleocr_turns_it(noise: np.ndarray) -> None:
    quad = geometry.along_text(rectangle(50, 40, 30, 120))
    assert np.array_equal(geometry.crop(noise, quad, 120, 30), np.rot90(noise[40:160, 50:80]))


def test_a_line_not_much_higher_than_wide_is_not_turned() -> None:
    quad = rectangle(0, 0, 30, 44)
    assert np.array_equal(geometry.along_text(quad), quad)


def test_a_turned_quad_is_cropped_upside_down(noise: np.ndarray) -> None:
    crop = geometry.crop(noise, geometry.turned(QUAD), 100, 30)
    assert np.array_equal(crop, noise[20:50, 10:110][::-1, ::-1])


def test_a_skewed_crop_is_upright(noise: np.ndarray) -> None:
    centre = (200.0, 150.0)
    straightened = cv2.warpAffine(noise, cv2.getRotationMatrix2D(centre, 20, 1), (400, 300))[140:160, 150:250]
    quad = turned_by(rectangle(-50, -10, 100, 20), 20) + np.float32(centre)
    difference = cv2.absdiff(geometry.crop(noise, quad, 100, 20), straightened)
    assert difference.mean() < 4


def test_large_letters_are_averaged_not_sampled() -> None:
    """One warp of 240 px to 48 would take every fifth row of these thin bars, black or white, and leave out four."""
    rows = (np.arange(240) % 2 * 255).astype(np.uint8)
    picture = np.ascontiguousarray(np.broadcast_to(rows[:, None, None], (240, 600, 3)))
    crop = geometry.crop(picture, rectangle(0, 0, 600, 240), 120, 48)
    assert crop.shape == (48, 120, 3)
    assert 76 <= crop.min() <= crop.max() <= 179


def test_quads_at_the_edge_of_the_page_repeat_it(noise: np.ndarray) -> None:
    crop = geometry.crop(noise, rectangle(380, 280, 20, 20), 20, 20)
    assert np.array_equal(crop, noise[280:, 380:])


def test_pictures_wider_than_a_warp_can_be() -> None:
    picture = np.zeros((40, 40_000, 3), np.uint8)
    picture[:, 39_900:] = 200
    assert (geometry.crop(picture, rectangle(39_900, 5, 100, 30), 100, 30) == 200).all()
    whole = geometry.crop(picture, rectangle(0, 5, 40_000, 30), 800, 30)
    assert (whole[:, :797] == 0).all()
    assert (whole[:, 799:] == 200).all()


def test_parts_of_a_line_follow_its_slant() -> None:
    quad = np.array([[0, 0], [100, 20], [100, 40], [0, 20]], np.float32)
    quarter, rest = geometry.parts(quad, np.array([[0.25, 0.5], [0.5, 1]], np.float32))
    assert quarter.tolist() == [[25, 5], [50, 10], [50, 30], [25, 25]]
    assert geometry.joined(quarter, rest).tolist() == [[25, 5], [100, 20], [100, 40], [25, 25]]
    assert geometry.parts(quad, np.empty((0, 2), np.float32)).shape == (0, 4, 2)


def table(rows: int, columns: int) -> list[np.ndarray]:
    """Cells in reading order, of uneven heights."""
    return [
        rectangle(100 * column, 40 * row + 4 * (column % 3), 60 + 7 * (column % 4), 24 - 3 * (column % 2))
        for row in range(rows)
        for column in range(columns)
    ]


@pytest.mark.parametrize("degrees", [0, 7, -12, 30, 90, 180, 270])
def test_rows_are_read_from_the_top_each_from_its_start(degrees: float) -> None:
    cells = [turned_by(cell, degrees) for cell in table(12, 6)]
    shuffle = np.random.default_rng(1).permutation(len(cells)).tolist()
    order = geometry.reading_order([cells[index] for index in shuffle])
    assert [shuffle[index] for index in order] == list(range(len(cells)))


def test_a_line_down_the_margin_does_not_tilt_the_page() -> None:
    cells = [turned_by(cell, 6) for cell in table(8, 4)]
    margin = geometry.along_text(rectangle(600, 50, 25, 300))
    order = geometry.reading_order([margin, *cells])
    assert [index - 1 for index in order if index] == list(range(len(cells)))


def test_an_empty_page_has_no_order() -> None:
    assert geometry.reading_order([]) == []


def test_thousands_of_lines_are_ordered_at_once() -> None:
    cells = table(500, 12)
    start = time.perf_counter()
    assert geometry.reading_order(cells) == list(range(6000))
    assert time.perf_counter() - start < 2
