"""Damaged input ends in a result or in one sentence: a seeded sample here, a hundred thousand in the slow tests."""

from __future__ import annotations

import copy
import json
from typing import Any

import fault_run
import pytest
from faults import parsers
from faults.outcomes import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_ocr.errors import BundleError
from edge_ocr.manifest import Manifest
from edge_ocr.models import DEFAULT_BUNDLE

SEED = 20


@pytest.mark.parametrize("kind", parsers.KINDS)
def test_damaged_input_works_or_is_refused(kind: str) -> None:
    table = Table.of(parsers.run_cases(kind, SEED, range(250)))
    assert table.bad == []
    assert table.counts[kind].total() == 250 and len(table.counts[kind]) == 2, "both happen"


@pytest.mark.slow
@pytest.mark.parametrize("kind", parsers.KINDS)
def test_much_damaged_input_works_or_is_refused(kind: str) -> None:
    table = Table.of(parsers.run_cases(kind, SEED + 1, range(fault_run.PLAN[kind].cases)))
    assert table.bad == []


def test_a_case_is_the_same_each_time() -> None:
    first, again = (list(parsers.run_cases("manifests", SEED, range(40))) for _ in range(2))
    assert first == again


def test_the_slow_run_has_a_hundred_thousand_cases() -> None:
    assert sum(fault_run.PLAN[kind].cases for kind in parsers.KINDS) >= 100_000


_DOCUMENT = json.loads((DEFAULT_BUNDLE / "manifest.json").read_text())
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=300)
@given(place=st.sampled_from(list(parsers.places(_DOCUMENT))), value=_JSON | st.just(...))
def test_a_manifest_with_any_value_at_any_place(place: tuple[Any, ...], value: object) -> None:
    """Each key in turn with whatever Hypothesis thinks of, or, as `...`, taken away."""
    document = copy.deepcopy(_DOCUMENT)
    parent: Any = document
    for key in place[:-1]:
        parent = parent[key]
    if value is ...:
        del parent[place[-1]]
    else:
        parent[place[-1]] = value
    try:
        manifest = Manifest.from_json(document)
    except BundleError as problem:
        assert str(problem).isprintable() and len(str(problem)) < 1000
    else:
        assert Manifest.from_bytes(manifest.to_bytes()).digest == manifest.digest
