"""edge_ocr on ncnn, as the reader of its side sees it."""

from __future__ import annotations

from pathlib import Path

from comparison import edge_ocr_reader

from edge_ocr.ocr import OCR
from emulated.ncnn_engine import Ncnn


class Reader(edge_ocr_reader.Reader):
    """Reads pictures with the models of an ONNX bundle as ncnn runs them, and keeps every line."""

    def __init__(self, *, threads: int, bundle: str, models: str, half: bool) -> None:
        self._ocr = OCR(bundle, engine=Ncnn(Path(models), half=half), threads=threads, min_score=0)
