"""Plain values become records only where every key and every type is the one that the class names."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from edge_ocr.benchmark.records import from_plain, to_plain
from edge_ocr.errors import BenchmarkError


@dataclass(frozen=True)
class Leaf:
    size: int
    share: float


@dataclass(frozen=True)
class Tree:
    name: str
    evergreen: bool
    height: float | None
    leaves: tuple[Leaf, ...]
    counts: Mapping[str, int]
    nests: dict[str, tuple[Leaf, ...]]


OAK: dict[str, Any] = {
    "name": "oak",
    "evergreen": False,
    "height": None,
    "leaves": [{"size": 3, "share": 1}],
    "counts": {"acorns": 40},
    "nests": {"jay": [{"size": 20, "share": 0.5}]},
}


def test_a_record_comes_back_equal() -> None:
    tree = Tree("oak", False, None, (Leaf(3, 1.0),), {"acorns": 40}, {"jay": (Leaf(20, 0.5),)})
    assert from_plain(Tree, OAK) == tree
    assert from_plain(Tree, json.loads(json.dumps(to_plain(tree)))) == tree


def changed(path: str, value: object) -> dict[str, Any]:
    """The oak with another value at a place such as `leaves.0.size`."""
    tree = json.loads(json.dumps(OAK))
    *way, last = path.split(".")
    place: Any = tree
    for step in way:
        place = place[int(step) if step.isdecimal() else step]
    place[last] = value
    return tree


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("name", 7, "name should be a text, not 7"),
        ("evergreen", 1, "evergreen should be true or false, not 1"),
        ("height", "tall", 'height should be a number, not "tall"'),
        ("height", True, "height should be a number, not true"),
        ("height", math.inf, "height should be a number of sensible size, not Infinity"),
        ("height", 10**20, "height should be a number of sensible size, not 100000000000000000000"),
        (
            "counts.acorns",
            -(10**20),
            "counts.acorns should be a whole number of sensible size, not -100000000000000000000",
        ),
        ("leaves", {}, "leaves should be a list, not {}"),
        ("leaves.0.size", 1.5, "leaves[0].size should be a whole number, not 1.5"),
        ("leaves.0.size", None, "leaves[0].size should be a whole number, not null"),
        ("leaves.0.colour", "red", "leaves[0].colour is not known; the keys there are size, share"),
        ("counts", [1], "counts should be an object, not [1]"),
        ("counts.acorns", "many", 'counts.acorns should be a whole number, not "many"'),
        ("nests.jay", 1, "nests.jay should be a list, not 1"),
        ("name", [10] * 100, "name should be a text, not [10" + ", 10" * 13 + ", ..."),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(path: str, value: object, sentence: str) -> None:
    with pytest.raises(BenchmarkError) as refusal:
        from_plain(Tree, changed(path, value))
    assert str(refusal.value) == sentence


def test_a_missing_key_and_another_kind_of_value_are_refused() -> None:
    with pytest.raises(BenchmarkError, match=r"^trees\.oak\.name is missing$"):
        from_plain(Tree, {key: value for key, value in OAK.items() if key != "name"}, "trees.oak")
    with pytest.raises(BenchmarkError, match=r"^the whole should be an object, not \[\]$"):
        from_plain(Tree, [])
