"""The sides: what each reads with, and what it takes an emulated CPU to read a page."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from comparison.tesseract import LANGUAGES, parse_table

from edge_ocr.benchmark.host.debian import packages_of
from edge_ocr.benchmark.host.devices.base import PYTHON, Finished
from edge_ocr.benchmark.host.emulation.counts import read_counts
from edge_ocr.benchmark.host.emulation.cpus import CPU
from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.doctor import SAMPLE
from edge_ocr.errors import BenchmarkError

EDGE_OCR = "edge_ocr"
NEW_SIZE = "edge_ocr, page of a new size"
FLOAT = "edge_ocr, float TFLite"
ONNXRUNTIME = "onnxruntime fp32"
NCNN = "ncnn fp32"
NCNN_HALF = "ncnn fp16"
RAPIDOCR = "RapidOCR"
TESSERACT = "Tesseract"

SIDES = (EDGE_OCR, NEW_SIZE, FLOAT, ONNXRUNTIME, NCNN, NCNN_HALF, RAPIDOCR, TESSERACT)
"""All, in the order of the tables."""

TESSERACT_PACKAGES = ("tesseract-ocr", "tesseract-ocr-chi-sim")
"""Debian's; English comes with the first."""

PAGE_SECONDS = 7200
"""More than enough for a page: QEMU computes in half precision by itself, which takes it minutes."""

_READER = Path(__file__).with_name("reader.py")
_TESSDATA = "usr/share/tesseract-ocr/5/tessdata"
_BLANK_SIDE = 32
"""Of a picture that Tesseract takes and finds nothing on, in pixels."""


@dataclass(frozen=True)
class Reading:
    """One page as one side reads it on an emulated CPU.

    Attributes:
        instructions: that the CPU executes, from the picture's file to its text.
        texts: of the lines.
        boxes: (4, 2) float32 each, in page pixels.
        versions: of what it runs on, name -> version.
        code: files of this checkout that took part, from its root.
    """

    instructions: int
    texts: tuple[str, ...]
    boxes: tuple[npt.NDArray[np.float32], ...]
    versions: Mapping[str, str]
    code: tuple[str, ...] = ()


class Side(Protocol):
    """One of those that are compared."""

    @property
    def name(self) -> str:
        """In tables and messages."""

    def read(self, emulator: Emulator, cpu: CPU, picture: Path) -> Reading:
        """Let it read a picture, in a process of its own and in one thread.

        Raises:
            BenchmarkError: it cannot.
        """


@dataclass(frozen=True)
class PythonSide:
    """A side that reads in Python; its start, its loading and its first reading do not count.

    Attributes:
        name: see `Side`.
        reader: module of its `Reader`, as seen from the folder scripts.
        settings: what that is made with.
        warm_up: the picture that it reads first; None: the one that counts.
    """

    name: str
    reader: str
    settings: Mapping[str, Any]
    warm_up: Path | None = SAMPLE

    def read(self, emulator: Emulator, cpu: CPU, picture: Path) -> Reading:
        """See `Side`."""
        picture = picture.absolute()
        with tempfile.TemporaryDirectory(prefix="edge-ocr-emulated-") as temporary:
            folder = Path(temporary)
            order, answer, counts = (folder / name for name in ("order.json", "answer.json", "counts"))
            paths = {"warm_up": self.warm_up or picture, "picture": picture, "answer": answer}
            asked = {"reader": self.reader, "settings": dict(self.settings)}
            order.write_text(json.dumps({**asked, **{name: str(path) for name, path in paths.items()}}))
            command = [PYTHON, str(_READER), str(order)]
            finished = emulator.run(cpu, command, folder, counts=counts, timeout=PAGE_SECONDS)
            _check(finished, f"{self.name} on {cpu.name}")
            told = json.loads(answer.read_text("utf-8"))
            instructions = read_counts(counts)[told["account"]].total
        boxes = tuple(np.array(box, np.float32) for box in told["boxes"])
        return Reading(instructions, tuple(told["texts"]), boxes, told["versions"], tuple(told["code"]))


@dataclass(frozen=True)
class TesseractSide:
    """Tesseract's command. What it executes for a blank picture, its start and loading, does not count."""

    name: str = TESSERACT

    def read(self, emulator: Emulator, cpu: CPU, picture: Path) -> Reading:
        """See `Side`."""
        with tempfile.TemporaryDirectory(prefix="edge-ocr-emulated-") as temporary:
            folder = Path(temporary)
            blank = folder / "blank.png"
            cv2.imwrite(str(blank), np.full((_BLANK_SIDE, _BLANK_SIDE), 255, np.uint8))
            start, _ = self._run(emulator, cpu, blank, folder)
            whole, table = self._run(emulator, cpu, picture.absolute(), folder)
        version = packages_of(emulator.root)["tesseract-ocr"]
        return Reading(whole - start, *parse_table(table), {"tesseract-ocr": version, "languages": _languages()})

    def _run(self, emulator: Emulator, cpu: CPU, picture: Path, folder: Path) -> tuple[int, str]:
        """All that the process executes, and what it prints."""
        counts = folder / "counts"
        command = ["tesseract", str(picture), "stdout", "-l", _languages(), "tsv"]
        variables = {"TESSDATA_PREFIX": str(emulator.root / _TESSDATA), "OMP_THREAD_LIMIT": "1"}
        finished = emulator.run(cpu, command, folder, counts=counts, environment=variables, timeout=PAGE_SECONDS)
        _check(finished, f"{self.name} on {cpu.name}")
        return sum(blocks.total for blocks in read_counts(counts).values()), finished.output.decode()


def _languages() -> str:
    return "+".join(LANGUAGES)


def _check(finished: Finished, who: str) -> None:
    """Refuse the result of a program that failed."""
    if finished.status:
        words = finished.complaint.strip().splitlines() or [f"exit status {finished.status}"]
        raise BenchmarkError(f"{who} failed ({words[-1]}); leave it out with --without")


def edge_ocr_sides(bundle: Path) -> list[Side]:
    """edge_ocr with a bundle: on a page of the size of the last one, and of another.

    LiteRT plans its memory and packs the detector's weights anew whenever the size of its input changes. To the
    others the size of the last page makes no difference.
    """
    settings = {"bundle": str(bundle)}
    return [
        PythonSide(EDGE_OCR, "comparison.edge_ocr_reader", settings, warm_up=None),
        PythonSide(NEW_SIZE, "comparison.edge_ocr_reader", settings),
    ]


def float_sides(float_tflite: Path, onnx: Path, ncnn: Path, rapidocr: Mapping[str, Any]) -> list[Side]:
    """The peers with the same models in float32, all but RapidOCR in edge_ocr's own stages.

    Args:
        float_tflite: bundle of the converter's recipe `float`.
        onnx: bundle of the published files.
        ncnn: folder of the same, see `convert_to_ncnn`.
        rapidocr: see `rapidocr_params`.
    """
    of_ncnn = {"bundle": str(onnx), "models": str(ncnn)}
    return [
        PythonSide(FLOAT, "comparison.edge_ocr_reader", {"bundle": str(float_tflite)}, warm_up=None),
        PythonSide(ONNXRUNTIME, "comparison.edge_ocr_reader", {"bundle": str(onnx)}),
        PythonSide(NCNN, "emulated.ncnn_reader", {**of_ncnn, "half": False}),
        PythonSide(NCNN_HALF, "emulated.ncnn_reader", {**of_ncnn, "half": True}),
        PythonSide(RAPIDOCR, "comparison.rapidocr_reader", {"params": dict(rapidocr)}),
    ]
