"""The probe as it is run on a device: a process that writes a result, or one sentence and nothing."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_ocr.benchmark.facts import describe
from edge_ocr.benchmark.probe import Probe, main
from edge_ocr.benchmark.result import PAGE, STAGES, Result, Settings, load_result
from edge_ocr.benchmark.summary import Summary
from edge_ocr.models import DEFAULT_BUNDLE, DEFAULT_DIGEST
from tests.edge_ocr.benchmark.trees import plant

GOLDEN = Path(__file__).parents[1] / "golden"
SIGN, LETTER = str(GOLDEN / "sign.png"), str(GOLDEN / "letter.png")
PROBE = [sys.executable, "-m", "edge_ocr.benchmark.probe"]
FAST = ["--threads", "1", "--repeats", "1", "--warm-up", "0", "--cold-starts", "0", "--det-side", "320"]


def probe(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROBE, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The default bundle against itself, on a picture with text and on one without, with 2 threads and with 1."""
    folder = tmp_path_factory.mktemp("probe")
    output = folder / "result.json"
    (folder / "blank.png").write_bytes(cv2.imencode(".png", np.full((200, 300, 3), 255, np.uint8))[1].tobytes())
    finished = probe(
        *("--output", output, "--pictures", SIGN, folder / "blank.png", "--against", DEFAULT_BUNDLE),
        *("--threads", "2,1,2", "--repeats", "3", "--warm-up", "1", "--cold-starts", "2", "--det-side", "320"),
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == ""
    notes = finished.stderr.splitlines()
    assert notes[0] == describe(load_result(output).facts)
    assert notes[1] == "2 threads: starting, 0 of 2 done"
    assert f"{folder}/blank.png has no text that was read, so that recognition was not measured on it" in notes
    assert os.listdir(folder).count("result.json") == 1
    assert len(os.listdir(folder)) == 2
    return load_result(output)


def test_every_bundle_is_measured_with_every_number_of_threads(compared: Result) -> None:
    assert compared.settings.threads == (2, 1)
    assert [(bundle.name, bundle.digest) for bundle in compared.bundles] == [("ppocrv6-tiny", DEFAULT_DIGEST)] * 2
    for bundle in compared.bundles:
        assert bundle.instructions is None
        assert bundle.engine.package == "ai-edge-litert"
        assert [run.threads for run in bundle.runs] == [2, 1]
    for run in itertools.chain(*(bundle.runs for bundle in compared.bundles)):
        assert run.lines_per_page == 1.5
        assert [len(samples) for samples in run.page_samples_ms] == [3, 3]
        assert set(run.stages_ms) == {*STAGES, PAGE}
        assert run.stages_ms[PAGE] == Summary.of(list(itertools.chain(*run.page_samples_ms)))
        assert sum(run.stages_ms[stage].mean for stage in STAGES) == pytest.approx(run.stages_ms[PAGE].mean, abs=0.02)
        assert {run.stages_ms[stage].count for stage in STAGES} == {6}
        assert run.cold_start_ms is not None
        assert run.cold_start_ms.count == run.load_ms.count == 2
        assert run.cold_start_ms.min > run.load_ms.min + run.stages_ms[PAGE].min
        assert 50e6 < run.peak_rss_bytes < 500e6


def test_the_pictures_are_described(compared: Result) -> None:
    sign, blank = compared.pictures
    assert (sign.name, sign.width, sign.height, sign.lines) == (SIGN, 640, 420, 3)
    assert (blank.width, blank.height, blank.lines) == (300, 200, 0)
    assert sign.sha256 == subprocess.check_output(["sha256sum", SIGN], text=True).split()[0]


def test_a_speed_up_is_that_of_the_pages_that_were_read_in_turn(compared: Result) -> None:
    assert [(speed_up.threads, speed_up.pairs) for speed_up in compared.speed_ups] == [(2, 6), (1, 6)]
    for speed_up, *runs in zip(compared.speed_ups, *(bundle.runs for bundle in compared.bundles), strict=True):
        first, second = (sum(itertools.chain(*run.page_samples_ms)) for run in runs)
        assert speed_up.ratio == pytest.approx(second / first, abs=1e-4)
        assert speed_up.low <= speed_up.ratio <= speed_up.high


def test_a_sweep_can_be_without_cold_starts_and_repeats(tmp_path: Path) -> None:
    assert probe("--output", tmp_path / "result.json", "--pictures", SIGN, SIGN, *FAST).returncode == 0
    (run,) = load_result(tmp_path / "result.json").bundles[0].runs
    assert run.cold_start_ms is None
    assert run.load_ms.count == run.stages_ms[PAGE].count == 1
    assert run.energy is None or run.energy.joules_per_page > 0
    assert load_result(tmp_path / "result.json").speed_ups == ()


def test_the_device_s_health_and_its_meter_are_part_of_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the files of a Raspberry Pi 4 whose supply is weak, and which has a sensor of power on it."""
    root = plant("raspberry-pi-4", tmp_path)
    monkeypatch.setenv("PATH", "")
    next(root.glob("sys/devices/platform/**/get_throttled")).write_text("5\n")
    sensor = root / "sys/class/hwmon/hwmon7"
    sensor.mkdir(parents=True)
    (sensor / "name").write_text("ina226\n")
    (sensor / "power1_input").write_text("6000000\n")
    monkeypatch.setattr("edge_ocr.benchmark.probe.METERED_SECONDS", 0)
    settings = Settings(threads=(1,), repeats=1, warm_up=0, cold_starts=0, engine=None, det_side=320)
    result = Probe([None], [SIGN], settings, lambda note: None, root).measure()
    assert (result.facts.board or "").startswith("Raspberry Pi 4")
    assert result.health is not None
    assert result.health.before.throttled_by == result.health.after.throttled_by == ("under-voltage", "throttling")
    assert "under-voltage" in result.problems[0]
    (run,) = result.bundles[0].runs
    assert run.energy is not None
    assert run.energy.rail == "ina226"
    assert 0.2 < run.energy.joules_per_page / (6.0 * run.stages_ms[PAGE].mean / 1000) < 5


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--pictures", "missing.jpg"], "error: missing.jpg does not exist; check the spelling"),
        (["--pictures", __file__], "is not a picture that can be read; give a JPEG"),
        (["--pictures", str(Path(__file__).parent)], "has no pictures"),
        (["--pictures", SIGN, "--bundle", "no-such"], "error: there is no bundle 'no-such'"),
        (["--pictures", SIGN, "--bundle", SIGN], "it is neither a folder nor a whole .ocrbundle file"),
        (["--pictures", SIGN, "--against", "no-such"], "error: there is no bundle 'no-such'"),
        (["--pictures", SIGN, "--engine", "abacus"], "error: no engine 'abacus' runs models of format 'tflite'"),
        (["--pictures", SIGN, "--threads", "1,0"], "expected a whole number from 1 to 1024, got '0'"),
        (["--pictures", SIGN, "--threads", ""], "expected a whole number from 1 to 1024, got ''"),
        (["--pictures", SIGN, "--repeats", "0"], "expected a whole number from 1 to 100000, got '0'"),
        (["--pictures", SIGN, "--det-side", "31"], "expected a whole number from 32 to 16384, got '31'"),
        (["--pictures"], "argument --pictures: expected at least one argument"),
        ([], "the following arguments are required: --pictures"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_the_work(
    arguments: Sequence[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = main(["--output", str(tmp_path / "result.json"), *arguments])
    except SystemExit as ended:  # argparse
        status = ended.code
    assert status == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert complaint in said.err.splitlines()[-1]
    assert "starting" not in said.err
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place, reason in ((tmp_path / "no/result.json", "No such file or directory"), (tmp_path, "Is a directory")):
        assert main(["--output", str(place), "--pictures", SIGN]) == 2
        assert capsys.readouterr().err == f"error: cannot write {place}: {reason}; choose another place\n"


@pytest.mark.parametrize(
    ("step", "stop", "status"),
    [
        ("starting", signal.SIGINT, 130),
        ("reading", signal.SIGINT, 130),
        ("reading", signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_a_probe_that_is_stopped_leaves_the_old_result(
    step: str, stop: signal.Signals, status: int, tmp_path: Path
) -> None:
    output = tmp_path / "result.json"
    output.write_text("old")
    command = [*PROBE, "--output", str(output), "--pictures", SIGN, *FAST, "--repeats", "100000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any(step in line for line in process.stderr)
        process.send_signal(stop)
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == status
    assert output.read_text() == "old"
    if stop == signal.SIGKILL:  # a killed one leaves a hidden draft, which goes with the next run
        assert probe("--output", output, "--pictures", SIGN, *FAST).returncode == 0
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_process_that_is_killed_while_it_is_measured_ends_the_probe_in_one_sentence(tmp_path: Path) -> None:
    """As the kernel does where memory runs out."""
    command = [*PROBE, "--output", str(tmp_path / "result.json"), "--pictures", SIGN, LETTER, *FAST]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("starting" in line for line in process.stderr)
        (child,) = _children_of(process.pid)
        os.kill(child, signal.SIGKILL)
        rest = process.stderr.read()
    assert process.returncode == 2
    assert rest == (
        f"error: a process that reads {SIGN} with --threads 1 was killed by signal 9, for which too little memory is "
        "the usual reason; ask for fewer threads, or for smaller pictures\n"
    )
    assert os.listdir(tmp_path) == []


def _children_of(process: int) -> list[int]:
    """Wait until it has some."""
    while not (children := Path(f"/proc/{process}/task/{process}/children").read_text().split()):
        pass
    return [int(child) for child in children]
