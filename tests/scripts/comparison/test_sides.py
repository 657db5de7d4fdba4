"""What RapidOCR is told, so that it does the bundle's work."""

from __future__ import annotations

from comparison.sides import rapidocr_settings

from converters.zoo import load_zoo
from edge_ocr.manifest import Manifest
from tests.edge_ocr.paper_bundle import manifest_json


def test_rapidocr_is_told_what_the_bundle_does() -> None:
    """By the names of RapidOCR 3.10's config.yaml; PP-OCRv6's values as published in its inference.yml."""
    settings = rapidocr_settings(Manifest.from_json(manifest_json()), load_zoo().system("ppocrv6-tiny"))
    assert settings == {
        "Global.text_score": 0.0,
        "Global.use_cls": True,
        "Det.limit_type": "max",
        "Det.limit_side_len": 960,
        "Det.mean": [0.485, 0.456, 0.406],
        "Det.std": [0.229, 0.224, 0.225],
        "Det.thresh": 0.2,
        "Det.box_thresh": 0.4,
        "Det.unclip_ratio": 1.4,
        "Det.max_candidates": 3000,
        "Det.use_dilation": False,
        "Rec.rec_img_shape": [3, 48, 320],
        "Cls.cls_thresh": 0.9,
    }


def test_without_a_direction_classifier_rapidocr_has_none_either() -> None:
    manifest = manifest_json()
    del manifest["models"]["direction"]
    settings = rapidocr_settings(Manifest.from_json(manifest), load_zoo().system("ppocrv6-tiny"))
    assert settings["Global.use_cls"] is False
    assert "Cls.cls_thresh" not in settings
