"""What counts of a side's reading: without an emulator, whose counts are made up here."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from comparison.edge_ocr_reader import Reader
from emulated import reader
from emulated.sides import EDGE_OCR, PythonSide, TesseractSide

from edge_ocr.benchmark.host.devices.base import Finished
from edge_ocr.benchmark.host.emulation.counts import REST
from edge_ocr.benchmark.host.emulation.cpus import CPUS
from edge_ocr.doctor import SAMPLE, SAMPLE_TEXT
from edge_ocr.errors import BenchmarkError

A76 = CPUS["cortex-a76"]
TABLE = Path(__file__).parents[1] / "comparison" / "demo.tsv"


def write_counts(path: Path, **by_account: int) -> None:
    """Instructions of one block for each account, and for the rest, as the plugin writes them."""
    records = [(int(account.removeprefix("account_")), count) for account, count in by_account.items()]
    packed = [struct.pack("<4Q", account, 1, 0x1000, count) for account, count in records]
    path.write_bytes(b"COUNTS1\n" + b"".join(packed) + struct.pack("<2Q", REST, 0))


class CountingEmulator:
    """Runs nothing. Of Tesseract it counts 300 and 100 instructions, of a blank picture 300 and 30."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "packages.json").write_text(json.dumps({"tesseract-ocr": "5.5.0-1"}))

    def run(self, cpu: Any, arguments: Sequence[str], folder: Path, *, counts: Path, **_: Any) -> Finished:
        if arguments[0] == "tesseract":
            assert Path(arguments[1]).exists()
            is_blank = Path(arguments[1]).name == "blank.png"
            write_counts(counts, account_0=300, account_1=30 if is_blank else 100)
            return Finished(0, TABLE.read_bytes(), "")
        order = json.loads(Path(arguments[2]).read_text())
        answer = {"account": 1, "texts": [order["warm_up"]], "boxes": [], "versions": {}, "code": []}
        Path(order["answer"]).write_text(json.dumps(answer))
        write_counts(counts, account_0=900, account_1=70)
        return Finished(0, b"", "")


class FailingEmulator:
    def run(self, *_: Any, **__: Any) -> Finished:
        return Finished(3, b"", "Traceback\nMemoryError: no room\n")


def test_what_tesseract_takes_for_a_blank_picture_does_not_count(tmp_path: Path) -> None:
    reading = TesseractSide().read(CountingEmulator(tmp_path), A76, SAMPLE)  # type: ignore[arg-type]
    assert reading.instructions == 70
    assert len(reading.texts) == len(reading.boxes) > 0
    assert reading.versions == {"tesseract-ocr": "5.5.0-1", "languages": "chi_sim+eng"}


def test_only_the_account_of_the_picture_counts(tmp_path: Path) -> None:
    side = PythonSide(EDGE_OCR, "comparison.edge_ocr_reader", {"bundle": None})
    assert side.read(CountingEmulator(tmp_path), A76, TABLE).instructions == 70  # type: ignore[arg-type]


def test_a_side_warms_up_with_a_sample_or_with_the_page_itself(tmp_path: Path) -> None:
    emulator: Any = CountingEmulator(tmp_path)
    settings = {"bundle": None}
    usual = PythonSide(EDGE_OCR, "comparison.edge_ocr_reader", settings).read(emulator, A76, TABLE)
    same = PythonSide(EDGE_OCR, "comparison.edge_ocr_reader", settings, warm_up=None).read(emulator, A76, TABLE)
    assert usual.texts == (str(SAMPLE),)
    assert same.texts == (str(TABLE),)


def test_a_side_that_fails_is_one_sentence() -> None:
    side = PythonSide(EDGE_OCR, "comparison.edge_ocr_reader", {"bundle": None})
    with pytest.raises(BenchmarkError, match=r"edge_ocr on cortex-a76 failed \(MemoryError: no room\)"):
        side.read(FailingEmulator(), A76, SAMPLE)  # type: ignore[arg-type]


def test_the_reader_reads_and_tells_of_its_code() -> None:
    """The reader itself, on this machine, where nobody hears its marks."""
    order = {"reader": Reader.__module__, "settings": {"bundle": None}, "warm_up": str(SAMPLE), "picture": str(SAMPLE)}
    told = json.loads(json.dumps(reader.read(order)))
    assert "\n".join(told["texts"]) == SAMPLE_TEXT
    assert len(told["boxes"]) == len(told["texts"])
    assert told["account"] == 1
    assert {"edge_ocr/ocr.py", "edge_ocr/engines/litert.py", "scripts/comparison/edge_ocr_reader.py"} <= {*told["code"]}
    assert {"edge-ocr", "ai-edge-litert", "numpy", "OpenCV", "Python"} <= told["versions"].keys()
