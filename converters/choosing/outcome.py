"""What is known of the variants of a model in the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from converters.matrix.instructions import Executed
from converters.matrix.outcome import FAILED, REFUSED, DataFacts
from converters.verification import Comparison, ModelFacts

SCHEMA = 1
"""Version of the JSON. It grows with every change of a key or of a meaning."""

CHOSEN = "chosen"


@dataclass(frozen=True)
class Variant:
    """One model by one recipe, calibrated on one drawing of the pictures.

    Attributes:
        recipe: its name.
        draw: of the calibration pictures, from 0, which is the one that `convert` takes.
        verdict: `CHOSEN`: the cheapest that passes; `PASSES`: it does too, and is dearer or another draw; `REFUSED`: it
            is too far from the original on the choosing half; `FAILED`: the model could not be converted or run.
        reason: why it is refused or failed; empty otherwise.
        sha256: of the model file, 64 hex digits; empty where it failed, as all that follows is.
        bytes: of the model file.
        xnnpack: how the model is run.
        time: of the network over that of the original under onnxruntime, one thread.
        found: half (`halves.HALVES`), or "all" for both -> what the model finds there, beside the original.
    """

    recipe: str
    draw: int
    verdict: str
    reason: str = ""
    sha256: str = ""
    bytes: int = 0
    xnnpack: ModelFacts | None = None
    time: float | None = None
    found: Mapping[str, Comparison] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelOutcome:
    """One model of a system, by every recipe.

    Attributes:
        system: its name in the zoo.
        kind: of model.
        original: SHA-256 of the publisher's model, as ONNX.
        float32: SHA-256 of the same as float TFLite.
        variants: recipe by recipe, and draw by draw.
    """

    system: str
    kind: str
    original: str
    float32: str
    variants: tuple[Variant, ...]

    @property
    def chosen(self) -> Variant | None:
        """The variant that is taken; None where none passes."""
        return next((variant for variant in self.variants if variant.verdict == CHOSEN), None)

    def choose(self, executed: Mapping[str, Mapping[str, Executed]]) -> ModelOutcome:
        """The same with the cheapest of the recipes that pass with every draw chosen.

        That is the one of which the emulated CPUs execute the fewest instructions, the first CPU first; then the one
        that takes the least time on this machine, then the smallest.

        Args:
            executed: name of a CPU -> SHA-256 of a model -> what it executes.
        """

        def cost(variant: Variant) -> tuple[float, ...]:
            counts = [instructions(of_cpu, variant.sha256) for of_cpu in executed.values()]
            known = [float("inf") if count is None else count for count in counts]
            return (*known, float("inf") if variant.time is None else variant.time, variant.bytes)

        bad = {variant.recipe for variant in self.variants if variant.verdict in (REFUSED, FAILED)}
        good = [variant for variant in self.variants if variant.draw == 0 and variant.recipe not in bad]
        if not good:
            return self
        best = min(good, key=cost)
        marked = (replace(each, verdict=CHOSEN) if each is best else each for each in self.variants)
        return replace(self, variants=tuple(marked))


def instructions(executed: Mapping[str, Executed], sha256: str) -> int | None:
    """Of a model, by its SHA-256; None where they were not counted."""
    found = executed.get(sha256)
    return None if found is None else found.instructions


@dataclass(frozen=True)
class Choice:
    """All of it.

    Attributes:
        date: ISO 8601, of the end.
        cpu: on which times were taken.
        executed: name of an emulated CPU -> SHA-256 of a model -> what it executes; in the order in which they decide.
        runtimes: package -> version, on this machine.
        max_drop: the accuracy budget in points; None is the usual one.
        data: that was looked at.
        models: system by system, kind by kind.
    """

    date: str
    cpu: str
    executed: Mapping[str, Mapping[str, Executed]]
    runtimes: Mapping[str, str]
    max_drop: float | None
    data: tuple[DataFacts, ...]
    models: tuple[ModelOutcome, ...]

    @property
    def good(self) -> bool:
        """Whether a variant of every model passes."""
        return all(model.chosen for model in self.models)

    def to_json(self) -> bytes:
        """All of it, as the content of a file."""
        return (json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1) + "\n").encode()
