"""RapidOCR, as the worker of its side sees it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidocr import RapidOCR  # type: ignore[import-not-found]  # it is in its own environment only


class Reader:
    """Reads pictures with RapidOCR under onnxruntime."""

    def __init__(self, *, threads: int | None, params: dict[str, Any]) -> None:
        pools = ("intra_op_num_threads", "inter_op_num_threads") if threads is not None else ()
        runtime = {f"EngineConfig.onnxruntime.{pool}": threads for pool in pools}
        self._ocr = RapidOCR(params={**params, **runtime})

    def read(self, picture: npt.NDArray[np.uint8] | str) -> Any:
        """What is timed."""
        return self._ocr(picture)

    def describe(self, result: Any) -> dict[str, Any]:
        """The result as the worker sends it; RapidOCR gives None for both where it finds nothing."""
        found = result.txts is not None and result.boxes is not None
        return {
            "texts": list(result.txts) if found else [],
            "boxes": np.asarray(result.boxes, float).tolist() if found else [],
            "stages": {},
        }

    def versions(self) -> dict[str, str]:
        """What decides its speed, name -> version."""
        return {package: version(package) for package in ("rapidocr", "onnxruntime")}
