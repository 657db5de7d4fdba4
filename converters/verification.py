"""A bundle against its float32 original: accuracy where labels are known, agreement, size, speed; and the gate."""

from __future__ import annotations

import datetime
import json
import platform
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from converters.errors import AccuracyBudgetError, ConversionError
from converters.evaluation.accuracy import Figure, accuracy
from converters.evaluation.agreement import Agreement, agreement
from converters.evaluation.datasets import Dataset
from converters.evaluation.gate import Limit, judge
from converters.evaluation.readings import Readings, by_dataset
from converters.speed import Speed
from converters.tflite.inspection import delegation, operators_by_type
from edge_ocr.bundle import Bundle
from edge_ocr.engines import installed

SCHEMA = 2
"""Version of verification.json. It grows with every change of a key or of a meaning."""
ACCURACY_BUDGET = 1.5
"""Points. What int8 costs the recognizer of PP-OCRv6 tiny, with room for the chance in a few hundred pictures."""
JUDGED = ("exact match", "detection hmean", "end-to-end hmean")
"""The figures that the accuracy budget is held against."""
OVERALL = "all"
"""Name of the comparison of all data sets taken together."""


@dataclass(frozen=True)
class Comparison:
    """What both read in one data set, or in all of them; a figure is None where nothing bears on it.

    Attributes:
        name: of the data set.
        lines: how many pictures of lines both read.
        pages: how many pictures of pages.
        labelled_lines: those of the lines of which it is known what they say.
        labelled_pages: likewise.
        exact_match: of labelled lines, in percent.
        character_error_rate: likewise; less is better.
        detection_hmean: on labelled pages, in percent.
        end_to_end_hmean: likewise, of boxes with equal text.
        agreement: of the two with each other.
    """

    name: str
    lines: int
    pages: int
    labelled_lines: int
    labelled_pages: int
    exact_match: Figure | None
    character_error_rate: Figure | None
    detection_hmean: Figure | None
    end_to_end_hmean: Figure | None
    agreement: Agreement

    def figures(self) -> dict[str, Figure]:
        """What a figure of accuracy is called -> the figure."""
        figures = {
            "exact match": self.exact_match,
            "character error rate": self.character_error_rate,
            "detection hmean": self.detection_hmean,
            "end-to-end hmean": self.end_to_end_hmean,
        }
        return {name: figure for name, figure in figures.items() if figure is not None}

    @property
    def loss(self) -> Loss | None:
        """The largest loss among the figures that labels give; None where there are none.

        A figure at which the original itself scores nothing cannot fall, and judges nothing.
        """
        losses = [
            Loss(-figure.delta.value, name)
            for name, figure in self.figures().items()
            if name in JUDGED and figure.reference > 0
        ]
        return max(losses, key=lambda loss: loss.points, default=None)

    def judge(self, max_drop: float | None = None, limits: Collection[Limit] | None = None) -> None:
        """Hold the loss against a budget, and the agreement with the original against limits.

        Labels say what is lost where there are any, on as many pictures as somebody has labelled; agreement says on all
        of them what has changed, and sees what a labelled figure hides: a bundle may gain what it loses elsewhere.

        Args:
            max_drop: the budget in points; None is `ACCURACY_BUDGET`.
            limits: of agreement; None are the usual ones.

        Raises:
            AccuracyBudgetError: more is lost, or too much has changed.
            ConversionError: nothing can be judged.
        """
        alike, loss = self.agreement, self.loss
        if loss is None and not alike.boxes and not alike.sure_lines:
            raise ConversionError("no text was found on the pictures, so nothing can be judged; verify on others")
        budget = ACCURACY_BUDGET if max_drop is None else max_drop
        if loss is not None and loss.points > budget:
            raise AccuracyBudgetError(f"{loss} against FP32, more than --max-drop {budget:g}")
        if refusals := judge(alike, limits):
            raise AccuracyBudgetError("; ".join(map(str, refusals)))


@dataclass(frozen=True)
class ModelFacts:
    """How XNNPACK runs a TFLite model.

    Attributes:
        partitions: pieces that it takes over; 1 is all of it.
        outside: operator -> how many it leaves to slower kernels.
        operators: "int8" and "float32" -> how many operators compute in it.
    """

    partitions: int
    outside: Mapping[str, int]
    operators: Mapping[str, int]


@dataclass(frozen=True)
class Loss:
    """What is held against the accuracy budget.

    Attributes:
        points: below 0 where the bundle is better than the original.
        figure: what lost most.
    """

    points: float
    figure: str

    def __str__(self) -> str:
        return f"{self.figure} loses {max(0.0, self.points):.2f} points"


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        bundle: its name.
        precision: its recipe.
        digest: see `Bundle.digest`.
        date: ISO 8601.
        cpu: on which the speed was measured, and what it offers for int8.
        runtimes: package -> version.
        sizes: file -> bytes, of what a device loads.
        models: kind -> how it is run; of TFLite bundles only.
        speed: time of the bundle over that of the original under onnxruntime.
        overall: all data sets taken together.
        data: each data set.
        refused: recipes that were tried before this one and lost too much, the fastest first.
    """

    bundle: str
    precision: str
    digest: str
    date: str
    cpu: str
    runtimes: Mapping[str, str]
    sizes: Mapping[str, int]
    models: Mapping[str, ModelFacts]
    speed: Speed
    overall: Comparison
    data: tuple[Comparison, ...]
    refused: tuple[Verification, ...] = ()

    @property
    def total_bytes(self) -> int:
        """Of all files that a device loads."""
        return sum(self.sizes.values())

    @property
    def loss(self) -> Loss | None:
        """See `Comparison.loss`, of all data sets taken together."""
        return self.overall.loss

    def judge(self, max_drop: float | None = None, limits: Collection[Limit] | None = None) -> None:
        """See `Comparison.judge`, of all data sets taken together."""
        self.overall.judge(max_drop, limits)

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values, with what follows from it."""
        return {
            "schema": SCHEMA,
            **asdict(replace(self, refused=())),
            "total_bytes": self.total_bytes,
            "loss": None if self.loss is None else asdict(self.loss),
            "refused": [other.as_json() for other in self.refused],
        }

    def to_json(self) -> bytes:
        """Content of `verification.json`."""
        return (json.dumps(self.as_json(), indent=1) + "\n").encode()


def verify(bundle: Bundle, datasets: Sequence[Dataset], readings: Readings, speed: Speed) -> Verification:
    """Draw the figures from what was read.

    Args:
        bundle: to be verified.
        datasets: that were read, labelled or not.
        readings: of the bundle and of its original, from `read_both`.
        speed: from `measure_speed`.
    """
    manifest = bundle.manifest
    kinds = manifest.models.by_kind() if manifest.format == "tflite" else {}
    return Verification(
        bundle=bundle.name,
        precision=manifest.precision,
        digest=bundle.digest,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        cpu=describe_cpu(),
        runtimes=dict(installed()),
        sizes={name: spec.bytes for name, spec in manifest.files().items()},
        models={kind: model_facts(bundle.runnable_model(kind)) for kind in kinds},
        speed=speed,
        overall=compare(OVERALL, readings),
        data=tuple(compare(data.name, part) for data, part in by_dataset(datasets, readings)),
    )


def compare(name: str, readings: Readings) -> Comparison:
    """What both read in pictures that are called so, in figures."""
    figures = accuracy(readings)
    return Comparison(
        name=name,
        lines=len(readings.lines),
        pages=len(readings.pages),
        labelled_lines=sum(pair.line.text is not None for pair in readings.lines),
        labelled_pages=sum(pair.page.boxes is not None for pair in readings.pages),
        exact_match=figures.get("exact match"),
        character_error_rate=figures.get("character error rate"),
        detection_hmean=figures.get("detection hmean"),
        end_to_end_hmean=figures.get("end-to-end hmean"),
        agreement=agreement(readings),
    )


def model_facts(content: bytes) -> ModelFacts:
    """How XNNPACK runs a TFLite file."""
    found = delegation(content)
    return ModelFacts(found.partitions, found.outside, operators_by_type(content))


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
