"""Result files: what is written comes back, and what is not a result of this version is refused in one sentence."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_ocr import Bundle, __version__
from edge_ocr.benchmark.facts import read_facts, read_health
from edge_ocr.benchmark.result import (
    PAGE,
    STAGES,
    BundleResult,
    Count,
    Energy,
    EngineFacts,
    Healths,
    Instructions,
    Kernel,
    MeasuredPicture,
    Result,
    Run,
    Settings,
    SpeedUp,
    load_result,
    parse_result,
)
from edge_ocr.benchmark.summary import Summary
from edge_ocr.bundle_writing import pack
from edge_ocr.errors import BenchmarkError
from edge_ocr.models import DEFAULT_BUNDLE, DEFAULT_DIGEST

LITERT = EngineFacts("ai-edge-litert", "2.3.0")


@pytest.fixture
def timed(tmp_path: Path) -> Result:
    """The result of a device that tells nothing, with every part that a timed one can have."""
    spread = Summary.of([10.0, 12.5, 11.25])
    run = Run(
        threads=2,
        cold_start_ms=spread,
        load_ms=spread,
        stages_ms=dict.fromkeys((*STAGES, PAGE), spread),
        page_samples_ms=((10.0, 12.5, 11.25),),
        lines_per_page=17.0,
        peak_rss_bytes=150_000_000,
        energy=Energy(0.75, "VDD_IN (ina3221)"),
    )
    bundle = BundleResult.of(Bundle.open(), LITERT, runs=(run, replace(run, cold_start_ms=None, energy=None)))
    return Result(
        schema=1,
        edge_ocr=__version__,
        date="2026-11-22T06:00:00+00:00",
        device="ssh://pi@raspberrypi",
        facts=read_facts(tmp_path),
        health=Healths(read_health(tmp_path), read_health(tmp_path)),
        problems=("the CPU was slowed down by 温度",),
        advice=(),
        pictures=(MeasuredPicture("page.jpg", "0" * 64, 960, 720, 17),),
        settings=Settings((1, 2), 20, 3, 5, None, None),
        bundles=(bundle, bundle),
        speed_ups=(SpeedUp(2, 0.97, 0.95, 0.99, 20),),
    )


@pytest.fixture
def counted(timed: Result) -> Result:
    """The result of an emulated CPU."""
    count = Count(22_200_000, (Kernel("xnn_qs8_qc8w_gemm_minmax_fp32_ukernel_4x16c4__neondot", 0.41),), "f" * 64)
    instructions = Instructions("cortex-a76", {"qemu": "7.2.22"}, {"recognizer 48x320": count}, count, {"detect": 7})
    bundle = BundleResult.of(Bundle.open(), LITERT, instructions=instructions)
    return replace(timed, device="qemu:cortex-a76", health=None, bundles=(bundle,), speed_ups=())


@pytest.mark.parametrize("kind", ["timed", "counted"])
def test_a_result_comes_back_equal(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    result: Result = request.getfixturevalue(kind)
    file = tmp_path / "result.json"
    file.write_bytes(result.to_json())
    assert load_result(file) == result
    assert load_result(file).to_json() == file.read_bytes()


def test_a_picture_may_have_a_name_that_is_no_utf_8(timed: Result) -> None:
    result = replace(timed, pictures=(replace(timed.pictures[0], name=os.fsdecode(b"\xff.jpg")),))
    assert parse_result(result.to_json(), "x.json") == result
    result.to_json().decode()  # the file itself is UTF-8 all the same


def test_a_bundle_is_described_by_its_manifest_and_its_verification() -> None:
    described = BundleResult.of(Bundle.open(), LITERT)
    assert (described.name, described.precision, described.digest) == ("ppocrv6-tiny", "int8-learned", DEFAULT_DIGEST)
    sizes = dict(described.bytes)
    assert sizes.pop("total") == sum(sizes.values())
    files = {kind: DEFAULT_BUNDLE / f"{kind}.tflite" for kind in ("detector", "direction", "recognizer")}
    files["charset"] = DEFAULT_BUNDLE / "charset.txt"
    assert sizes == {kind: file.stat().st_size for kind, file in files.items()}
    verified = json.loads((DEFAULT_BUNDLE / "verification.json").read_text())
    assert described.accuracy_loss_points == verified["loss"]["points"]


def test_a_packed_bundle_is_described_as_its_folder_is(tmp_path: Path) -> None:
    packed = tmp_path / "default.ocrbundle"
    pack(DEFAULT_BUNDLE, packed)
    assert BundleResult.of(Bundle.open(packed), LITERT) == BundleResult.of(Bundle.open(), LITERT)


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "0" * 64},
        {"loss": {"points": 5.0, "figure": "same boxes", "labelled": False}},
        {"loss": None},
        {"loss": {"points": float("nan"), "labelled": True}},
        {"loss": {"points": 10**400, "labelled": True}},
        {"loss": {"points": "none", "labelled": True}},
        None,
    ],
    ids=["of other models", "without labels", "without a loss", "no number", "beyond numbers", "a word", "none"],
)
def test_the_loss_is_not_known_where_nothing_verifies_these_models(
    change: dict[str, Any] | None, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(DEFAULT_BUNDLE, folder)
    file = folder / "verification.json"
    verification = json.loads(file.read_text())
    file.unlink()
    if change is not None:
        file.write_text(json.dumps(verification | change))
    assert BundleResult.of(Bundle.open(folder), LITERT).accuracy_loss_points is None


@pytest.mark.parametrize(
    ("first", "second", "ratio"), [([10.0, 20.0], [20.0, 40.0], 2.0), ([20.0, 40.0], [10.0, 20.0], 0.5)]
)
def test_a_speed_up_is_above_1_where_the_first_is_faster_and_below_where_it_is_slower(
    first: list[float], second: list[float], ratio: float
) -> None:
    assert SpeedUp.of(1, first, second) == SpeedUp(1, ratio, ratio, ratio, 2)


def test_the_interval_of_a_speed_up_holds_its_share_of_true_values() -> None:
    """Pairs with a common disturbance and a true ratio of 1.2: some 95 % of the intervals must have it inside."""
    chooser = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        common = chooser.uniform(90, 110, 40)
        first, second = common * chooser.normal(1, 0.05, 40), 1.2 * common * chooser.normal(1, 0.05, 40)
        speed_up = SpeedUp.of(1, list(first), list(second))
        assert speed_up.low < speed_up.ratio < speed_up.high
        held += speed_up.low <= 1.2 <= speed_up.high
    assert 180 <= held <= 198


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "x.json is not a result of edge-ocr bench: it is not JSON; run edge-ocr bench again"),
        (b"[" * 100_000, "x.json is not a result of edge-ocr bench: it is not JSON; run edge-ocr bench again"),
        (b"\xff\xfe", "x.json is not a result of edge-ocr bench: it is not JSON; run edge-ocr bench again"),
        (b"[]", "x.json is not a result of edge-ocr bench: it states no schema; run edge-ocr bench again"),
        (b'{"pages": []}', "x.json is not a result of edge-ocr bench: it states no schema; run edge-ocr bench again"),
        (
            b'{"schema": 2}',
            "x.json is the result of another version: its schema is 2, and this edge-ocr reads 1; run edge-ocr bench "
            "again, or read it with that version",
        ),
        (
            b'{"schema": true}',
            "x.json is the result of another version: its schema is True, and this edge-ocr reads 1; run edge-ocr "
            "bench again, or read it with that version",
        ),
        (b'{"schema": 1}', "x.json is not a whole result: edge_ocr is missing; run edge-ocr bench again"),
    ],
)
def test_what_is_no_result_of_this_version_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(BenchmarkError) as refusal:
        parse_result(content, "x.json")
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("bundles", 0, "runs", 0, "threads"), "2", r"bundles\[0\]\.runs\[0\]\.threads should be a whole number"),
        (("bundles", 0, "runs", 0, "stages_ms", "page", "p90"), None, r"stages_ms\.page\.p90 should be a number"),
        (("bundles", 0, "runs", 0, "stages_ms", "page", "p90"), float("nan"), "it is not JSON"),
        (("facts", "clusters"), None, "facts.clusters should be a list"),
        (("health", "before", "mood"), "good", "health.before.mood is not known"),
        (("problems",), [3], r"problems\[0\] should be a text"),
        (("bundles", 0, "bytes", "total"), -1, r"bundles\[0\] holds a negative figure"),
        (("bundles", 1, "runs", 1, "stages_ms", "crop", "p90"), -0.001, r"bundles\[1\] holds a negative figure"),
        (("bundles", 0, "runs", 0, "stages_ms", "nap"), {}, "stages_ms.nap.count is missing"),
        (("bundles", 0, "runs", 0, "stages_ms"), {}, r"bundles\[0\] has a run whose stages are"),
        (("bundles", 0, "runs"), [], r"bundles\[0\] needs either runs or instructions"),
        (("bundles", 1, "runs", 0, "threads"), 3, "its two bundles were not measured with the same threads"),
        (("bundles", 0, "bytes"), {}, r"bundles\[0\] has no total of bytes"),
        (("bundles", 0, "runs", 0, "page_samples_ms"), [], r"bundles\[0\] has a run without page times"),
        (("bundles", 0, "runs", 0, "page_samples_ms"), [[]], r"bundles\[0\] has a run without page times"),
        (("pictures",), [], "it has no pictures"),
        (("bundles",), [], "bundles has 0 entries where one or two are measured"),
    ],
)
def test_a_value_that_nothing_measured_is_refused_with_its_place(
    timed: Result, path: tuple[str | int, ...], value: object, sentence: str
) -> None:
    values = json.loads(timed.to_json())
    *way, last = path
    place = values
    for step in way:
        place = place[step]
    place[last] = value
    with pytest.raises(BenchmarkError, match=f"x.json is not a.*{sentence}"):
        parse_result(json.dumps(values).encode(), "x.json")


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"nothing\.json cannot be read: No such file or directory; check its"):
        load_result(tmp_path / "nothing.json")
    with pytest.raises(BenchmarkError, match="cannot be read: Is a directory"):
        load_result(tmp_path)
