"""The aims are of figures that the scripts measure, by the names that they give them."""

from __future__ import annotations

from comparison.targets import read_limits
from emulated.aims import AIMS, aims_table, verdicts
from emulated.sides import EDGE_OCR, SIDES

from edge_ocr.benchmark.host.emulation.cpus import CPUS

MODELS = ("detector 640x640", "recognizer 48x320", "direction 48x192")


def test_every_aim_is_of_something_that_is_measured() -> None:
    figures = {f"{cpu}: {model}" for cpu in CPUS for model in MODELS}
    figures |= {f"{cpu}: {EDGE_OCR} / {side}" for cpu in CPUS for side in SIDES}
    assert {limit.figure for limit in read_limits(AIMS)} <= figures


def test_what_was_not_measured_is_not_judged() -> None:
    (only,) = verdicts({"cortex-a72: recognizer 48x320": 0.86, "cortex-a53: recognizer 48x320": 5.0})
    assert not only.met
    assert "0.860" in aims_table([only])
    assert "MISSED" in aims_table([only])
