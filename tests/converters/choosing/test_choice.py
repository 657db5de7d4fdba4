"""Which variant is chosen: the one that costs an ARM CPU the least, of those that pass."""

from __future__ import annotations

from dataclasses import replace

from converters.choosing.outcome import CHOSEN, ModelOutcome, Variant
from converters.matrix.instructions import Executed
from converters.matrix.outcome import FAILED, PASSES, REFUSED


def variant(recipe: str, *, verdict: str = PASSES, draw: int = 0, time: float = 1.0, size: int = 1) -> Variant:
    return Variant(recipe, draw, verdict, sha256=recipe, time=time, bytes=size)


def chosen(*variants: Variant, **counts: dict[str, int | None]) -> str | None:
    """Recipe that is chosen; `counts` is CPU -> recipe -> instructions."""
    executed = {
        cpu: {recipe: Executed("48x320", count, (), {}) for recipe, count in of_cpu.items()}
        for cpu, of_cpu in counts.items()
    }
    outcome = ModelOutcome("system", "recognizer", "original", "float", variants).choose(executed)
    assert [each.recipe for each in outcome.variants] == [each.recipe for each in variants]
    assert sum(each.verdict == CHOSEN for each in outcome.variants) <= 1
    return outcome.chosen.recipe if outcome.chosen else None


SLOW, FAST = variant("slow", time=0.9), variant("fast", time=0.3)


def test_instructions_come_before_time() -> None:
    assert chosen(SLOW, FAST, a76={"slow": 10, "fast": 11}) == "slow"


def test_the_second_cpu_decides_where_the_first_does_not() -> None:
    assert chosen(SLOW, FAST, a76={"slow": 10, "fast": 10}, a72={"slow": 20, "fast": 30}) == "slow"


def test_time_decides_where_nothing_was_counted() -> None:
    assert chosen(SLOW, FAST) == chosen(SLOW, FAST, a76={"slow": None}) == "fast"


def test_the_smaller_of_two_equally_fast_ones() -> None:
    assert chosen(replace(FAST, bytes=3), replace(FAST, recipe="small", bytes=2)) == "small"


def test_what_could_be_counted_goes_before_what_could_not() -> None:
    assert chosen(SLOW, FAST, a76={"slow": 10, "fast": None}) == "slow"


def test_nothing_is_chosen_of_what_is_refused_or_failed() -> None:
    assert chosen(replace(SLOW, verdict=REFUSED), replace(FAST, verdict=FAILED)) is None
    assert chosen(SLOW, replace(FAST, verdict=REFUSED)) == "slow"


def test_a_recipe_is_as_good_as_the_worst_of_its_draws() -> None:
    assert chosen(FAST, variant("fast", draw=1, verdict=REFUSED), SLOW) == "slow"
    assert chosen(FAST, variant("fast", draw=1), SLOW) == "fast"
