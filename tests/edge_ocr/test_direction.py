from __future__ import annotations

import numpy as np
import pytest

from edge_ocr.direction import DirectionClassifier
from edge_ocr.manifest import DirectionPostprocess, DirectionSpec, FixedSize, InputSpec, ModelSpec, OutputSpec
from tests.edge_ocr.fake_network import FakeNetwork


def spec(labels: tuple[int, int] = (0, 180)) -> DirectionSpec:
    return ModelSpec(
        "direction.tflite",
        1,
        "0" * 64,
        InputSpec("NHWC", "float32", "BGR", 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), FixedSize(48, 192)),
        OutputSpec("class-probability", labels=labels),
        DirectionPostprocess(threshold=0.9, voters=3),
        {},
    )


def classifier() -> tuple[DirectionClassifier, FakeNetwork]:
    """One whose network answers with the percentage that the first pixel of a line states."""
    network = FakeNetwork(lambda tensor: np.array([[1 - tensor[0, 0, 0, 0] / 100, tensor[0, 0, 0, 0] / 100]]))
    return DirectionClassifier(network, spec()), network


def line(percentage: int, width: int = 100, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), percentage, np.uint8)


@pytest.mark.parametrize(("percentage", "turned"), [(10, False), (60, False), (89, False), (91, True)])
def test_a_line_is_turned_above_the_threshold(percentage: int, turned: bool) -> None:
    direction, _ = classifier()
    assert direction.probability(line(percentage)) == pytest.approx(percentage / 100)
    assert direction.upside_down([line(percentage)]) == [turned]


@pytest.mark.parametrize("percentage", [5, 97])
def test_the_longest_lines_speak_for_all_when_they_agree(percentage: int) -> None:
    direction, network = classifier()
    short = [line(100 - percentage, width) for width in (30, 40, 50)]
    long = [line(percentage, width) for width in (150, 160, 170)]
    assert direction.upside_down([*short, *long]) == [percentage > 90] * 6
    assert len(network.inputs) == 3


def test_every_line_is_asked_when_they_disagree() -> None:
    direction, network = classifier()
    lines = [line(99, 50), line(5, 60), line(5, 150), line(99, 160), line(5, 170)]
    assert direction.upside_down(lines) == [True, False, False, True, False]
    assert len(network.inputs) == 5  # and none of them twice


@pytest.mark.parametrize(("others", "expected"), [(99, True), (1, False)])
def test_unsure_lines_follow_the_sure_ones(others: int, expected: bool) -> None:
    direction, _ = classifier()
    unsure = [line(50, 200), line(12, 100)]
    sure = [line(others, width) for width in (180, 190, 60)]
    against = line(100 - others, 195)
    assert direction.upside_down([*unsure, *sure, against]) == [*[expected] * 5, not expected]


def test_a_page_without_lines() -> None:
    direction, network = classifier()
    assert direction.upside_down([]) == []
    assert network.inputs == []


def test_the_order_of_the_classes_is_that_of_the_manifest() -> None:
    network = FakeNetwork(lambda _: np.array([[0.99, 0.01]], np.float32))
    assert DirectionClassifier(network, spec((180, 0))).probability(line(0)) == pytest.approx(0.99)
    assert DirectionClassifier(network, spec((0, 180))).probability(line(0)) == pytest.approx(0.01)


@pytest.mark.parametrize(("width", "height", "seen"), [(100, 48, 100), (900, 48, 192), (100, 24, 192), (60, 30, 96)])
def test_a_line_is_scaled_to_the_height_and_padded(width: int, height: int, seen: int) -> None:
    direction, network = classifier()
    direction.probability(line(50, width, height))
    tensor = network.inputs[0][0]
    assert tensor.shape == (48, 192, 3)
    assert (tensor[:, :seen] == 50).all()
    assert not tensor[:, seen:].any()


def test_of_a_long_line_the_beginning_is_shown() -> None:
    direction, network = classifier()
    long = line(50, 900)
    long[:, 384:] = 200
    direction.probability(long)
    assert (network.inputs[0] == 50).all()
