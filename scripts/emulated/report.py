"""The comparison on emulated CPUs as a document, for a terminal and as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from comparison.report import table
from comparison.targets import Verdict

from emulated.aims import aims_table
from emulated.outcome import Outcome
from emulated.sides import EDGE_OCR, NEW_SIZE, ONNXRUNTIME, Reading


def document(outcome: Outcome, verdicts: Sequence[Verdict] = ()) -> str:
    """The figures, how they were taken, and on what: Markdown whose tables line up on a terminal, too."""
    sections = ["# What a page costs on emulated ARM CPUs"]
    for cpu in outcome.readings:
        sections += [f"## {cpu}", _instructions(outcome, cpu), _ratios(outcome, cpu)]
    sections += ["## What they read", _accuracy(outcome)]
    if verdicts:
        sections += ["## Aims", aims_table(verdicts)]
    return "\n\n".join([*sections, "\n".join(f"- {row}" for row in _conditions(outcome))])


def _instructions(outcome: Outcome, cpu: str) -> str:
    rows = [
        (side, *(f"{count / 1e6:,.0f}" for count in outcome.instructions(cpu, side))) for side in outcome.readings[cpu]
    ]
    return table(("million instructions", *_columns(outcome)), rows)


def _ratios(outcome: Outcome, cpu: str) -> str:
    rows = [
        (side, *(f"{ratio:.3f}" for ratio in outcome.ratios(cpu, side)))
        for side in outcome.readings[cpu]
        if side != EDGE_OCR
    ]
    return table((f"{EDGE_OCR} / the other", *_columns(outcome)), rows)


def _columns(outcome: Outcome) -> list[str]:
    return [*(page.picture.stem for page in outcome.pages), "all"]


def _accuracy(outcome: Outcome) -> str:
    """Of each side on the first CPU that it reads on: lines, accuracy, and how it differs from onnxruntime."""
    rows = []
    for cpu, sides in outcome.readings.items():
        for side, readings in sides.items():
            accuracy = outcome.accuracy(cpu, side)
            boxes, texts = outcome.likeness(cpu, side)
            hmean = "no labels" if accuracy is None else f"{accuracy:.1f} %"
            lines = sum(len(reading.texts) for reading in readings)
            rows.append((f"{cpu}: {side}", str(lines), hmean, f"{boxes:.1f} %", f"{texts:.1f} %"))
    alike = f"of {ONNXRUNTIME}'s boxes"
    return table(("CPU and side", "lines", "end-to-end hmean", alike, "of these, read alike"), rows)


def _conditions(outcome: Outcome) -> list[str]:
    return [
        "Instructions that one thread of the emulated CPU executes from the picture's file to its text: decoding, "
        "pre-processing, models, post-processing. They repeat to 0.01 % on any machine. They are no times: they know "
        "nothing of caches, memory and how many instructions a core finishes at once.",
        "The start of a program, the loading of its models and a first reading do not count; of Tesseract, which "
        "starts anew for each page, what it takes for a blank picture does not.",
        f"Before a page counts, edge_ocr has read one of the same size, as from a camera; '{NEW_SIZE}' has read one of "
        "another size, after which LiteRT plans its memory and packs weights anew. The others take the same for both.",
        f"All but RapidOCR and Tesseract run inside edge_ocr's own stages, with the models that its bundle was "
        f"converted from, as published in float32; {EDGE_OCR} itself with {outcome.bundle}. ncnn's are converted by "
        "pnnx, which stores weights in fp16; 'ncnn fp16' computes in fp16 where the CPU can, as ncnn does by default. "
        "RapidOCR has the same models and edge_ocr's detector settings.",
        "A box is found where intersection over union exceeds one half, and read where the text is equal, too, but for "
        "spaces, case and Unicode's compatible forms. Nobody leaves out lines for their score.",
        *(f"{side}: {', '.join(map(' '.join, versions.items()))}" for side, versions in outcome.versions()),
    ]


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Everything that was counted and read, so that anybody can work out the figures again."""
    return {
        "bundle": outcome.bundle,
        "pictures": [str(page.picture) for page in outcome.pages],
        "ratios": outcome.measured(),
        "readings": {
            cpu: {side: [_reading(reading) for reading in readings] for side, readings in sides.items()}
            for cpu, sides in outcome.readings.items()
        },
    }


def _reading(reading: Reading) -> dict[str, Any]:
    return {**asdict(reading), "boxes": [box.round(1).tolist() for box in reading.boxes]}
