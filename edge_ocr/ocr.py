"""One picture in, a `Page` of `TextLine`s out: the only module that knows all the stages."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from edge_ocr import geometry
from edge_ocr.bundle import Bundle
from edge_ocr.detector import Detector
from edge_ocr.direction import DirectionClassifier
from edge_ocr.engines import open_engine
from edge_ocr.engines.base import Engine, Network
from edge_ocr.page import Character, Page, Quad, TextLine, Word
from edge_ocr.pictures import Picture, Source, load_picture
from edge_ocr.recognizer import Reading, Recognizer, read_lines
from edge_ocr.threads import default_threads


class OCR:
    """Text out of pictures.

    One `OCR` belongs to one thread at a time; several may run side by side.

    Attributes:
        bundle: the models in use.
        engine: the inference engine that runs them.
        detector: finds the lines of a picture; usable on its own.
        direction: tells which lines are upside down; None where it is off, or absent from the bundle.
        recognizer: reads line crops; usable on its own.
    """

    def __init__(
        self,
        bundle: Bundle | str | os.PathLike[str] | None = None,
        *,
        engine: str | Engine | None = None,
        threads: int | None = None,
        det_side: int | None = None,
        direction: bool = True,
        min_score: float = 0.5,
    ) -> None:
        """Load the models.

        Args:
            bundle: an open bundle, a folder, an `.ocrbundle` file or the name of an installed bundle; None is
                the one that ships with edge-ocr.
            engine: name of an inference engine or of the package to run it on, or an engine of your own; None
                is the first that is installed.
            threads: the detector runs on so many, and so many lines are read at once; None is one a core that this
                process may use, up to `edge_ocr.threads.MOST_THREADS`.
            det_side: long side, in pixels, at which the detector looks at a picture; None is the bundle's.
            direction: whether to look for lines that are upside down and turn them.
            min_score: lines with a lower score, 0 to 1, are left out.

        Raises:
            BundleError: there is no such bundle, or it is not what its manifest says.
            EngineError: no engine for it is installed, or the engine refuses a model.
            ValueError: an option is out of range.
        """
        if threads is None:
            threads = default_threads()
        if threads < 1:
            raise ValueError(f"threads is {threads}; at least 1 is needed")
        if not 0 <= min_score <= 1:
            raise ValueError(f"min_score is {min_score}; give a score from 0 to 1")
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
        manifest, models = self.bundle.manifest, self.bundle.manifest.models
        if engine is None or isinstance(engine, str):
            engine = open_engine(engine, manifest.format, manifest.min_runtime)
        self.engine = engine
        self._min_score = min_score

        contents = {kind: self.bundle.runnable_model(kind) for kind in models.by_kind()}

        def load(kind: str, threads: int = 1) -> Network:
            return self.engine.load(contents[kind], name=kind, threads=threads)

        self.detector = Detector(load("detector", threads), models.detector, det_side)
        self.direction: DirectionClassifier | None = None
        if direction and models.direction:
            self.direction = DirectionClassifier(load("direction"), models.direction)
        self._recognizers = [
            Recognizer(load("recognizer"), models.recognizer, self.bundle.charset, manifest.charset)
            for _ in range(threads)
        ]
        self.recognizer = self._recognizers[0]

    def read(self, image: Source) -> Page:
        """Read a picture.

        Args:
            image: a path, the bytes of a picture file, a PIL image, or a (height, width, 3) uint8 BGR array.

        Returns:
            Its lines in reading order, and the milliseconds that each stage took.

        Raises:
            PictureError: it is not a picture that can be read.
            EngineError: the engine fails.
        """
        timings: dict[str, float] = {}
        with _stage("total", timings):
            with _stage("decode", timings):
                picture = load_picture(image)
            with _stage("detect", timings):
                quads = [geometry.along_text(quad) for quad in self.detector.detect(picture)]
            with _stage("crop", timings):
                sizes = [self.recognizer.line_size(*geometry.side_lengths(quad)) for quad in quads]
                crops = [geometry.crop(picture, quad, *size) for quad, size in zip(quads, sizes, strict=True)]
            with _stage("direction", timings):
                for index in self._upside_down(crops):
                    quads[index] = geometry.turned(quads[index])
                    crops[index] = cv2.rotate(crops[index], cv2.ROTATE_180)
            with _stage("recognise", timings):
                readings = read_lines(crops, self._recognizers)
            lines = [
                _text_line(reading, quad)
                for reading, quad in zip(readings, quads, strict=True)
                if reading.text.strip() and reading.score >= self._min_score
            ]
            lines = [lines[index] for index in geometry.reading_order([line.box for line in lines])]
        height, width = picture.shape[:2]
        return Page(width, height, tuple(lines), timings)

    def _upside_down(self, crops: list[Picture]) -> list[int]:
        """Indices of the crops that are to be turned."""
        if self.direction is None:
            return []
        return [index for index, turn in enumerate(self.direction.upside_down(crops)) if turn]


def _text_line(reading: Reading, quad: Quad) -> TextLine:
    boxes = geometry.parts(quad, reading.extents())
    characters = [
        Character(text, score, box)
        for text, score, box in zip(reading.characters, reading.scores.tolist(), boxes, strict=True)
    ]
    words = tuple(_word(characters[where]) for where in reading.words())
    return TextLine(reading.text, reading.score, quad, words)


def _word(characters: list[Character]) -> Word:
    text = "".join(character.text for character in characters)
    score = sum(character.score for character in characters) / len(characters)
    return Word(text, score, geometry.joined(characters[0].box, characters[-1].box), tuple(characters))


@contextmanager
def _stage(name: str, timings: dict[str, float]) -> Iterator[None]:
    """Note the milliseconds that the body takes."""
    start = time.perf_counter()
    yield
    timings[name] = (time.perf_counter() - start) * 1000
