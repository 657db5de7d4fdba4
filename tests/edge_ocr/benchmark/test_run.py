"""What is sent to a device and what comes back, with a device that answers as it likes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_ocr import __version__
from edge_ocr.benchmark.host import run as running
from edge_ocr.benchmark.host.devices.base import Device, Finished
from edge_ocr.benchmark.host.planning import make_plan
from edge_ocr.benchmark.result import BundleResult, EngineFacts, Result, Settings
from edge_ocr.bundle import Bundle
from edge_ocr.cache import sha256_of
from edge_ocr.doctor import SAMPLE
from edge_ocr.errors import BenchmarkError, DeviceError
from tests.edge_ocr.benchmark.results import bundle, result, run

SETTINGS = Settings((1, 2), 3, 1, 2, None, 640)
PLAN = make_plan([None], [str(SAMPLE)], SETTINGS)


def answer(**changes: Any) -> Result:
    """What an honest device says of `PLAN`."""
    honest = BundleResult.of(Bundle.open(), EngineFacts("ai-edge-litert", "2.3.0"), runs=(run(1), run(2)))
    picture = replace(result().pictures[0], name=f"pictures/{SAMPLE.name}", sha256=sha256_of(SAMPLE))
    made = {"edge_ocr": __version__, "pictures": (picture,), "settings": SETTINGS}
    return replace(result(honest), **{**made, **changes})


class Liar(Device):
    """A device that runs nothing and gives the answer that it was made with."""

    name, emulated, machine = "ssh://liar", False, "aarch64"
    python: tuple[int, int] | None = (3, 13)

    def __init__(self, content: bytes, finished: Finished) -> None:
        self.content, self.finished = content, finished
        self.pushed: Mapping[str, Path | bytes] = {}
        self.arguments: Sequence[str] = ()
        self.left = False

    def __enter__(self) -> Liar:
        return self

    def __exit__(self, *_: object) -> None:
        self.left = True

    def push(self, files: Mapping[str, Path | bytes]) -> None:
        self.pushed = files

    def run(self, arguments: Sequence[str], *, timeout: float, on_line: Callable[[str], None]) -> Finished:
        self.arguments = list(arguments)
        on_line("reading\x1b[2J")
        return self.finished

    def pull(self, name: str) -> bytes:
        return self.content


@pytest.fixture(autouse=True)
def prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "prepare", lambda device, manifests, engine, note: ("python3",))


WELL = Finished(0, b"", "")


def test_what_is_sent_and_asked() -> None:
    device, notes = Liar(answer().to_json(), WELL), list[str]()
    found = running.measure(device, PLAN, notes.append)
    assert list(device.pushed) == ["bundles/0.ocrbundle", f"pictures/{SAMPLE.name}"]
    assert device.arguments[:3] == ["python3", "-m", "edge_ocr.benchmark.probe"]
    options = " ".join(device.arguments[3:])
    assert "--threads 1,2 --repeats 3 --warm-up 1 --cold-starts 2 --det-side 640" in options
    assert (found.device, found.pictures[0].name) == ("ssh://liar", SAMPLE.name)
    assert notes == ["ssh://liar: reading\x1b[2J"] and device.left


def other_bundle() -> Result:
    return answer(bundles=(bundle(runs=[run(1), run(2)]),))


def better_bundle(**changes: Any) -> Result:
    """Of the right bundle, of which the device says something that the bundle does not."""
    return answer(bundles=(replace(answer().bundles[0], **changes),))


def other_picture(**changes: Any) -> Result:
    return answer(pictures=(replace(answer().pictures[0], **changes),))


def fewer_repeats() -> Result:
    return answer(settings=replace(SETTINGS, repeats=1))


def fewer_threads() -> Result:
    return answer(bundles=(replace(answer().bundles[0], runs=(run(1),)),))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the answer of ssh://liar is not a result"),
        (b"\xff\xfe\x00", "the answer of ssh://liar is not a result"),
        (json.dumps({"schema": 99}).encode(), "the result of another version"),
        (other_bundle().to_json(), "answered for other bundles"),
        (answer(bundles=(bundle(), bundle())).to_json(), "answered for other bundles"),
        (better_bundle(bytes={"total": 1}).to_json(), "answered for other bundles"),
        (better_bundle(accuracy_loss_points=-1.0).to_json(), "answered for other bundles"),
        (other_picture(name="page.jpg").to_json(), "answered for other pictures"),
        (other_picture(sha256="ef" * 32).to_json(), "answered for other pictures"),
        (answer(edge_ocr="0.0.9").to_json(), "has measured an edge-ocr 0.0.9 of its own, not the"),
        (fewer_repeats().to_json(), "answered for other settings"),
        (fewer_threads().to_json(), "answered for other settings"),
        (answer().to_json().replace(b'"lines_per_page": 17.0', b'"lines_per_page": 1e999'), "is not a whole result"),
        (answer().to_json().replace(b'"lines_per_page": 17.0', b'"lines_per_page": -17'), "is not a whole result"),
    ],
)
def test_an_answer_to_something_else_is_refused(content: bytes, said: str) -> None:
    device = Liar(content, WELL)
    with pytest.raises(BenchmarkError, match=said):
        running.measure(device, PLAN, lambda line: None)
    assert device.left


@pytest.mark.parametrize(
    ("finished", "said"),
    [
        (Finished(-9, b"", ""), "ended there by signal 9, as when memory runs out"),
        (
            Finished(2, b"", "4 threads: reading\nerror: no engine runs this; install it\n\n"),
            "no engine runs this; install it",
        ),
        (Finished(3, b"", ""), "status 3: it did not say why"),
    ],
)
def test_a_probe_that_fails_is_quoted(finished: Finished, said: str) -> None:
    device = Liar(answer().to_json(), finished)
    with pytest.raises(DeviceError, match=f"ssh://liar: .*{said}"):
        running.measure(device, PLAN, lambda line: None)
    assert device.left
