"""Line crops -> text and score, by CTC."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_ocr import ctc
from edge_ocr.engines.base import Array, Network, Result
from edge_ocr.errors import BundleError, PictureError
from edge_ocr.manifest import CharsetSpec, RecognizerSpec
from edge_ocr.normalisation import Normaliser
from edge_ocr.pictures import Picture, Source, load_picture

SPACE_SHARE = 1 / 3
"""Of the way from a letter's centre to that of a space beside it: a space is narrower than most letters."""


@dataclass(frozen=True)
class Reading:
    """What a line says.

    Attributes:
        characters: in order; blanks and repeats are gone.
        scores: (n,) float32, the probability of each.
        centres: (n,) float32, where each stands, as a fraction of the line's width.
        reach: half the line's height, as such a fraction: no character at an end of the line goes farther.
    """

    characters: tuple[str, ...]
    scores: npt.NDArray[np.float32]
    centres: npt.NDArray[np.float32]
    reach: float

    @property
    def text(self) -> str:
        """The characters as one string."""
        return "".join(self.characters)

    @property
    def score(self) -> float:
        """Mean probability of the characters, 0 where there are none."""
        return float(self.scores.mean()) if len(self.scores) else 0.0

    def extents(self) -> npt.NDArray[np.float32]:
        """(n, 2): where each character begins and ends, as fractions of the line's width.

        CTC tells where a character stands, not how wide it is: neighbours meet half-way, or nearer to a space than
        to a letter, and the first and the last go to the ends of the line.
        """
        if not self.characters:
            return np.empty((0, 2), np.float32)
        narrow = np.array([character.isspace() for character in self.characters])
        share = np.where(narrow, SPACE_SHARE, 1 - SPACE_SHARE)
        share = np.where(narrow[:-1] == narrow[1:], 0.5, share[:-1])  # of the gap, for the character before it
        meetings = self.centres[:-1] + share * (self.centres[1:] - self.centres[:-1])
        first, last = max(0.0, self.centres[0] - self.reach), min(1.0, self.centres[-1] + self.reach)
        edges = np.concatenate([[first], meetings, [last]]).astype(np.float32)
        return np.stack([edges[:-1], edges[1:]], axis=1)

    def words(self) -> list[slice]:
        """Which characters make up each word: split at spaces, and around each one of an unspaced script."""
        return [slice(start, end) for start, end in _word_bounds(self.characters)]


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

    def recognize(self, crops: Sequence[Source] | npt.NDArray[np.uint8]) -> list[tuple[str, float]]:
        """Read upright lines of any size.

        Args:
            crops: each what `OCR.read` takes, such as a (height, width, 3) uint8 BGR array; all of one size may also
                stand in one (n, height, width, 3) array.

        Returns:
            Text and score, 0 to 1, of each crop.

        Raises:
            PictureError: a crop is not a picture that can be read, or `crops` is one picture and no list.
            EngineError: the engine fails.
        """
        alone = isinstance(crops, np.ndarray) and crops.ndim < 4
        if alone or isinstance(crops, str | bytes) or not isinstance(crops, Iterable):
            raise PictureError(f"recognize takes a list and was given one {type(crops).__name__}; put it in brackets")
        readings = read_lines([self.fit(load_picture(crop)) for crop in crops], [self])
        return [(reading.text, reading.score) for reading in readings]

    def read(self, line: Array) -> Reading:
        """Read one (height, width, 3) uint8 BGR line that is already of its `line_size`."""
        return self._look(line, lambda frames, width: self._decoded(frames, width, line.shape[1]))

    def probabilities(self, line: Array) -> npt.NDArray[np.float32]:
        """How probable each class is in each frame of such a line: (frames, classes) float32, blank included."""
        return self._look(line, lambda frames, _width: self._probabilities(frames))

    def _look(self, line: Array, take: Callable[[Array, int], Result]) -> Result:
        """What `take` makes of the network's (frames, classes) output and the width of the tensor that it saw."""
        rule = self._spec.input.size
        height, width = line.shape[:2]
        tensor_width = max(rule.minimum_width, math.ceil(width / rule.multiple) * rule.multiple)

        def fill(tensor: Array) -> None:
            self._normaliser.write(line, tensor)

        def take_frames(output: Array) -> Result:
            return take(output.reshape(-1, output.shape[-1]), tensor_width)

        return self._network.run(self._normaliser.shape(height, tensor_width), fill, take_frames)

    def _probabilities(self, frames: Array) -> npt.NDArray[np.float32]:
        """What the network's numbers stand for, by softmax where they are logits."""
        values = self._network.output.decode(frames)
        if self._spec.output.meaning != "ctc-logits":
            return values
        powers: npt.NDArray[np.float32] = np.exp(values - values.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def fit(self, crop: Picture) -> Array:
        """Bring an upright (height, width, 3) uint8 BGR line of any size to its `line_size`."""
        size = self.line_size(crop.shape[1], crop.shape[0])
        return cv2.resize(crop, size) if size != crop.shape[1::-1] else crop

    def _decoded(self, frames: Array, tensor_width: int, width: int) -> Reading:
        """The reading in the (frames, classes) output for a line of this width in a tensor of that width."""
        if frames.shape[1] != len(self._characters):
            raise BundleError(
                f"the recognizer tells {frames.shape[1]} classes apart, but the charset with its blank has "
                f"{len(self._characters)}; convert the model again"
            )
        path = ctc.best_path(frames, self._blank)
        best, kind = frames[path.first], self._network.output
        if self._spec.output.meaning == "ctc-logits":
            scores = ctc.probability_of_best(best, kind)
        else:
            scores = kind.decode(best).max(axis=1)
        # Convolutions of stride 2 with equal padding look at the middle of every other pixel, from the first one on:
        # frame i stands for the pixel i * stride, not for the middle of its stride.
        centres = ((path.first + path.last) / 2 * (tensor_width / len(frames)) + 0.5) / width
        return Reading(
            tuple(self._characters[index] for index in path.classes.tolist()),
            scores,
            np.minimum(centres, 1).astype(np.float32),
            self._spec.input.size.height / (2 * width),
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
        from concurrent.futures import ThreadPoolExecutor  # slow to import, and one thread needs none

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
