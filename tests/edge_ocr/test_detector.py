from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_ocr.detector import Detector, network_size
from edge_ocr.engines.base import TensorType
from edge_ocr.errors import BundleError, PictureError
from edge_ocr.manifest import DetectorPostprocess, DetectorSpec, InputSpec, LongSide, ModelSpec, OutputSpec
from tests.edge_ocr.fake_network import FLOAT, FakeNetwork

RULE = LongSide(long_side=320, multiple=32, minimum=32)
RULES = DetectorPostprocess(threshold=0.2, box_threshold=0.4, unclip_ratio=1.4, minimum_side=3, max_candidates=100)


def spec(
    border: int = 0,
    layout: str = "NHWC",
    rules: DetectorPostprocess = RULES,
    *,
    meaning: str = "text-probability",
    block: int = 1,
) -> DetectorSpec:
    """A detector without normalisation."""
    return ModelSpec(
        "detector.tflite",
        1,
        "0" * 64,
        InputSpec("NHWC", "float32", "BGR", 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), RULE),
        OutputSpec(meaning, layout, border, block),
        rules,
        {},
    )


def text_map(height: int = 320, width: int = 320) -> np.ndarray:
    """A probability map with a level line, a slanted one, a faint one, a speck, and one at the edge."""
    probability = np.zeros((height, width), np.float32)
    cv2.fillPoly(probability, [np.array([[40, 40], [200, 40], [200, 55], [40, 55]])], 0.9)
    cv2.fillPoly(probability, [np.array([[60, 120], [220, 160], [216, 176], [56, 136]])], 0.8)
    cv2.fillPoly(probability, [np.array([[40, 220], [160, 220], [160, 236], [40, 236]])], 0.3)
    cv2.fillPoly(probability, [np.array([[250, 250], [251, 250], [251, 251], [250, 251]])], 1.0)
    cv2.fillPoly(probability, [np.array([[260, 290], [319, 290], [319, 319], [260, 319]])], 0.95)
    return cv2.GaussianBlur(probability, (5, 5), 1)


def returning(probability: np.ndarray) -> FakeNetwork:
    return FakeNetwork(lambda _: probability[None, :, :, None])


def reference_quads(probability: np.ndarray, rules: DetectorPostprocess) -> list[np.ndarray]:
    """PaddleOCR's DBPostProcess.boxes_from_bitmap, written plainly: whole-map masks and pyclipper.

    But for half a pixel: there, the middle of the first pixel is (0, 0), here it is (0.5, 0.5).
    """
    pyclipper = pytest.importorskip("pyclipper", reason="pyclipper, the reference for unclipping, is not installed")
    quads = []
    contours, _ = cv2.findContours(
        (probability > rules.threshold).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE
    )
    for contour in contours:
        rectangle = cv2.minAreaRect(contour)
        corners = cv2.boxPoints(rectangle)
        mask = np.zeros(probability.shape, np.uint8)
        cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
        if min(rectangle[1]) < rules.minimum_side or cv2.mean(probability, mask)[0] < rules.box_threshold:
            continue
        scaled = (corners * 1000).astype(int)
        distance = cv2.contourArea(corners) * rules.unclip_ratio / cv2.arcLength(corners, True)
        offset = pyclipper.PyclipperOffset()
        offset.AddPath(scaled.tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
        grown = np.array(offset.Execute(distance * 1000)[0], np.float32) / 1000
        quads.append((cv2.boxPoints(cv2.minAreaRect(grown)) + 0.5).clip(0, probability.shape[0]).astype(np.float32))
    return quads


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two convex quads."""
    inside, _ = cv2.intersectConvexConvex(cv2.convexHull(one), cv2.convexHull(other))
    return inside / (cv2.contourArea(cv2.convexHull(one)) + cv2.contourArea(cv2.convexHull(other)) - inside)


@pytest.mark.parametrize("meaning", ["text-probability", "text-logits"])
def test_probabilities_are_seen_at_the_size_at_which_the_network_looks(meaning: str) -> None:
    probability = np.clip(text_map(160, 320), 0.01, 0.99)
    numbers = probability if meaning == "text-probability" else np.log(probability / (1 - probability))
    found = Detector(returning(numbers), spec(meaning=meaning)).probabilities(np.zeros((320, 640, 3), np.uint8))
    np.testing.assert_allclose(found, probability, atol=1e-6)


def test_quads_equal_those_of_the_plain_algorithm() -> None:
    probability = text_map()
    quads = Detector(returning(probability), spec()).detect(np.zeros((320, 320, 3), np.uint8))
    expected = reference_quads(probability, RULES)
    assert quads.dtype == np.float32
    assert quads.shape == (len(expected), 4, 2) == (3, 4, 2)
    assert all(max(overlap(quad, other) for other in expected) > 0.99 for quad in quads)


def test_quads_are_in_pixels_of_the_picture() -> None:
    detector = Detector(returning(text_map(160, 320)), spec())
    (quad,) = detector.detect(np.zeros((480, 960, 3), np.uint8))[:1]
    (same,) = Detector(returning(text_map(160, 320)), spec()).detect(np.zeros((160, 320, 3), np.uint8))[:1]
    assert quad == pytest.approx(same * 3)


def test_the_border_of_the_map_is_cut_off() -> None:
    framed = np.pad(text_map(), 4, constant_values=1.0)
    picture = np.zeros((320, 320, 3), np.uint8)
    plain = Detector(returning(text_map()), spec()).detect(picture)
    assert np.array_equal(Detector(returning(framed), spec(border=4)).detect(picture), plain)


def test_a_map_with_channels_first() -> None:
    network = FakeNetwork(lambda _: text_map()[None, None])
    picture = np.zeros((320, 320, 3), np.uint8)
    plain = Detector(returning(text_map()), spec()).detect(picture)
    assert np.array_equal(Detector(network, spec(layout="NCHW")).detect(picture), plain)


def test_a_quantised_map_gives_nearly_the_same_quads() -> None:
    output = TensorType(np.dtype(np.int8), 1 / 255, -128)
    network = FakeNetwork(lambda _: output.encode(text_map())[None, :, :, None], output=output)
    picture = np.zeros((320, 320, 3), np.uint8)
    quads = Detector(network, spec()).detect(picture)
    plain = Detector(returning(text_map()), spec()).detect(picture)
    assert [overlap(*pair) > 0.97 for pair in zip(quads, plain, strict=True)] == [True] * 3


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("block", [2, 4])
def test_a_map_in_blocks_with_a_border(block: int, layout: str) -> None:
    framed = np.pad(text_map(), block, constant_values=1.0)
    side = len(framed) // block
    rows_of_blocks = framed.reshape(side, block, side, block)
    axes = (0, 2, 1, 3) if layout == "NHWC" else (1, 3, 0, 2)
    shape = (1, side, side, block**2) if layout == "NHWC" else (1, block**2, side, side)
    network = FakeNetwork(lambda _: rows_of_blocks.transpose(axes).reshape(shape))
    picture = np.zeros((320, 320, 3), np.uint8)
    plain = Detector(returning(text_map()), spec()).detect(picture)
    assert np.array_equal(Detector(network, spec(block, layout, block=block)).detect(picture), plain)


@pytest.mark.parametrize("output", [FLOAT, TensorType(np.dtype(np.int8), 0.05, 30)], ids=["float32", "int8"])
def test_logits_give_nearly_the_same_quads_as_probabilities(output: TensorType) -> None:
    probability = np.clip(text_map(), 1e-6, 1 - 1e-6)
    logits = np.log(probability / (1 - probability))
    network = FakeNetwork(lambda _: output.encode(logits)[None, :, :, None], output=output)
    picture = np.zeros((320, 320, 3), np.uint8)
    quads = Detector(network, spec(meaning="text-logits")).detect(picture)
    plain = Detector(returning(text_map()), spec()).detect(picture)
    assert [overlap(*pair) > 0.97 for pair in zip(quads, plain, strict=True)] == [True] * 3


@pytest.mark.parametrize("output", [FLOAT, TensorType(np.dtype(np.int8), 0.05, 30)], ids=["float32", "int8"])
@pytest.mark.parametrize(("threshold", "found"), [(0.0, 1), (1.0, 0)])
def test_thresholds_without_a_logit(threshold: float, found: int, output: TensorType) -> None:
    rules = DetectorPostprocess(threshold, 0.0, 1.4, 3, max_candidates=100)
    network = FakeNetwork(lambda _: output.encode(np.full((1, 320, 320, 1), -200.0)), output=output)
    detector = Detector(network, spec(rules=rules, meaning="text-logits"))
    assert len(detector.detect(np.zeros((320, 320, 3), np.uint8))) == found


def test_only_so_many_candidates_are_looked_at() -> None:
    """OpenCV lists the lowest contour first: the line at the edge."""
    rules = DetectorPostprocess(0.2, 0.4, 1.4, 3, max_candidates=1)
    (quad,) = Detector(returning(text_map()), spec(rules=rules)).detect(np.zeros((320, 320, 3), np.uint8))
    (expected,) = (other for other in reference_quads(text_map(), RULES) if other.max() == 320)
    assert overlap(quad, expected) > 0.99


@pytest.mark.parametrize(("layout", "border"), [("NCHW", 0), ("NHWC", 4), ("NHWC", 200)])
def test_a_map_that_is_not_the_one_of_the_manifest_is_refused(layout: str, border: int) -> None:
    detector = Detector(returning(text_map()), spec(border, layout))
    with pytest.raises(BundleError, match=r"detector model gives an output of shape \(1, 320, 320, 1\) where"):
        detector.detect(np.zeros((320, 320, 3), np.uint8))


def test_a_picture_without_text_has_no_quads() -> None:
    network = FakeNetwork(lambda tensor: np.zeros((*tensor.shape[:3], 1), np.float32))
    assert Detector(network, spec()).detect(np.zeros((100, 100, 3), np.uint8)).shape == (0, 4, 2)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (320, 320, (320, 320)),
        (1, 1, (32, 32)),
        (100, 50, (96, 64)),  # to the nearest multiple
        (640, 480, (320, 256)),
        (10, 20_000, (32, 320)),
        (20_000, 1, (320, 32)),
    ],
)
def test_pictures_of_any_shape_are_scaled_to_what_the_network_takes(
    height: int, width: int, expected: tuple[int, int]
) -> None:
    assert network_size(height, width, RULE, 320) == expected
    network = FakeNetwork(lambda tensor: np.ones((*tensor.shape[:3], 1), np.float32))
    quads = Detector(network, spec()).detect(np.zeros((height, width, 3), np.uint8))
    assert network.inputs[0].shape == (1, *expected, 3)
    assert len(quads) == 1  # everything is text
    assert quads.min() >= 0
    assert (quads <= [width, height]).all()


def test_the_long_side_can_be_chosen() -> None:
    network = FakeNetwork(lambda tensor: np.zeros((*tensor.shape[:3], 1), np.float32))
    Detector(network, spec(), long_side=160).detect(np.zeros((640, 480, 3), np.uint8))
    assert network.inputs[0].shape == (1, 160, 128, 3)
    with pytest.raises(ValueError, match="16 px"):
        Detector(network, spec(), long_side=16)


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(PictureError):
        Detector(returning(text_map()), spec()).detect(np.zeros((10, 10, 3), np.float32))


def test_the_network_sees_the_picture() -> None:
    network = FakeNetwork(lambda tensor: np.zeros((*tensor.shape[:3], 1), np.float32), input=FLOAT)
    picture = np.random.default_rng(4).integers(0, 255, (64, 96, 3), np.uint8)
    Detector(network, spec()).detect(picture)
    assert np.array_equal(network.inputs[0][0], picture)
