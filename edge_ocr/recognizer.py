"""Line crops -> text and score, by CTC."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_ocr import ctc
from edge_ocr.engines.base import Array, Network
from edge_ocr.errors import BundleError
from edge_ocr.manifest import CharsetSpec, RecognizerSpec
from edge_ocr.normalisation import Normaliser
from edge_ocr.pictures import Picture, Source, load_picture


@dataclass(frozen=True)
class Span:
    """A word of a reading.

    Attributes:
        text: its characters.
        score: their mean probability.
        start: where it begins, as a fraction of the line's width, 0 to 1.
        end: where it ends.
    """

    text: str
    score: float
    start: float
    end: float


@dataclass(frozen=True)
class Reading:
    """What a line says.

    Attributes:
        characters: in order; blanks and repeats are gone.
        scores: (n,) float32, the probability of each.
        centres: (n,) float32, where each stands, as a fraction of the line's width.
    """

    characters: tuple[str, ...]
    scores: npt.NDArray[np.float32]
    centres: npt.NDArray[np.float32]

    @property
    def text(self) -> str:
        """The characters as one string."""
        return "".join(self.characters)

    @property
    def score(self) -> float:
        """Mean probability of the characters, 0 where there are none."""
        return float(self.scores.mean()) if len(self.scores) else 0.0

    def words(self) -> list[Span]:
        """The reading split at spaces, and around each character of a script that is written without them.

        CTC tells where a character stands, not how wide it is: each gets the room half-way to its neighbours,
        and the first and the last as much on their outer side as on their inner one.
        """
        between = (self.centres[1:] + self.centres[:-1]) / 2
        first = 2 * self.centres[:1] - between[:1] if len(between) else [0.0]
        last = 2 * self.centres[-1:] - between[-1:] if len(between) else [1.0]
        edges = np.clip(np.concatenate([first, between, last]), 0, 1)
        return [
            Span(
                "".join(self.characters[start:end]),
                float(self.scores[start:end].mean()),
                float(edges[start]),
                float(edges[end]),
            )
            for start, end in _word_bounds(self.characters)
        ]


class Recognizer:
    """Reads line crops."""

    def __init__(self, network: Network, spec: RecognizerSpec, charset: Sequence[str], classes: CharsetSpec) -> None:
        """Wrap a loaded recognizer.

        Args:
            network: the model.
            spec: what the manifest says about it.
            charset: the entries of the charset file.
            classes: what the manifest says about the classes they stand for.
        """
        self._network = network
        self._spec = spec
        self._normaliser = Normaliser(spec.input, network)
        self._blank = classes.blank
        self._characters = [*charset, " "] if classes.space_appended else list(charset)
        self._characters.insert(classes.blank, "")

    def line_size(self, width: float, height: float) -> tuple[int, int]:
        """The width and height in pixels at which a line of this width and height is read.

        Lines wider than the narrowest input are squeezed a little: fewer frames, hardly less legible.
        """
        rule = self._spec.input.size
        natural = rule.height * width / height
        squeezed = max(float(rule.minimum_width), natural * rule.squeeze)
        fitted = math.ceil(min(natural, squeezed))
        return min(max(fitted, 1), rule.maximum_width), rule.height

    def recognize(self, crops: Sequence[Source]) -> list[tuple[str, float]]:
        """Read upright lines of any size.

        Args:
            crops: each what `OCR.read` takes, such as a (height, width, 3) uint8 BGR array.

        Returns:
            Text and score, 0 to 1, of each crop.

        Raises:
            PictureError: a crop is not a picture that can be read.
            EngineError: the engine fails.
        """
        readings = read_lines([self._fit(load_picture(crop)) for crop in crops], [self])
        return [(reading.text, reading.score) for reading in readings]

    def read(self, line: Array) -> Reading:
        """Read one (height, width, 3) uint8 BGR line that is already of its `line_size`."""
        rule = self._spec.input.size
        height, width = line.shape[:2]
        tensor_width = max(rule.minimum_width, math.ceil(width / rule.multiple) * rule.multiple)

        def fill(tensor: Array) -> None:
            self._normaliser.write(line, tensor)

        def take(output: Array) -> Reading:
            return self._decoded(output.reshape(-1, output.shape[-1]), tensor_width / width)

        return self._network.run(self._normaliser.shape(height, tensor_width), fill, take)

    def _fit(self, crop: Picture) -> Array:
        size = self.line_size(crop.shape[1], crop.shape[0])
        return cv2.resize(crop, size) if size != crop.shape[1::-1] else crop

    def _decoded(self, frames: Array, stretch: float) -> Reading:
        """The reading in (frames, classes) output of a tensor `stretch` times as wide as its line."""
        if frames.shape[1] != len(self._characters):
            raise BundleError(
                f"the recognizer tells {frames.shape[1]} classes apart, but the charset with its blank has "
                f"{len(self._characters)}; convert the model again"
            )
        path = ctc.best_path(frames, self._blank)
        best = self._network.output.decode(frames[path.first])
        scores = ctc.softmax_of_best(best) if self._spec.output.meaning == "ctc-logits" else best.max(axis=1)
        centres = (path.first + path.last + 1) / 2 * np.float32(stretch / len(frames))
        return Reading(
            tuple(self._characters[index] for index in path.classes.tolist()),
            scores,
            np.minimum(centres, 1).astype(np.float32),
        )


def read_lines(lines: Sequence[Array], recognizers: Sequence[Recognizer]) -> list[Reading]:
    """Read lines, each already of its `line_size`, with one thread per recognizer.

    The widest come first: lines of one width, whose tensors need no new memory plan, then follow each other,
    and at the end no thread waits long for the others.
    """
    readings: dict[int, Reading] = {}
    # shared by the threads: next() of a list's iterator is atomic, so each line is taken once
    queue = iter(sorted(range(len(lines)), key=lambda index: -lines[index].shape[1]))

    def work(recognizer: Recognizer) -> None:
        for index in queue:
            readings[index] = recognizer.read(lines[index])

    if len(recognizers) == 1:
        work(recognizers[0])
    else:
        with ThreadPoolExecutor(len(recognizers)) as threads:
            list(threads.map(work, recognizers))  # list() brings the errors of the threads here
    return [readings[index] for index in range(len(lines))]


_UNSPACED = re.compile("[\u2e80-\u312f\u31a0-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]")
"""Han, kana, bopomofo, and the punctuation and full-width forms that go with them; Korean has spaces."""


def _word_bounds(characters: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Start and end index of each word, in order."""
    start = 0
    for index, character in enumerate([*characters, " "]):
        alone = _UNSPACED.match(character)
        if not (alone or character.isspace()):
            continue
        if start < index:
            yield start, index
        if alone:
            yield index, index + 1
        start = index + 1
