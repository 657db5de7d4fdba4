"""Mutated models with right hashes: none brings the process down that reads with them."""

from __future__ import annotations

import fault_run
import pytest
from faults import model_files
from faults.outcomes import Table


def test_mutated_models_work_or_are_refused() -> None:
    table = Table.of(model_files.run_cases(30, range(60)))
    assert table.bad == []
    assert table.counts[model_files.KIND].total() == 60


@pytest.mark.slow
def test_many_mutated_models_work_or_are_refused() -> None:
    assert fault_run.main(["--only", "models", "--seed", "31"]) == 0


def test_a_mutant_is_the_same_each_time() -> None:
    assert [model_files.mutant(1, number) for number in range(5)] == [model_files.mutant(1, n) for n in range(5)]
