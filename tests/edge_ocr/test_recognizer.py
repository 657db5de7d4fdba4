from __future__ import annotations

from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_ocr.engines.base import TensorType
from edge_ocr.errors import BundleError, PictureError
from edge_ocr.manifest import CharsetSpec, InputSpec, LineHeight, ModelSpec, OutputSpec, RecognizerSpec
from edge_ocr.recognizer import Recognizer, read_lines
from tests.edge_ocr.fake_network import FakeNetwork

LETTERS = tuple("abcde文字。")
CLASSES = ["", *LETTERS, " "]
CHARSET = CharsetSpec("charset.txt", 1, "0" * 64, len(LETTERS), 0, True)
RULE = LineHeight(height=48, minimum_width=128, maximum_width=800, multiple=8, squeeze=0.75)


def spec(meaning: str = "ctc-probability") -> RecognizerSpec:
    return ModelSpec(
        "recognizer.tflite",
        1,
        "0" * 64,
        InputSpec("NHWC", "float32", "BGR", 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), RULE),
        OutputSpec(meaning, "NHWC"),
        None,
        {},
    )


def saying(frames: list[int], probability: float = 1.0) -> FakeNetwork:
    """A network that says these classes, whatever it sees, each with this probability."""
    output = np.full((1, 1, len(frames), len(CLASSES)), (1 - probability) / (len(CLASSES) - 1), np.float32)
    output[0, 0, np.arange(len(frames)), frames] = probability
    return FakeNetwork(lambda _: output)


def recognizer(network: FakeNetwork, meaning: str = "ctc-probability") -> Recognizer:
    return Recognizer(network, spec(meaning), LETTERS, CHARSET)


def line(width: int = 128, value: int = 0) -> np.ndarray:
    return np.full((48, width, 3), value, np.uint8)


def indices(text: str) -> list[int]:
    """One frame a character; `-` is a blank."""
    return [0 if character == "-" else CLASSES.index(character) for character in text]


@given(st.lists(st.integers(0, len(CLASSES) - 1), min_size=1, max_size=40))
def test_text_is_what_ctc_makes_of_the_frames(frames: list[int]) -> None:
    expected = "".join(CLASSES[value] for value, _ in groupby(frames))
    assert recognizer(saying(frames)).recognize([line()])[0][0] == expected


def test_the_score_is_the_mean_of_the_characters_kept() -> None:
    output = np.zeros((1, 5, len(CLASSES)), np.float32)
    for frame, (letter, probability) in enumerate([(1, 0.9), (1, 0.5), (0, 0.6), (2, 0.7), (0, 1.0)]):
        output[0, frame, letter] = probability
    ((text, score),) = recognizer(FakeNetwork(lambda _: output)).recognize([line()])
    assert (text, score) == ("ab", pytest.approx((0.9 + 0.7) / 2))


def test_the_score_from_logits_is_their_softmax() -> None:
    logits = np.random.default_rng(7).normal(0, 3, (1, 1, 16, len(CLASSES))).astype(np.float32)
    plain = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    by_logits = recognizer(FakeNetwork(lambda _: logits), "ctc-logits").recognize([line()])
    by_probability = recognizer(FakeNetwork(lambda _: plain)).recognize([line()])
    assert by_logits[0][0] == by_probability[0][0] != ""
    assert by_logits[0][1] == pytest.approx(by_probability[0][1], rel=1e-5)


def test_probabilities_of_every_class_are_the_softmax_of_logits_and_what_else_a_network_gives() -> None:
    logits = np.random.default_rng(7).normal(0, 3, (1, 1, 16, len(CLASSES))).astype(np.float32)
    plain = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    found = recognizer(FakeNetwork(lambda _: logits), "ctc-logits").probabilities(line())
    assert found.shape == (16, len(CLASSES)) and found.dtype == np.float32
    np.testing.assert_allclose(found, plain[0, 0], rtol=1e-5)
    np.testing.assert_array_equal(recognizer(FakeNetwork(lambda _: plain)).probabilities(line()), plain[0, 0])


def test_a_quantised_output() -> None:
    output = TensorType(np.dtype(np.int8), 0.1, -5)
    logits = np.full((1, 1, 4, len(CLASSES)), -3.0, np.float32)
    logits[0, 0, range(4), indices("-ab-")] = 6.0
    network = FakeNetwork(lambda _: output.encode(logits), output=output)
    ((text, score),) = recognizer(network, "ctc-logits").recognize([line()])
    assert (text, score) == ("ab", pytest.approx(1 / (1 + (len(CLASSES) - 1) * np.exp(-9.0)), abs=1e-4))


def test_nothing_but_blanks_is_an_empty_text_of_score_zero() -> None:
    assert recognizer(saying([0] * 16)).recognize([line()]) == [("", 0.0)]


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (60, 48, 60),  # as it is
        (30, 24, 60),
        (128, 48, 128),
        (150, 48, 128),  # squeezed, but not below the minimum
        (200, 48, 150),
        (100, 24, 150),
        (5000, 48, 800),  # the widest input
        (0.2, 48, 1),
    ],
)
def test_the_width_at_which_a_line_is_read(width: float, height: float, expected: int) -> None:
    assert recognizer(saying([0])).line_size(width, height) == (expected, 48)


@pytest.mark.parametrize(("width", "tensor_width"), [(60, 128), (128, 128), (180, 136), (200, 152), (5000, 800)])
def test_lines_are_padded_to_the_minimum_and_the_multiple(width: int, tensor_width: int) -> None:
    network = saying([0])
    reader = recognizer(network)
    reader.recognize([line(width, value=9)])
    seen, _ = reader.line_size(width, 48)
    tensor = network.inputs[0][0]
    assert tensor.shape == (48, tensor_width, 3)
    assert (tensor[:, :seen] == 9).all()
    assert not tensor[:, seen:].any()


def test_crops_of_any_size_are_taken() -> None:
    network = saying(indices("a-b"))
    crops = [np.zeros((20, 300, 3), np.uint8), np.zeros((1, 1, 3), np.uint8), np.zeros((400, 9), np.uint8)]
    assert [text for text, _ in recognizer(network).recognize(crops)] == ["ab"] * 3
    with pytest.raises(PictureError):
        recognizer(network).recognize([np.zeros((0, 5, 3), np.uint8)])


def answering_with_its_shade() -> FakeNetwork:
    """A network that says the class whose number is the shade of the line."""

    def respond(tensor: np.ndarray) -> np.ndarray:
        return np.eye(len(CLASSES), dtype=np.float32)[int(tensor[0, 0, 0, 0])][None, None, None]

    return FakeNetwork(respond)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_readings_come_in_the_order_of_the_lines(count: int) -> None:
    recognizers = [recognizer(answering_with_its_shade()) for _ in range(count)]
    lines = [line(130 + 37 * shade % 200, shade) for shade in range(1, 9)]
    assert "".join(reading.text for reading in read_lines(lines, recognizers)) == "".join(LETTERS)


def test_lines_of_one_width_follow_each_other() -> None:
    network = saying([0])
    read_lines([line(width) for width in (200, 128, 300, 200, 128, 300)], [recognizer(network)])
    widths = [tensor.shape[2] for tensor in network.inputs]
    assert len(list(groupby(widths))) == 3


def test_an_error_in_a_thread_arrives() -> None:
    network = FakeNetwork(lambda _: np.zeros((1, 1, 4, 3), np.float32))
    with pytest.raises(BundleError, match="3 classes"):
        read_lines([line()] * 4, [recognizer(network), recognizer(network)])


def words(text: str) -> list[tuple[str, float, float]]:
    """Words of a line that says one frame a character, in the fractions of its width."""
    (reading,) = read_lines([line(400)], [recognizer(saying(indices(text)))])
    extents = reading.extents()
    return [
        ("".join(reading.characters[where]), float(extents[where][0, 0]), float(extents[where][-1, 1]))
        for where in reading.words()
    ]


def test_words_are_split_at_spaces() -> None:
    found = words("-ab- -cde-")
    assert [text for text, _, _ in found] == ["ab", "cde"]
    # frame n of 10 stands at n / 10: b at .2, the space at .4, c at .6; a space is narrower than a letter
    assert found[0][2] == pytest.approx(0.2 + 0.2 * 2 / 3, abs=0.01)
    assert found[1][1] == pytest.approx(0.6 - 0.2 * 2 / 3, abs=0.01)


def test_each_chinese_character_is_a_word() -> None:
    assert [text for text, _, _ in words("文-字-ab-文-。")] == ["文", "字", "ab", "文", "。"]


def test_words_touch_but_do_not_overlap() -> None:
    found = words("a-文-b-字")
    assert all(one[2] <= other[1] for one, other in pairwise(found))
    assert found[0][1] == 0 and found[-1][2] <= 1


def test_characters_at_the_ends_take_what_is_left_of_the_line() -> None:
    (reading,) = read_lines([line(64)], [recognizer(saying(indices("a--b----")))])
    assert reading.extents()[0, 0] == 0 and reading.extents()[-1, 1] == 1
    (alone,) = read_lines([line(40)], [recognizer(saying(indices("-a------")))])
    assert alone.extents().tolist() == [[0, 1]]


def test_characters_at_the_ends_go_no_farther_than_half_a_height() -> None:
    """A line of 400 x 48 pixels that says something in its middle only."""
    ((_, start, end),) = words("----ab----")
    assert start == pytest.approx(0.4 - 24 / 400, abs=0.01)
    assert end == pytest.approx(0.5 + 24 / 400, abs=0.01)


def test_a_line_of_nothing_has_no_extents() -> None:
    (reading,) = read_lines([line()], [recognizer(saying([0] * 4))])
    assert reading.extents().shape == (0, 2) and reading.words() == []


def test_spaces_at_the_ends_make_no_words() -> None:
    assert [text for text, _, _ in words(" -a- ")] == ["a"]


def test_positions_do_not_count_the_padding() -> None:
    """A line 64 px wide in an input of 128, at 16 px a frame: frame n stands for the pixel in the middle of 16 n."""
    (reading,) = read_lines([line(64)], [recognizer(saying(indices("a--b----")))])
    assert reading.centres == pytest.approx([0.5 / 64, 48.5 / 64])


@pytest.mark.parametrize("single", ["line.png", b"bytes", Path("line.png"), line(), line()[..., 0]])
def test_one_picture_is_no_list(single: Any) -> None:
    with pytest.raises(PictureError, match=r"takes a list and was given one \w+; put it in brackets"):
        recognizer(saying([0])).recognize(single)
    assert recognizer(saying([0])).recognize(np.stack([line(), line()])) == [("", 0.0)] * 2
