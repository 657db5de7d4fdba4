"""How long each stage of a page takes, without a change to the runtime.

`OCR` takes an engine of the caller's own. The one here hands everything on to a real one and notes when each inference
begins and ends, and when the two callbacks inside it do: `fill`, which writes the input, and `take`, which reads the
output. With the page's own timings that splits a page into

    decode        the picture's file read and decoded into an array
    preprocess    the picture resized to the detector's size and normalised into its input
    detect        the detector's network
    postprocess   its map made into quads (DB), and those turned along their text
    crop          the lines cut out of the picture, upright and of the recognizer's height
    direction     the direction classifier, with its own pre- and post-processing, and lines that lie turned
    recognise     the recognizer's network
    ctc           the rest of recognition: crops normalised into the input, CTC decoding, words and their boxes, the
                  reading order

Of a long picture, which the detector sees piece by piece, the cutting of later pieces counts as post-processing. A
network's time includes what the engine does when the input's shape changes, such as a new plan of its memory.

With several threads lines are recognised at the same time. `recognise` is then the time by the clock on the wall during
which at least one network runs, so that it gets shorter with more threads, and what the other threads do meanwhile is
hidden in it, as it is from the user; `ctc` is the rest of the wall time. So the stages together are the page, whatever
the number of threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from edge_ocr.bundle import Bundle
from edge_ocr.engines.base import Array, Engine, Network, Result
from edge_ocr.ocr import OCR
from edge_ocr.page import Page
from edge_ocr.pictures import Source

Span = tuple[float, float]
"""Begin and end, in seconds of `time.perf_counter`."""


@dataclass(frozen=True)
class Inference:
    """When one run of a network took place.

    Attributes:
        kind: of the network: `detector`, `direction` or `recognizer`.
        whole: from call to return.
        fill: within it, the input being written.
        take: within it, after that, the output being read.
    """

    kind: str
    whole: Span
    fill: Span
    take: Span

    @property
    def network(self) -> tuple[Span, ...]:
        """What is neither filling nor taking."""
        return (self.whole[0], self.fill[0]), (self.fill[1], self.take[0]), (self.take[1], self.whole[1])


class WatchedEngine:
    """An engine that notes what its networks do; see `edge_ocr.engines.base.Engine`.

    Attributes:
        inferences: since the list was last cleared, in the order in which they ended.
    """

    def __init__(self, engine: Engine) -> None:
        """`engine` does the work."""
        self.name = engine.name
        self.package = engine.package
        self.version = engine.version
        self.format = engine.format
        self.inferences: list[Inference] = []
        self._engine = engine

    def load(self, model: bytes, *, name: str, threads: int = 1) -> Network:
        """See `edge_ocr.engines.base.Engine.load`."""
        return _WatchedNetwork(self._engine.load(model, name=name, threads=threads), name, self.inferences.append)


class _WatchedNetwork:
    """See `edge_ocr.engines.base.Network`."""

    def __init__(self, network: Network, kind: str, note: Callable[[Inference], None]) -> None:
        self.name = network.name
        self.input = network.input
        self.output = network.output
        self._network = network
        self._kind = kind
        self._note = note

    def run(self, shape: tuple[int, ...], fill: Callable[[Array], None], take: Callable[[Array], Result]) -> Result:
        """See `edge_ocr.engines.base.Network.run`."""
        filling = taking = (0.0, 0.0)

        def timed_fill(tensor: Array) -> None:
            nonlocal filling
            begin = time.perf_counter()
            fill(tensor)
            filling = begin, time.perf_counter()

        def timed_take(output: Array) -> Result:
            nonlocal taking
            begin = time.perf_counter()
            result = take(output)
            taking = begin, time.perf_counter()
            return result

        begin = time.perf_counter()
        result = self._network.run(shape, timed_fill, timed_take)
        self._note(Inference(self._kind, (begin, time.perf_counter()), filling, taking))
        return result


class StagedOCR:
    """An `OCR` that tells how long each stage took."""

    def __init__(self, bundle: Bundle, engine: Engine, *, threads: int, det_side: int | None) -> None:
        """As for `OCR`, and with its errors."""
        self._engine = WatchedEngine(engine)
        self._ocr = OCR(bundle, engine=self._engine, threads=threads, det_side=det_side)

    def read(self, picture: Source) -> tuple[Page, dict[str, float]]:
        """Read a picture, as `OCR.read` does.

        Returns:
            What it says; and stage -> milliseconds, as `split` gives them.
        """
        self._engine.inferences.clear()
        begin = time.perf_counter()
        page = self._ocr.read(picture)
        return page, split(page.timings, begin, self._engine.inferences)


def split(timings: Mapping[str, float], begin: float, inferences: Sequence[Inference]) -> dict[str, float]:
    """The stages of a page, which together are the page.

    Args:
        timings: of the page, milliseconds: `decode`, `detect`, `crop`, `direction`, `recognise`, and `total`.
        begin: of its reading, in seconds of `time.perf_counter`.
        inferences: of its reading, at least one of them the detector's.

    Returns:
        Milliseconds of each of `edge_ocr.benchmark.result.STAGES` in their order, and of the `page`.
    """
    looks = [inference for inference in inferences if inference.kind == "detector"]
    filling = 1000 * sum(end - start for start, end in (look.fill for look in looks))
    detect = 1000 * covered(span for look in looks for span in look.network)
    rest = timings["detect"] - filling - detect
    # Where the process had to wait between two of the page's stages, this takes it for resizing, hence the limit.
    resizing = min(1000 * (looks[0].whole[0] - begin) - timings["decode"], rest)
    recognise = 1000 * covered(
        span for inference in inferences if inference.kind == "recognizer" for span in inference.network
    )
    stages = {
        "decode": timings["decode"],
        "preprocess": resizing + filling,
        "detect": detect,
        "postprocess": rest - resizing,
        "crop": timings["crop"],
        "direction": timings["direction"],
        "recognise": recognise,
    }
    return {**stages, "ctc": timings["total"] - sum(stages.values()), "page": timings["total"]}


def covered(spans: Iterable[Span]) -> float:
    """Seconds during which at least one of the spans lasts."""
    total, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total
