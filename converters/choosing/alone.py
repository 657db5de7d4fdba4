"""One model of a system by itself: what it is shown, and what it makes of that.

The recognizer reads pictures of lines, the detector finds boxes on pages that nobody reads, and the direction
classifier says of every line, as it is and turned by 180 degrees, how it lies. All look through the runtime's own
stages, so that resizing, padding and normalisation are those of the device; no error of one model reaches another.

What they find is told as readings of a whole system are: of a box there is no text, and a direction is the text "0" or
"180". So the field's figures (`converters.evaluation`) are drawn from it like from any reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2

from converters.evaluation.datasets import Dataset, LabelledLine
from converters.evaluation.labels import LabelledPicture
from converters.evaluation.readings import LineReading, Reader, read_line
from converters.verification import Comparison
from edge_ocr.bundle import Bundle
from edge_ocr.detector import Detector
from edge_ocr.direction import DirectionClassifier
from edge_ocr.engines import open_engine
from edge_ocr.engines.base import Network
from edge_ocr.page import Page, TextLine
from edge_ocr.pictures import load_picture
from edge_ocr.recognizer import Recognizer

UPRIGHT, TURNED = "0", "180"
"""How a line lies, in degrees."""


@dataclass(frozen=True)
class Alone:
    """How a kind of model is tried by itself.

    Attributes:
        shown: data sets -> what of them such a model is shown.
        reader: a bundle -> what its model of that kind makes of a picture.
        bearing: figures of what was found -> those that bear on the model alone.
    """

    shown: Callable[[Dataset], Dataset]
    reader: Callable[[Bundle], Reader]
    bearing: Callable[[Comparison], Comparison]


def load_network(bundle: Bundle, kind: str) -> Network:
    """A bundle's model of a kind, on one thread.

    Raises:
        BundleError: the bundle has no such model, or it could bring the interpreter down.
        EngineError: no engine for it is installed, or the engine refuses the model.
    """
    engine = open_engine(None, bundle.manifest.format, bundle.manifest.min_runtime)
    return engine.load(bundle.runnable_model(kind), name=kind)


class _Reading:
    """Reads lines."""

    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        network = load_network(bundle, "recognizer")
        self._recognizer = Recognizer(network, manifest.models.recognizer, bundle.charset, manifest.charset)

    def __call__(self, picture: LabelledPicture) -> LineReading:
        return read_line(self._recognizer, load_picture(picture.picture))


class _Finding:
    """Finds boxes on pages."""

    def __init__(self, bundle: Bundle) -> None:
        self._detector = Detector(load_network(bundle, "detector"), bundle.manifest.models.detector)

    def __call__(self, picture: LabelledPicture) -> Page:
        content = load_picture(picture.picture)
        height, width = content.shape[:2]
        return Page(width, height, tuple(TextLine("", 0.0, quad) for quad in self._detector.detect(content)))


class _Directing:
    """Says how lines lie; each is shown as its label says."""

    def __init__(self, bundle: Bundle) -> None:
        spec = bundle.manifest.models.direction
        assert spec is not None, "only asked of systems that have a direction classifier"
        self._direction = DirectionClassifier(load_network(bundle, "direction"), spec)

    def __call__(self, picture: LabelledPicture) -> LineReading:
        assert isinstance(picture, LabelledLine), "it is shown no pages"
        line = load_picture(picture.picture)
        turned = self._direction.probability(cv2.rotate(line, cv2.ROTATE_180) if picture.text == TURNED else line)
        sure = max(turned, 1 - turned)
        return LineReading(TURNED if turned > 0.5 else UPRIGHT, sure, sure)


def _both_ways(lines: Sequence[LabelledLine]) -> tuple[LabelledLine, ...]:
    """Every line as the file has it and turned; what is known of it is how it lies."""
    return tuple(LabelledLine(line.picture, way) for line in lines for way in (UPRIGHT, TURNED))


def _of_boxes(found: Comparison) -> Comparison:
    """Without the figures of texts, which nobody has read."""
    alike = replace(found.agreement, same_text=None, same_direction=None)
    return replace(found, end_to_end_hmean=None, agreement=alike)


def _of_directions(found: Comparison) -> Comparison:
    """With what is told as texts called directions."""
    told = found.agreement
    alike = replace(
        told,
        common_boxes=told.lines,
        same_direction=told.same_text,
        same_text=None,
        same_text_where_sure=None,
        change_of_length=None,
    )
    return replace(found, character_error_rate=None, agreement=alike)


ALONE: Mapping[str, Alone] = {
    "detector": Alone(lambda data: replace(data, lines=()), _Finding, _of_boxes),
    "direction": Alone(lambda data: replace(data, lines=_both_ways(data.lines), pages=()), _Directing, _of_directions),
    "recognizer": Alone(lambda data: replace(data, pages=()), _Reading, lambda found: found),
}
"""Kind of model -> how it is tried."""
