"""Quantisation recipes, as data.

A recipe says for each kind of model what becomes int8 and how the ranges are chosen. Its `caution` is its place on the
walk of `--precision auto`, from 0, the fastest, to the safest; a recipe without one is used only when it is named. The
fields of a model's entry:

- `mode`: "static" (int8 weights and activations), "weights" (int8 weights, float arithmetic) or "float".
- `operators`: the TFLite operators that the mode applies to; all others stay float. Of those without weights, "static"
  takes only what works on feature maps: layer normalisation and attention stay float.
- `float_convolutions`: everything up to and including this many convolutions from the input computes in float, with
  weights stored in half precision. Quantisation noise that enters early is carried through the whole network, and the
  first layers are cheap and small.
- `half_precision`: whether what stays float may be computed in half precision by a CPU that has it, provided that the
  model's numbers have room in it.
- `rounding`: "nearest", each weight by itself, or "reconstructed", the weights of a layer together, so that on
  calibration inputs its output is the float model's; see `rounding`.
- `samples`: how many calibration inputs are looked at, by "static" and by "reconstructed".

Of "static" alone:

- `ranges`: how the range of an activation follows from calibration: "extremes" (smallest and largest value seen),
  "least-error" (the clipping that loses least, measured after the activation function where one follows) or a
  percentile from 50 to below 100, such as "percentile-99.99" (as many of the values seen are below its upper end, and
  above its lower one).
- `median_of`: into so many parts the calibration inputs are split, 1 (off) or more; a range that is clipped is chosen
  on each of them, and the median is taken. What is strange about a few inputs then moves few of them.
- `equalisation`: 0 (off) to 1, how strongly channels of different magnitude are brought to the same one beforehand.
- `float_share`: the most that staying float may cost beside the first convolutions, 0 (off) to 1 of the model's
  multiply-adds. It is spent on the layers that, measured on calibration inputs, take most of the noise off the output
  for it; see `islands`.
- `signal_to_noise`: of the output in dB; once so much is reached, no more stays float.
- `learning`: how long the model learns afterwards to read through int8, from pictures without labels; see
  `learning.LearningSettings`. Left out, it does not learn.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from ai_edge_quantizer.qtyping import TFLOperationName

from converters.errors import ConversionError
from converters.quantization.learning import LearningSettings
from converters.quantization.ranges import percentile_of

KINDS = ("detector", "direction", "recognizer")
MODES = ("static", "weights", "float")
RANGES = ("extremes", "least-error")
ROUNDINGS = ("nearest", "reconstructed")
_STATIC_ONLY = ("equalisation", "float_share", "learning")
_QUANTISABLE = {operation.value for operation in TFLOperationName}


@dataclass(frozen=True)
class ModelRecipe:
    """How one kind of model is quantised; the fields are described in the module's docstring."""

    mode: str
    operators: tuple[str, ...] = ()
    ranges: str = "extremes"
    samples: int = 0
    median_of: int = 1
    equalisation: float = 0.0
    float_convolutions: int = 0
    float_share: float = 0.0
    signal_to_noise: float | None = None
    half_precision: bool = False
    rounding: str = "nearest"
    learning: LearningSettings | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ConversionError(f"recipe: mode {self.mode!r} is not one of {', '.join(MODES)}")
        if self.ranges not in RANGES and percentile_of(self.ranges) is None:
            raise ConversionError(
                f"recipe: ranges {self.ranges!r} is not one of {', '.join(RANGES)}, nor a percentile from 50 to "
                "below 100, such as percentile-99.99"
            )
        if self.rounding not in ROUNDINGS:
            raise ConversionError(f"recipe: rounding {self.rounding!r} is not one of {', '.join(ROUNDINGS)}")
        if unknown := [name for name in self.operators if name not in _QUANTISABLE]:
            raise ConversionError(f"recipe: the quantizer does not know the operators {', '.join(map(str, unknown))}")
        if self.mode != "float" and not self.operators:
            raise ConversionError(f"recipe: mode {self.mode!r} needs a list of operators")
        for name in ("samples", "float_convolutions"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 0:
                raise ConversionError(f"recipe: {name} is {getattr(self, name)!r}; give a whole number from 0")
        if type(self.median_of) is not int or self.median_of < 1:
            raise ConversionError(f"recipe: median_of is {self.median_of!r}; give a whole number from 1")
        if self.median_of > 1 and (self.mode != "static" or self.ranges == "extremes"):
            raise ConversionError("recipe: median_of is about ranges that are clipped; leave it out, or choose such")
        if self.mode == "float" and self.rounding != "nearest":
            raise ConversionError("recipe: mode 'float' rounds no weights; leave rounding out")
        if self.needs_calibration and self.samples < 1:
            needs = "static quantisation" if self.mode == "static" else "reconstructed rounding"
            raise ConversionError(f"recipe: {needs} needs samples >= 1, not {self.samples}")
        if not self.needs_calibration and self.samples:
            raise ConversionError(f"recipe: mode {self.mode!r} looks at no inputs; leave samples out")
        if self.mode != "static" and (idle := [name for name in _STATIC_ONLY if getattr(self, name)]):
            raise ConversionError(f"recipe: mode {self.mode!r} rounds no activations; leave {', '.join(idle)} out")
        if type(self.half_precision) is not bool:
            raise ConversionError(f"recipe: half_precision is {self.half_precision!r}; give true or false")
        for name in ("equalisation", "float_share"):
            if type(getattr(self, name)) not in (int, float) or not 0 <= getattr(self, name) <= 1:
                raise ConversionError(f"recipe: {name} {getattr(self, name)!r} is not between 0 and 1")
        wanted = self.signal_to_noise
        if wanted is not None and (type(wanted) not in (int, float) or not math.isfinite(wanted)):
            raise ConversionError(f"recipe: signal_to_noise is {wanted!r}; give a number of dB")
        if wanted is not None and not self.float_share:
            raise ConversionError("recipe: signal_to_noise needs a float_share, the most that may be spent on it")

    @property
    def needs_calibration(self) -> bool:
        """Whether calibration inputs are looked at."""
        return self.mode == "static" or self.rounding == "reconstructed"

    @property
    def passes(self) -> int:
        """How many times each of them is."""
        seen = (1 + (self.equalisation > 0)) if self.mode == "static" else 0
        return seen + (self.rounding == "reconstructed")


@dataclass(frozen=True)
class Recipe:
    """A named set of model recipes.

    Attributes:
        name: as given to `--precision`.
        summary: one line for tables and reports.
        models: kind of model ("detector", "direction", "recognizer") -> its recipe.
        caution: see the module's docstring.
    """

    name: str
    summary: str
    models: Mapping[str, ModelRecipe]
    caution: int | None = None

    def __post_init__(self) -> None:
        if self.caution is not None and (type(self.caution) is not int or self.caution < 0):
            raise ConversionError(f"recipe: caution is {self.caution!r}; give a whole number from 0, or leave it out")

    @property
    def needs_calibration(self) -> bool:
        """Whether any of its models is calibrated."""
        return any(model.needs_calibration for model in self.models.values())

    @property
    def learns(self) -> bool:
        """Whether any of its models learns from pictures without labels."""
        return any(model.learning is not None for model in self.models.values())

    def to_json(self) -> dict[str, Any]:
        """The recipe as it is written into a bundle."""
        return asdict(self)


def available_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    folder = resources.files("converters.quantization") / "recipes"
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".json"))


def recipes_from_fastest_to_safest() -> list[Recipe]:
    """The walk of `--precision auto`: every recipe that comes with the package and has a place on it."""
    recipes = [load_recipe(name) for name in available_recipes()]
    return sorted((recipe for recipe in recipes if recipe.caution is not None), key=lambda recipe: recipe.caution or 0)


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe that comes with the package, or one from a JSON file of the user's.

    Raises:
        ConversionError: no such recipe, or the file does not describe one.
    """
    if name_or_path in available_recipes():
        text = (resources.files("converters.quantization") / "recipes" / f"{name_or_path}.json").read_text()
    elif Path(name_or_path).suffix == ".json":
        try:
            text = Path(name_or_path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConversionError(f"cannot read the recipe {name_or_path}: {error}") from error
    else:
        raise ConversionError(
            f"no recipe is called {name_or_path!r}; choose one of {', '.join(available_recipes())}, or give the path "
            "of a .json file"
        )
    return _parse(text, name_or_path)


def _parse(text: str, origin: str) -> Recipe:
    known = {field.name for field in fields(ModelRecipe)}
    try:
        data = json.loads(text)
        models = {}
        for kind, entry in data["models"].items():
            if unknown := set(entry) - known:
                raise ConversionError(f"recipe {origin}: {kind} has unknown fields {', '.join(sorted(unknown))}")
            learning = _learning(entry.get("learning"))
            changed = {"operators": tuple(entry.get("operators", ())), "learning": learning}
            models[kind] = ModelRecipe(**{**entry, **changed})
        if set(models) != set(KINDS):
            raise ConversionError(f"recipe {origin}: models are {', '.join(sorted(models))}; give {', '.join(KINDS)}")
        return Recipe(str(data["name"]), str(data["summary"]), models, data.get("caution"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConversionError(f"recipe {origin} is not valid: {error!r}") from error


def _learning(entry: object) -> LearningSettings | None:
    if entry is None:
        return None
    known = [field.name for field in fields(LearningSettings)]
    if not isinstance(entry, Mapping) or not {"pictures", "steps"} <= set(entry) <= set(known):
        raise ConversionError(
            f"recipe: learning is {entry!r}; give pictures and steps, and if you like {', '.join(known[2:])}"
        )
    return LearningSettings(**entry)
