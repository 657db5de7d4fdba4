"""Where the time of a page goes: by hand-made moments, and by slowing one part of a real engine down."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import edge_ocr
from edge_ocr import OCR, Bundle
from edge_ocr.benchmark.result import PAGE, STAGES
from edge_ocr.benchmark.stages import Inference, StagedOCR, covered, split
from edge_ocr.engines import open_engine
from edge_ocr.engines.base import Array, Engine, Network, Result

SIGN = Path(__file__).parents[1] / "golden/sign.png"


def test_spans_that_overlap_count_once() -> None:
    assert covered([]) == 0
    assert covered([(0, 1), (3, 5)]) == 3
    assert covered([(4, 6), (0, 2), (1, 5), (1.5, 1.8)]) == 6
    assert covered([(2, 2), (1, 2)]) == 1


TIMINGS = {"decode": 10.0, "detect": 100.0, "crop": 7.0, "direction": 8.0, "recognise": 60.0, "total": 190.0}
DETECTION = Inference("detector", whole=(5.015, 5.090), fill=(5.016, 5.020), take=(5.080, 5.088))
"""Of a page that is read from 5 s on: the picture is there at 5.010, and the quads are at 5.110."""
ASKED = Inference("direction", whole=(5.118, 5.124), fill=(5.118, 5.119), take=(5.123, 5.124))


@pytest.mark.parametrize(
    ("lines", "recognise"),
    [
        ([], 0.0),
        ([Inference("recognizer", whole=(5.126, 5.150), fill=(5.127, 5.130), take=(5.145, 5.149))], 1 + 15 + 1),
        (
            [
                Inference("recognizer", whole=(5.126, 5.150), fill=(5.126, 5.130), take=(5.146, 5.150)),
                Inference("recognizer", whole=(5.126, 5.160), fill=(5.126, 5.140), take=(5.156, 5.160)),
            ],
            26.0,  # networks run from 5.130 to 5.146 and from 5.140 to 5.156
        ),
    ],
    ids=["no lines", "one line", "two lines at once"],
)
def test_a_page_is_split_where_its_networks_begin_and_end(lines: list[Inference], recognise: float) -> None:
    stages = split(TIMINGS, 5.0, [DETECTION, ASKED, *lines])
    assert stages == pytest.approx(
        {
            "decode": 10,
            "preprocess": 5 + 4,
            "detect": 1 + 60 + 2,
            "postprocess": 100 - 9 - 63,
            "crop": 7,
            "direction": 8,
            "recognise": recognise,
            "ctc": 190 - 10 - 100 - 7 - 8 - recognise,
            "page": 190,
        }
    )
    assert (*STAGES, PAGE) == tuple(stages)


def test_pieces_of_a_long_picture_are_detected_together() -> None:
    second = Inference("detector", whole=(5.092, 5.102), fill=(5.093, 5.095), take=(5.100, 5.101))
    stages = split(TIMINGS, 5.0, [DETECTION, second])
    assert stages["preprocess"] == pytest.approx(5 + 4 + 2)
    assert stages["detect"] == pytest.approx(63 + 1 + 5 + 1)
    assert stages["preprocess"] + stages["detect"] + stages["postprocess"] == pytest.approx(100)


def test_a_wait_between_two_stages_makes_none_less_than_nothing() -> None:
    late = Inference("detector", whole=(5.515, 5.590), fill=(5.516, 5.520), take=(5.580, 5.588))
    stages = split(TIMINGS | {"total": 690.0}, 5.0, [late])
    assert (stages["preprocess"], stages["detect"], stages["postprocess"]) == pytest.approx((37, 63, 0))
    assert stages["ctc"] == pytest.approx(500 + 65)


class Slow:
    """An engine, of which one kind of network takes longer."""

    def __init__(self, engine: Engine, kind: str, delay: Callable[[], None]) -> None:
        """`delay` is called before each of its runs."""
        self.name, self.package, self.version, self.format = engine.name, engine.package, engine.version, engine.format
        self._engine = engine
        self._kind = kind
        self._delay = delay

    def load(self, model: bytes, *, name: str, threads: int = 1) -> Network:
        network = self._engine.load(model, name=name, threads=threads)
        return SlowNetwork(network, self._delay) if name == self._kind else network


class SlowNetwork:
    """A network of a `Slow` engine."""

    def __init__(self, network: Network, delay: Callable[[], None]) -> None:
        self.name, self.input, self.output = network.name, network.input, network.output
        self._network = network
        self._delay = delay

    def run(self, shape: tuple[int, ...], fill: Callable[[Array], None], take: Callable[[Array], Result]) -> Result:
        self._delay()
        return self._network.run(shape, fill, take)


class Clock:
    """A clock that stands still but for what a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds

    def tick(self) -> None:
        """Let a millisecond pass."""
        self.seconds += 0.001


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that all stages are timed with."""
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


@pytest.fixture(scope="module")
def bundle(bundle_folder: Path) -> Bundle:
    return Bundle.open(bundle_folder)


@pytest.fixture(scope="module")
def engine(bundle: Bundle) -> Engine:
    return open_engine(None, bundle.manifest.format, bundle.manifest.min_runtime)


def staged(bundle: Bundle, engine: Engine) -> dict[str, float]:
    """Whole milliseconds of each stage of the sign that took any."""
    stages = StagedOCR(bundle, engine, threads=1, det_side=None).read(SIGN)[1]
    return {stage: round(milliseconds, 3) for stage, milliseconds in stages.items() if abs(milliseconds) > 0.001}


@pytest.mark.parametrize("threads", [1, 2])
def test_the_stages_of_a_real_page_are_the_page_and_none_is_less_than_nothing(
    bundle: Bundle, engine: Engine, threads: int
) -> None:
    page, stages = StagedOCR(bundle, engine, threads=threads, det_side=None).read(SIGN)
    assert page.text == OCR(bundle, threads=1).read(SIGN).text != ""
    assert all(milliseconds >= 0 for milliseconds in stages.values())
    assert sum(stages[stage] for stage in STAGES) == pytest.approx(stages[PAGE])
    for stage in ("decode", "crop", "direction"):
        assert stages[stage] == page.timings[stage]
    assert stages["preprocess"] + stages["detect"] + stages["postprocess"] == pytest.approx(page.timings["detect"])
    assert stages["recognise"] + stages["ctc"] >= page.timings["recognise"]


@pytest.mark.parametrize(
    ("kind", "stage", "runs"),
    [("detector", "detect", 1), ("direction", "direction", 3), ("recognizer", "recognise", 3)],
)
def test_the_time_of_a_network_is_that_of_its_stage_alone(
    bundle: Bundle, engine: Engine, clock: Clock, kind: str, stage: str, runs: int
) -> None:
    assert staged(bundle, Slow(engine, kind, clock.tick)) == {stage: runs, PAGE: runs}


@pytest.mark.parametrize(
    ("where", "stages"),
    [
        ("ocr.load_picture", {"decode": 1}),
        ("detector.cv2.resize", {"preprocess": 1, "direction": 3}),
        ("normalisation.Normaliser.write", {"preprocess": 1, "direction": 3, "ctc": 3}),
        ("detector.cv2.findContours", {"postprocess": 1}),
        ("geometry.along_text", {"postprocess": 3}),
        ("geometry.crop", {"crop": 3}),
        ("ctc.best_path", {"ctc": 3}),
        ("geometry.reading_order", {"ctc": 1}),
    ],
)
def test_the_time_of_a_step_around_the_networks_is_that_of_its_stage_alone(
    bundle: Bundle, engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch, where: str, stages: dict[str, int]
) -> None:
    module, _, name = where.rpartition(".")
    owner = operator.attrgetter(module)(edge_ocr)
    real = getattr(owner, name)

    def slow(*arguments: object) -> object:
        clock.tick()
        return real(*arguments)

    monkeypatch.setattr(owner, name, slow)
    assert staged(bundle, engine) == {**stages, PAGE: sum(stages.values())}


def test_lines_that_are_recognised_at_once_take_their_time_by_the_clock_on_the_wall(
    bundle: Bundle, engine: Engine
) -> None:
    """The sign has three lines, so that one of two threads reads two of them while the other reads one."""
    slow = Slow(engine, "recognizer", lambda: time.sleep(0.2))
    stages = StagedOCR(bundle, slow, threads=2, det_side=None).read(SIGN)[1]
    assert 2 * 200 <= stages["recognise"] < 3 * 200
