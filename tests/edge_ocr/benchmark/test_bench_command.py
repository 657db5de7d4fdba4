"""`edge-ocr bench`: what it refuses before any device is touched, its reports and its exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from edge_ocr.benchmark.host import command
from edge_ocr.benchmark.host.devices.base import Device
from edge_ocr.benchmark.host.planning import Plan, make_plan
from edge_ocr.benchmark.result import Result, load_result
from edge_ocr.cli import main
from edge_ocr.doctor import SAMPLE
from edge_ocr.errors import DeviceError
from tests.conftest import ROOT
from tests.edge_ocr.benchmark.results import PI_4, bundle, result, run

Measured = Callable[[Device, Plan, Callable[[str], None]], Result]


def forbidden(device: Device, plan: Plan, note: Callable[[str], None]) -> Result:
    raise AssertionError(f"{device.name} was touched")


@pytest.fixture(autouse=True)
def no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "measure", forbidden)


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have every device answer like this; there is no Raspberry Pi here to ask."""

    def answers(*results: Result | DeviceError) -> None:
        waiting = iter(results)

        def measure(device: Device, plan: Plan, note: Callable[[str], None]) -> Result:
            note(f"{device.name}: reading")
            answer = next(waiting)
            if isinstance(answer, DeviceError):
                raise answer
            return replace(answer, device=device.name)

        monkeypatch.setattr(command, "measure", measure)

    return answers


def bench(*arguments: object) -> int:
    return main(["bench", *map(str, arguments)])


BAD: dict[str, tuple[list[str], str]] = {
    "unknown device": (["--device", "raspberrypi"], "name it as local, ssh://"),
    "no device": (["--device", ""], "no device is named ''"),
    "unknown CPU": (["--device", "qemu:cortex-a99"], "cortex-a72"),
    "no host": (["--device", "ssh://"], "ssh://"),
    "one of several": (["--device", "local", "--device", "nonsense"], "no device is named 'nonsense'"),
    "unknown targets": (["--targets", "raspbery-pi-4"], "did you mean raspberry-pi-4?"),
    "missing targets": (["--targets", "missing.toml"], "missing.toml cannot be read"),
    "unknown bundle": (["--bundle", "nonsense"], "there is no bundle 'nonsense'"),
    "unknown other bundle": (["--compare", "nonsense"], "there is no bundle 'nonsense'"),
    "no bundle": (["--bundle", "FOLDER"], "manifest.json"),
    "unknown engine": (["--engine", "steam"], "no engine 'steam'"),
    "missing picture": (["--pictures", "missing.png"], "missing.png does not exist"),
    "no picture": (["--pictures", "FOLDER"], "has no pictures"),
    "text as picture": (["--pictures", "FOLDER/notes.txt"], "is not a picture"),
    "standard input": (["--pictures", "-"], "standard input only once"),
    "threads of targets left out": (["--targets", "raspberry-pi-4", "--threads", "1,2"], "are for 4 threads"),
    "folder as file": (["--json", "FOLDER.json"], "is a folder; name a file in it"),
    "no such folder": (["--markdown", "FOLDER/none/report.md"], "there is no folder"),
    "overlong name": (["--json", f"FOLDER/{'r' * 300}.json"], "cannot be written: File name too long"),
    "wrong suffix": (["--plot", "FOLDER/plot.jpg"], "should end in .png or .svg"),
    "no suffix": (["--json", "FOLDER/result"], "should end in .json"),
    "one place for two": (["--json", "FOLDER/a.json", "--plot", "FOLDER/a.svg", "--markdown", "FOLDER/a.json"], ".md"),
    "junit without targets": (["--junit", "FOLDER/r.xml"], "name the limits with --targets"),
    "json of two": (["--json", "FOLDER/r.json", "--device", "local", "--device", "local"], "name one --device"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_before_a_device_is_touched(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("no picture")
    arguments, said = BAD[case]
    before = sorted(tmp_path.rglob("*"))
    assert bench(*(each.replace("FOLDER", str(tmp_path / "folder")) for each in arguments)) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1
    assert said in err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--threads", "0"],
        ["--threads", "1,,2"],
        ["--threads", "two"],
        ["--repeats", "0"],
        ["--repeats", "1.5"],
        ["--warm-up", "-1"],
        ["--cold-starts", "many"],
        ["--det-side", "8"],
        ["compare", "a.json"],
        ["nonsense"],
    ],
)
def test_wrong_options_are_refused(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        bench(*arguments)
    assert stop.value.code == 2
    assert "error: " in capfd.readouterr().err


def test_an_input_is_not_written_over(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "page.png"
    picture.write_bytes(SAMPLE.read_bytes())
    assert bench("--pictures", picture, "--plot", picture) == 2
    assert "is an input and would be overwritten" in capfd.readouterr().err
    assert picture.read_bytes() == SAMPLE.read_bytes()


def test_a_pass(board: Callable[..., None], capfd: pytest.CaptureFixture[str]) -> None:
    board(result())
    assert bench("--device", "ssh://pi@raspberrypi", "--targets", "raspberry-pi-4") == 0
    out, err = capfd.readouterr()
    assert "It passes raspberry-pi-4: of 8 limits 8 met" in out
    assert err == "ssh://pi@raspberrypi: reading\n"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (result(bundle(runs=[run(factor=4)])), "MISSED"),
        (result(problems=("it was throttled",)), "it was throttled"),
        (result(facts=replace(PI_4, board="Raspberry Pi 5 Model B Rev 1.0", soc="BCM2712")), "for another device"),
        (result(bundle(runs=[replace(run(), cold_start_ms=None)])), "not measured"),
    ],
)
def test_no_pass(board: Callable[..., None], capfd: pytest.CaptureFixture[str], found: Result, said: str) -> None:
    board(found)
    assert bench("--targets", "raspberry-pi-4") == 1
    out = capfd.readouterr().out
    assert said in out and "It does not pass raspberry-pi-4" in out


def test_without_targets_only_problems_are_a_failure(board: Callable[..., None]) -> None:
    board(result())
    assert bench() == 0
    board(result(problems=("it was throttled",)))
    assert bench() == 1


def test_one_device_of_several_may_fail(board: Callable[..., None], capfd: pytest.CaptureFixture[str]) -> None:
    board(DeviceError("ssh://a: it refuses the connection; switch it on"), result())
    assert bench("--device", "ssh://a", "--device", "ssh://b") == 1
    out, err = capfd.readouterr()
    assert "device          ssh://b" in out
    assert "error: ssh://a: it refuses the connection; switch it on\n" in err
    board(DeviceError("ssh://a: gone"), DeviceError("ssh://b: gone"))
    assert bench("--device", "ssh://a", "--device", "ssh://b") == 2


def test_all_reports_are_written(board: Callable[..., None], tmp_path: Path) -> None:
    board(result(bundle(), bundle("float", runs=[run(factor=1.5)])))
    outputs = {"json": "r.json", "markdown": "r.md", "junit": "r.xml", "plot": "r.svg"}
    options = [word for option, name in outputs.items() for word in (f"--{option}", tmp_path / name)]
    assert bench("--targets", "raspberry-pi-4", *options) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(outputs.values())
    assert load_result(tmp_path / "r.json").device == "local"
    assert (tmp_path / "r.md").read_text().startswith("## ppocrv6-tiny")
    assert ElementTree.parse(tmp_path / "r.xml").getroot().get("failures") == "0"
    assert ElementTree.parse(tmp_path / "r.svg").getroot().tag.endswith("svg")
    board(result())
    assert bench("--plot", tmp_path / "r.png") == 0
    assert Image.open(tmp_path / "r.png").format == "PNG"


def test_a_missed_target_is_reported_all_the_same(board: Callable[..., None], tmp_path: Path) -> None:
    board(result(bundle(runs=[run(factor=100)])))
    assert bench("--targets", "raspberry-pi-4", "--json", tmp_path / "r.json") == 1
    assert load_result(tmp_path / "r.json").bundles[0].runs


def test_ctrl_c_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(device: Device, plan: Plan, note: Callable[[str], None]) -> Result:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "measure", interrupted)
    assert bench("--json", tmp_path / "r.json", "--plot", tmp_path / "r.png") == 130
    assert not list(tmp_path.iterdir())


def test_settings_come_from_the_options_and_the_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measure(device: Device, plan: Plan, note: Callable[[str], None]) -> Result:
        asked.append(plan)
        return result()

    monkeypatch.setattr(command, "measure", measure)
    bench()
    bench("--targets", "raspberry-pi-4")
    bench("--threads", "2,1,2", "--repeats", "3", "--warm-up", "0", "--cold-starts", "0", "--det-side", "640")
    bench("--pictures", SAMPLE, ROOT / "edge_ocr" / SAMPLE.name, "--compare", ROOT / "edge_ocr" / "models" / "default")
    assert [plan.settings.threads for plan in asked] == [(1, 2, 4), (4,), (2, 1), (1, 2, 4)]
    settings = asked[2].settings
    assert (settings.repeats, settings.warm_up, settings.cold_starts, settings.det_side) == (3, 0, 0, 640)
    assert list(asked[0].pictures) == ["page.jpg"]
    assert list(asked[3].pictures) == [SAMPLE.name, f"2-{SAMPLE.name}"]
    assert len(asked[3].bundles) == 2


def test_pictures_of_any_name_have_each_their_own(tmp_path: Path) -> None:
    names = ["a/3-x.png", "b/x.png", "c/x.png", "d/x.png", "new\nline.png", os.fsdecode(b"latin-\xe9.png")]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(SAMPLE.read_bytes())
    plan = make_plan([None], [str(tmp_path / name) for name in names], result().settings)
    assert list(plan.pictures) == ["3-x.png", "x.png", "2-x.png", "4-x.png", "new\\nline.png", "latin-\\udce9.png"]
    assert list(plan.pictures.values()) == [tmp_path / name for name in names]


def test_compare(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, factor in (("a", 1.0), ("b", 1.5)):
        (tmp_path / f"{name}.json").write_bytes(result(bundle(runs=[run(factor=factor)])).to_json())
    assert bench("compare", tmp_path / "a.json", tmp_path / "b.json") == 0
    assert re.search(r"page +192\.0 ms +288\.0 ms +1\.500 ", capfd.readouterr().out)


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"schema": 1}', '{"schema": 2}', "\x00", "[" * 100_000])
def test_compare_refuses_what_is_no_result(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: str | None
) -> None:
    (tmp_path / "a.json").write_bytes(result().to_json())
    if content is not None:
        (tmp_path / "b.json").write_text(content)
    assert bench("compare", tmp_path / "a.json", tmp_path / "b.json") == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1 and "b.json" in err


def test_targets_are_listed_and_shown(capfd: pytest.CaptureFixture[str]) -> None:
    assert bench("targets") == 0
    assert "  raspberry-pi-zero-2-w  Raspberry Pi Zero 2 W: four Cortex-A53" in capfd.readouterr().out
    assert bench("targets", "snapdragon-855") == 0
    out = capfd.readouterr().out
    assert re.search(r"page, p90 +268 ms +\[3\]", out)
    assert "[3] to beat: PP-OCR 1.1 slim" in out
    assert bench("targets", "snapdragon") == 2


def test_help_has_examples_and_is_cheap() -> None:
    script = "import sys; from edge_ocr.cli import main\ntry: main(['bench', '--help'])\nfinally: print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "edge-ocr bench --device qemu:cortex-a76 --targets qemu-cortex-a76" in shown
    modules = set(shown.splitlines()[-1].split())
    assert not {"numpy", "cv2", "matplotlib", "edge_ocr.benchmark"} & modules


def test_this_machine_for_real(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    options = ["--threads", "1", "--repeats", "2", "--warm-up", "1", "--cold-starts", "1", "--pictures", SAMPLE]
    status = bench(*options, "--json", tmp_path / "r.json")
    out, err = capfd.readouterr()
    found = load_result(tmp_path / "r.json")
    assert status == (1 if found.problems else 0)
    assert [picture.name for picture in found.pictures] == [SAMPLE.name]
    assert found.pictures[0].lines == 2
    assert found.bundles[0].runs[0].stages_ms["page"].count == 2
    assert "local: " in err and "start to first text" in out
    assert json.loads((tmp_path / "r.json").read_text())["device"] == "local"
