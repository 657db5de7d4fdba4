"""A bundle for tests of everything but reading: its models are a few bytes that no engine will ever see."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from typing import Any

FILES = {
    "detector.tflite": b"a detector",
    "direction.tflite": b"a direction classifier",
    "recognizer.tflite": b"a recognizer",
    "charset.txt": "!\n \n\u3000\n文\n".encode(),
}


def _stamp(name: str) -> dict[str, Any]:
    return {"file": name, "bytes": len(FILES[name]), "sha256": hashlib.sha256(FILES[name]).hexdigest()}


def _input(size: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "layout": "NHWC",
        "dtype": "float32",
        "colour_order": "BGR",
        "scale": 1 / 255,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "size": dict(size),
    }


_MANIFEST: dict[str, Any] = {
    "format_version": 1,
    "name": "paper",
    "title": "Paper: 文",
    "format": "tflite",
    "precision": "int8",
    "target": None,
    "licence": "Apache-2.0",
    "min_runtime": {"ai-edge-litert": "1.4.0"},
    "models": {
        "detector": {
            **_stamp("detector.tflite"),
            "input": _input({"rule": "long-side", "long_side": 960, "multiple": 32, "minimum": 32}),
            "output": {"meaning": "text-probability", "layout": "NHWC", "border": 4},
            "postprocess": {
                "threshold": 0.2,
                "box_threshold": 0.4,
                "unclip_ratio": 1.4,
                "minimum_side": 3.0,
                "max_candidates": 3000,
            },
            "operators": {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 3},
        },
        "direction": {
            **_stamp("direction.tflite"),
            "input": _input({"rule": "fixed", "height": 48, "width": 192}),
            "output": {"meaning": "class-probability", "labels": [0, 180]},
            "postprocess": {"threshold": 0.9, "voters": 3},
            "operators": {"CONV_2D": 1},
        },
        "recognizer": {
            **_stamp("recognizer.tflite"),
            "input": _input(
                {
                    "rule": "line-height",
                    "height": 48,
                    "minimum_width": 128,
                    "maximum_width": 3200,
                    "multiple": 8,
                    "squeeze": 0.85,
                }
            ),
            "output": {"meaning": "ctc-logits", "layout": "NHWC"},
            "postprocess": {},
            "operators": {"CONV_2D": 1},
        },
    },
    "charset": {**_stamp("charset.txt"), "count": 4, "blank": 0, "space_appended": True},
    "provenance": {"source": "typed by hand", "tools": {"converter": "0.1.0"}},
}


def manifest_json() -> dict[str, Any]:
    """A manifest for FILES, as `json.load` gives it; the caller may change it."""
    return copy.deepcopy(_MANIFEST)
