"""A bundle against its float32 original: size, agreement, accuracy where labels are known, speed; and the gate."""

from __future__ import annotations

import datetime
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.errors import ConversionError
from converters.evaluation.agreement import (
    LinePair,
    PagePair,
    agreement_of_boxes,
    agreement_of_texts,
    read_lines,
    read_pages,
)
from converters.evaluation.datasets import Dataset
from converters.evaluation.metrics import Delta, hmean, paired_bootstrap, same_text
from converters.progress import Progress
from edge_ocr.bundle import Bundle
from edge_ocr.engines import installed
from edge_ocr.ocr import OCR


@dataclass(frozen=True)
class Figure:
    """One accuracy figure, of the original and of the bundle, on the same labelled pictures.

    Attributes:
        reference: in percent.
        bundle: in percent.
        delta: bundle minus reference, in points, with its 95 % interval.
    """

    reference: float
    bundle: float
    delta: Delta


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        digest: of the bundle, see `Bundle.digest`.
        date: ISO 8601.
        cpu: on which the speed was measured, and what it offers for int8.
        runtimes: package -> version.
        data: names of the data sets.
        sizes: file -> bytes, of what a device loads.
        lines: how many lines were read by both.
        pages: how many pages.
        same_text: percentage of lines, and of boxes that both have on pages, that both read alike; None without any.
        same_text_where_sure: of those whose reading the original is sure of; None without any.
        same_boxes: agreement of the boxes on pages, in percent; None without any.
        exact_match: on labelled lines; None without.
        hmean: of detection on labelled pages; None without.
        end_to_end: of boxes with equal text on labelled pages; None without.
        line_time_ratio: bundle / original under onnxruntime, one thread, recognizer alone; None without lines.
        page_time_ratio: likewise for a whole page; None without pages.
    """

    digest: str
    date: str
    cpu: str
    runtimes: dict[str, str]
    data: tuple[str, ...]
    sizes: dict[str, int]
    lines: int
    pages: int
    same_text: float | None
    same_text_where_sure: float | None
    same_boxes: float | None
    exact_match: Figure | None
    hmean: Figure | None
    end_to_end: Figure | None
    line_time_ratio: float | None
    page_time_ratio: float | None

    @property
    def total_bytes(self) -> int:
        """Of all files that a device loads."""
        return sum(self.sizes.values())

    @property
    def drop(self) -> float:
        """The largest loss, in points, that the gate holds against `--max-drop`.

        For the text: of exact match on labelled lines, else of end-to-end hmean on labelled pages. For the boxes: of
        detection hmean on labelled pages. Only where there are no labels at all, the original's sure readings and its
        boxes are taken for the truth.

        Raises:
            ConversionError: neither of the two found any text.
        """
        text = self.exact_match or self.end_to_end
        if text is not None:
            return max(-figure.delta.value for figure in (text, self.hmean) if figure is not None)
        agreements = [share for share in (self.same_text_where_sure, self.same_boxes) if share is not None]
        if not agreements:
            raise ConversionError("no text was found on the pictures, so nothing can be judged; verify on others")
        return 100 - min(agreements)

    def to_json(self) -> bytes:
        """Content of `verification.json`."""
        return (json.dumps({**asdict(self), "total_bytes": self.total_bytes}, indent=1) + "\n").encode()


def verify(bundle: Bundle, reference: Bundle, datasets: Sequence[Dataset], progress: Progress) -> Verification:
    """Let the bundle and its original read the same pictures, one after the other, one thread each.

    Args:
        bundle: to be verified.
        reference: from `converters.reference`.
        datasets: labelled or not.
        progress: shows how far it is.

    Raises:
        ConversionError: the data sets hold no picture.
        PictureError: one of their pictures cannot be read.
    """
    if not any(data.lines or data.pages for data in datasets):
        raise ConversionError("there is no picture to verify on")
    ours, original = OCR(bundle, min_score=0), OCR(reference, min_score=0)
    lines = read_lines(original, ours, [line for data in datasets for line in data.lines], progress)
    pages = read_pages(original, ours, [page for data in datasets for page in data.pages], progress)
    texts = [pair.texts for pair in lines] + [pair for page in pages for pair in page.common]
    return Verification(
        digest=bundle.digest,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        cpu=describe_cpu(),
        runtimes=dict(installed()),
        data=tuple(data.name for data in datasets),
        sizes={name: spec.bytes for name, spec in bundle.manifest.files().items()},
        lines=len(lines),
        pages=len(pages),
        same_text=agreement_of_texts(texts, sure=False),
        same_text_where_sure=agreement_of_texts(texts, sure=True),
        same_boxes=agreement_of_boxes(pages),
        exact_match=_exact_match([pair for pair in lines if pair.label is not None]),
        hmean=_hmean([pair for pair in pages if pair.labelled], "found"),
        end_to_end=_hmean([pair for pair in pages if pair.labelled], "read"),
        line_time_ratio=_time_ratio(lines),
        page_time_ratio=_time_ratio(pages),
    )


def _exact_match(pairs: Sequence[LinePair]) -> Figure | None:
    if not pairs:
        return None

    def hits(texts: list[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([100.0 * same_text(text, pair.label or "") for text, pair in zip(texts, pairs, strict=True)])

    return _figure(
        hits([pair.texts.reference for pair in pairs]),
        hits([pair.texts.bundle for pair in pairs]),
        lambda percent: float(percent.mean()),
    )


def _hmean(pairs: Sequence[PagePair], of: str) -> Figure | None:
    if not pairs:
        return None
    return _figure(
        np.array([pair.reference.row() for pair in pairs], float),
        np.array([pair.bundle.row() for pair in pairs], float),
        lambda counts: hmean(counts, of=of),
    )


def _figure(reference: Any, bundle: Any, figure: Any) -> Figure:
    return Figure(figure(reference), figure(bundle), paired_bootstrap(reference, bundle, figure))


def _time_ratio(pairs: Sequence[LinePair] | Sequence[PagePair]) -> float | None:
    if not pairs:
        return None
    return sum(pair.bundle_seconds for pair in pairs) / sum(pair.reference_seconds for pair in pairs)


def describe_cpu() -> str:
    """Name of this machine's CPU, and which of the instructions that make int8 fast it has.

    An int8 speed means nothing without them: x86 gains from int8 only with VNNI, ARM much more with dot products.
    """
    name, flags = platform.machine(), set[str]()
    for row in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        key, _, value = row.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() in ("flags", "Features"):
            flags |= set(value.split())
    helpful = [flag for flag in ("avx2", "avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm") if flag in flags]
    return f"{name} ({', '.join(helpful) or 'no int8 instructions named'})"
