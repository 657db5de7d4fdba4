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

Of "static" alone, which looks at inputs:

- `ranges`: how the range of an activation follows from calibration: "extremes" (smallest and largest value seen) or
  "least-error" (the clipping that loses least, measured after the activation function where one follows).
- `samples`: how many calibration inputs are looked at.
- `equalisation`: 0 (off) to 1, how strongly channels of different magnitude are brought to the same one beforehand.
- `sensitive_convolutions`: so many more stay float: those that, measured one by one on calibration inputs, bring the
  output closest to the float model's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from ai_edge_quantizer.qtyping import TFLOperationName

from converters.errors import ConversionError

KINDS = ("detector", "direction", "recognizer")
MODES = ("static", "weights", "float")
RANGES = ("extremes", "least-error")
_STATIC_ONLY = ("samples", "equalisation", "sensitive_convolutions")
_QUANTISABLE = {operation.value for operation in TFLOperationName}


@dataclass(frozen=True)
class ModelRecipe:
    """How one kind of model is quantised; the fields are described in the module's docstring."""

    mode: str
    operators: tuple[str, ...] = ()
    ranges: str = "extremes"
    samples: int = 0
    equalisation: float = 0.0
    float_convolutions: int = 0
    sensitive_convolutions: int = 0
    half_precision: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ConversionError(f"recipe: mode {self.mode!r} is not one of {', '.join(MODES)}")
        if self.ranges not in RANGES:
            raise ConversionError(f"recipe: ranges {self.ranges!r} is not one of {', '.join(RANGES)}")
        if unknown := [name for name in self.operators if name not in _QUANTISABLE]:
            raise ConversionError(f"recipe: the quantizer does not know the operators {', '.join(map(str, unknown))}")
        if self.mode != "float" and not self.operators:
            raise ConversionError(f"recipe: mode {self.mode!r} needs a list of operators")
        for name in ("samples", "float_convolutions", "sensitive_convolutions"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 0:
                raise ConversionError(f"recipe: {name} is {getattr(self, name)!r}; give a whole number from 0")
        if self.mode == "static" and self.samples < 1:
            raise ConversionError(f"recipe: static quantisation needs samples >= 1, not {self.samples}")
        if self.mode != "static" and (idle := [name for name in _STATIC_ONLY if getattr(self, name)]):
            raise ConversionError(f"recipe: mode {self.mode!r} looks at no inputs; leave {', '.join(idle)} out")
        if type(self.half_precision) is not bool:
            raise ConversionError(f"recipe: half_precision is {self.half_precision!r}; give true or false")
        if not 0 <= self.equalisation <= 1:
            raise ConversionError(f"recipe: equalisation {self.equalisation} is not between 0 and 1")

    @property
    def needs_calibration(self) -> bool:
        """Whether calibration inputs are looked at."""
        return self.mode == "static"


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
            models[kind] = ModelRecipe(**{**entry, "operators": tuple(entry.get("operators", ()))})
        if set(models) != set(KINDS):
            raise ConversionError(f"recipe {origin}: models are {', '.join(sorted(models))}; give {', '.join(KINDS)}")
        return Recipe(str(data["name"]), str(data["summary"]), models, data.get("caution"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConversionError(f"recipe {origin} is not valid: {error!r}") from error
