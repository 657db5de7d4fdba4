"""The default bundle on emulated CPUs: the same answers as here, no slow kernel, the instructions that are recorded."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_ocr.benchmark.host.emulation.cpus import CPUS
from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.benchmark.host.emulation.measuring import Measurement, measure
from edge_ocr.benchmark.host.emulation.recorded import check, read_recorded
from edge_ocr.bundle import Bundle
from edge_ocr.doctor import SAMPLE, SAMPLE_TEXT
from edge_ocr.errors import BenchmarkError
from edge_ocr.models import DEFAULT_BUNDLE

CHECKED_CPUS = ("cortex-a72", "cortex-a76")

WHOLE_INT8 = ("detector 640x640",)
"""Models of the default bundle whose every number is an integer, so that no CPU may differ in a bit."""


@pytest.fixture(scope="session")
def measured(emulator: Emulator) -> dict[str, Measurement]:
    """CPU -> the default bundle and a small page, counted there."""
    return {
        name: measure(emulator, CPUS[name], bundle=DEFAULT_BUNDLE, page=SAMPLE, timeout=900) for name in CHECKED_CPUS
    }


@pytest.fixture(scope="session")
def counted_here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program that is counted writes, of the same bundle and page, run on this machine's own CPU."""
    output = tmp_path_factory.mktemp("counted") / "counted.json"
    arguments = (f"--output={output}", f"--bundle={DEFAULT_BUNDLE}", f"--page={SAMPLE}")
    subprocess.run([sys.executable, "-m", "edge_ocr.benchmark.counting", *arguments], check=True)
    return dict(json.loads(output.read_bytes()))


def test_integer_models_give_the_same_bits_everywhere(
    measured: dict[str, Measurement], counted_here: dict[str, Any]
) -> None:
    for name in WHOLE_INT8:
        outputs = {each.instructions.models[name].output_sha256 for each in measured.values()}
        assert outputs == {counted_here["outputs"][name]}


def test_the_page_reads_the_same_everywhere(measured: dict[str, Measurement], counted_here: dict[str, Any]) -> None:
    assert "\n".join(counted_here["page"]) == SAMPLE_TEXT
    for each in measured.values():
        assert "\n".join(each.page) == SAMPLE_TEXT
        assert each.instructions.page is not None
        assert each.instructions.page.output_sha256 == hashlib.sha256(SAMPLE_TEXT.encode()).hexdigest()


@pytest.mark.parametrize("cpu", CHECKED_CPUS)
def test_it_repeats_and_no_reference_kernel_is_hot(measured: dict[str, Measurement], cpu: str) -> None:
    assert measured[cpu].problems == ()


@pytest.mark.parametrize("cpu", CHECKED_CPUS)
def test_it_costs_what_is_recorded(measured: dict[str, Measurement], cpu: str) -> None:
    assert check(measured[cpu].instructions, Bundle.open(DEFAULT_BUNDLE).digest, read_recorded()) == ()


def test_each_cpu_gets_the_kernels_made_for_it(measured: dict[str, Measurement]) -> None:
    """The multiplications of XNNPACK's int8 kernels: dot products where a CPU has them, long ones where it has not."""
    kernels = {cpu: each.instructions.models["detector 640x640"].hottest[0].name for cpu, each in measured.items()}
    assert "neondot" in kernels["cortex-a76"]
    assert "neon_mlal" in kernels["cortex-a72"]


def test_the_stages_are_the_page(measured: dict[str, Measurement]) -> None:
    for each in measured.values():
        counted = each.instructions
        assert list(counted.stages) == ["preprocess", "detect", "postprocess", "direction", "ctc", "recognise"]
        assert counted.page is not None
        assert sum(counted.stages.values()) == counted.page.instructions


def test_it_says_what_was_measured(measured: dict[str, Measurement]) -> None:
    versions = measured["cortex-a76"].instructions.versions
    assert versions["ai-edge-litert"] == "2.3.0"
    assert versions["python"].startswith("3.13.")
    assert versions["qemu"].startswith("1:7.2")


def test_a_model_by_itself(emulator: Emulator, tmp_path: Path) -> None:
    arrays = tmp_path / "arrays.npz"
    model = f"{DEFAULT_BUNDLE / 'direction.tflite'}@48x192"
    by_itself = measure(emulator, CPUS["cortex-a76"], models=[model], arrays=arrays)
    assert list(by_itself.instructions.models) == ["direction.tflite 48x192"]
    assert by_itself.instructions.page is None
    with np.load(arrays) as outputs:
        assert outputs["direction.tflite 48x192"].shape == (1, 2)


def test_a_complaint_of_the_emulated_program_is_passed_on(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "broken.tflite").write_bytes(b"no model")
    with pytest.raises(BenchmarkError, match=r"^the measurement on an emulated cortex-a76 fails: .*broken\.tflite.*; "):
        measure(emulator, CPUS["cortex-a76"], models=[f"{tmp_path}/broken.tflite@48x320"])
