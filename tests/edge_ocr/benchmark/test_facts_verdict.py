"""Why a run does not count: what must be refused, and what must not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edge_ocr.benchmark.facts import (
    DeviceFacts,
    Health,
    ProcessorTime,
    advice,
    problems,
    read_facts,
    read_health,
)
from tests.edge_ocr.benchmark.trees import BOARDS, alone, plant

Board = Callable[[str], tuple[DeviceFacts, Health]]

WHOLESOME = tuple(board for board in BOARDS if board != "raspberry-pi-zero-2-w")
STEADY = [100.0, 101.0, 99.5, 100.2, 103.0, 100.1, 99.9, 100.4, 102.0, 100.3]
COOL = "cool the device, and let it rest before the next run"
POWER = "use the device's own power supply and a short cable"


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    """A board's facts and health; of a board with ARM the process seems to run on it."""
    alone(tmp_path / "bin", monkeypatch)

    def read(name: str) -> tuple[DeviceFacts, Health]:
        root = plant(name, tmp_path)
        machine = "x86_64" if name.startswith("x86") else "aarch64"
        return replace(read_facts(root), machine=machine), read_health(root)

    return read


def refusals(facts: DeviceFacts, before: Health, after: Health, samples: Sequence[float] = STEADY) -> tuple[str, ...]:
    return problems(facts, before, after, {"default, 1 thread, page.jpg": samples})


def later(health: Health, *, total: float, others: float, own: float) -> Health:
    """The same health after so many seconds of all cores, of which others and the benchmark used some."""
    assert health.processor_time is not None
    then = health.processor_time
    return replace(health, processor_time=ProcessorTime(then.total + total, then.busy + others + own, then.own + own))


@pytest.mark.parametrize("name", WHOLESOME)
def test_a_steady_run_on_a_board_in_good_health_counts(name: str, board: Board) -> None:
    """Among them a PC, whose usual governor is called powersave."""
    facts, health = board(name)
    assert refusals(facts, health, later(health, total=400, others=12, own=100)) == ()


def test_a_run_in_a_container_that_shows_nothing_counts(tmp_path: Path) -> None:
    facts, health = read_facts(tmp_path), read_health(tmp_path)
    assert refusals(facts, health, health) == ()
    assert advice(facts, health) == ()


def test_under_voltage_and_throttling_void_a_run(board: Board) -> None:
    facts, health = board("raspberry-pi-zero-2-w")
    assert refusals(facts, health, health) == (
        f"the CPU was slowed when the run began and when the run ended (under-voltage); {POWER}",
        f"the CPU was slowed when the run began and when the run ended (throttling, 50 degrees); {COOL}",
    )


def test_heat_at_the_end_voids_a_run_once(board: Board) -> None:
    facts, before = board("raspberry-pi-3")
    after = replace(
        before,
        temperatures={"cpu-thermal": 80.6},
        throttled_by=("soft temperature limit",),
        events={**before.events, "soft temperature limit": 1},
    )
    assert refusals(facts, before, after) == (
        f"the CPU was slowed when the run ended (soft temperature limit, 81 degrees); {COOL}",
    )


def test_what_was_noted_during_the_run_voids_it_and_what_was_noted_before_does_not(board: Board) -> None:
    facts, before = board("raspberry-pi-4")  # under-voltage and throttling before
    after = replace(before, events={**before.events, "frequency cap": 1})
    assert refusals(facts, before, after) == (f"the CPU was slowed during the run (frequency cap); {COOL}",)


def test_counters_tell_how_often(board: Board) -> None:
    facts, before = board("jetson-orin-nano")
    after = replace(before, events={**before.events, "instantaneous over-current": 60})
    assert refusals(facts, before, after) == (
        f"the CPU was slowed during the run (instantaneous over-current, 23 times); {POWER}, or a lower power mode",
    )


def test_an_event_that_only_the_second_look_could_see_is_no_news(board: Board) -> None:
    facts, before = board("raspberry-pi-4")
    assert refusals(facts, replace(before, events={}), before) == ()


def test_a_limit_that_falls_voids_a_run_and_one_that_stays_low_does_not(board: Board) -> None:
    facts, before = board("jetson-nano")  # its power mode allows 918 of 1479 MHz
    assert refusals(facts, before, before) == ()
    (clock,) = before.clocks
    after = replace(before, clocks=(replace(clock, limit_mhz=614),))
    assert refusals(facts, before, after) == (f"the clock's limit fell from 918 to 614 MHz during the run; {COOL}",)


def test_a_clock_that_should_stand_still_must(board: Board) -> None:
    facts, before = board("raspberry-pi-5")  # governor performance
    (clock,) = before.clocks
    after = replace(before, clocks=(replace(clock, mhz=1500),))
    assert refusals(facts, before, after) == (
        f"the clock stood at 1500 of 2400 MHz though its governor is performance; {COOL}",
    )


@pytest.mark.parametrize("governor", ["ondemand", "schedutil", "conservative"])
def test_a_clock_that_follows_the_load_may_be_low(governor: str, board: Board) -> None:
    facts, before = board("raspberry-pi-5")
    (clock,) = before.clocks
    after = replace(before, clocks=(replace(clock, mhz=1500, governor=governor),))
    assert refusals(facts, before, after) == ()


def test_powersave_voids_a_run_on_a_board(board: Board) -> None:
    facts, health = board("raspberry-pi-4")
    (clock,) = health.clocks
    saving = replace(health, clocks=(replace(clock, governor="powersave", mhz=600),))
    (sentence,) = refusals(facts, saving, saving)
    assert sentence.startswith("the governor powersave holds the clock at 600 MHz; run: echo performance | sudo tee ")


@pytest.mark.parametrize(("others", "voids"), [(12.0, False), (39.0, False), (41.0, True), (150.0, True)])
def test_others_may_use_a_tenth_of_the_cpu(others: float, voids: bool, board: Board) -> None:
    facts, before = board("raspberry-pi-4")
    found = refusals(facts, before, later(before, total=400.0, others=others, own=100.0))
    said = f"other programs used {others / 400:.0%} of the CPU during the run; stop them, and run again"
    assert found == ((said,) if voids else ())


def test_the_shares_of_a_moment_are_chance(board: Board) -> None:
    facts, before = board("raspberry-pi-4")
    assert refusals(facts, before, later(before, total=0.9, others=0.5, own=0.1)) == ()


@pytest.mark.parametrize(("moved", "voids"), [(4 << 20, False), (300 << 20, True)])
def test_swapping_voids_a_run(moved: int, voids: bool, board: Board) -> None:
    facts, before = board("raspberry-pi-3")
    assert before.swapped_bytes is not None
    after = replace(before, swapped_bytes=before.swapped_bytes + moved)
    said = "315 MB went into or came out of swap during the run; stop other programs, and run again"
    assert refusals(facts, before, after) == ((said,) if voids else ())


NOISY = [100.0, 101.0, 150.0, 100.2, 103.0, 100.1, 160.0, 100.4, 102.0, 100.3]
SLOWING = [100.0, 100.5, 101.0, 100.4, 101.0, 118.0, 119.0, 121.0, 118.5, 120.0]


@pytest.mark.parametrize(
    "samples",
    [
        STEADY,
        [240.0, *STEADY[1:]],  # one disturbance in ten
        NOISY[:4],  # too few to tell
        SLOWING[::-1],  # a cache that fills, a governor that wakes up: the second half is the honest one
        [100.0, 100.0, 112.0, 111.0, 113.0, 112.0],  # too few for the medians of halves
        [],
    ],
)
def test_steady_times_count(samples: list[float], board: Board) -> None:
    facts, health = board("raspberry-pi-4")
    assert refusals(facts, health, health, samples) == ()


def test_noisy_times_void_a_run(board: Board) -> None:
    facts, health = board("raspberry-pi-4")
    assert refusals(facts, health, health, NOISY) == (
        "times are noisy (default, 1 thread, page.jpg: p90 is 151 ms, 1.50 times the median); "
        "stop other programs, and run again",
    )


def test_times_that_grow_void_a_run(board: Board) -> None:
    facts, health = board("snapdragon-855")  # which need not tell that it throttles
    assert refusals(facts, health, health, SLOWING) == (
        "pages became slower (default, 1 thread, page.jpg: the second half of the repeats took 1.18 times as long); "
        f"{COOL}",
    )


def test_of_many_noisy_series_the_worst_is_named(board: Board) -> None:
    facts, health = board("raspberry-pi-4")
    worse = [time * 2 if time > 140 else time for time in NOISY]
    assert problems(facts, health, health, {"mild": NOISY, "bad": worse, "good": STEADY}) == (
        "times are noisy (bad: p90 is 302 ms, 3.00 times the median; so are 2 of 3 series); "
        "stop other programs, and run again",
    )


ADVICE = {
    "jetson-nano": (
        "the clock is limited to 918 of 1479 MHz in power mode 5W",
        "the governor schedutil",
        "jetson_clocks is off",
    ),
    "jetson-orin-nano": ("the governor schedutil", "jetson_clocks is off"),
    "raspberry-pi-3": ("the governor ondemand",),
    "raspberry-pi-4": ("since its start the board has noted under-voltage and throttling", "the governor ondemand"),
    "raspberry-pi-5": (),
    "raspberry-pi-zero-2-w": ("the governor ondemand",),
    "snapdragon-855": ("the governor schedutil",),
    "x86-laptop": ("the device runs on its battery",),
}


@pytest.mark.parametrize("name", BOARDS)
def test_advice_is_given_where_a_run_counts_but_could_be_steadier(name: str, board: Board) -> None:
    sentences = advice(*board(name))
    assert len(sentences) == len(ADVICE[name])
    assert all(sentence.startswith(beginning) for sentence, beginning in zip(sentences, ADVICE[name], strict=True))


def test_a_32_bit_system_on_a_64_bit_cpu_is_advised_against(board: Board) -> None:
    facts, health = board("raspberry-pi-5")
    assert advice(replace(facts, bits=32), health) == ("Python has 32 bits on a 64-bit CPU; a 64-bit system is faster",)
