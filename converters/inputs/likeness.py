"""Which models of the zoo a model of the user's is like, and what that says about feeding it and reading its output."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from converters.errors import SourceError
from converters.inputs.description import Description
from converters.inputs.found import FoundModel
from converters.inputs.signature import Signature
from converters.zoo import Model, Zoo
from edge_ocr.cache import sha256_of


@dataclass(frozen=True)
class Likeness:
    """The zoo's models that tell about a model of the user's.

    Attributes:
        models: all those that are like it, which agree on `spec`; the plainest first.
        because: why they are, in words that follow "as it".
        same: whether it is one of them, byte for byte.
        spec: `input`, `output` and `postprocess` of its manifest.
    """

    models: tuple[Model, ...]
    because: str
    same: bool
    spec: Mapping[str, Any]


def likeness(
    found: FoundModel, signature: Signature, description: Description, zoo: Zoo, named: Sequence[Model] = ()
) -> Likeness:
    """Find the models of the zoo that are like one of the user's.

    The first of these that is not empty decides: the model that the user names, those with the same weights, those of
    the family that `inference.yml` or the path names, those with as many classes, those of the same kind. A recognizer
    is like those of its input height alone. What `inference.yml` says goes before what the models say.

    Args:
        found: the user's model.
        signature: its input and output.
        description: what its `inference.yml` says.
        zoo: to look in.
        named: models of the user's choice, of which the one of this kind counts.

    Raises:
        SourceError: there is none, or they disagree.
    """
    for because, models in _relatives(found, signature, description, zoo, named):
        specs = [description.applied_to(model.spec) for model in models]
        if models and all(spec == specs[0] for spec in specs):
            # The name of a variant is longer than that of the model that it varies.
            plainest_first = sorted(models, key=lambda model: len(model.name))
            return Likeness(tuple(plainest_first), because, because == _SAME, specs[0])
        if models:
            names = ", ".join(model.name for model in models)
            raise SourceError(
                f"{found.path} is a {signature.kind} that may be fed and read like any of {names}, which differ; say "
                "which with --like MODEL"
            )
    raise SourceError(f"the zoo has no {signature.kind} like {found.path}; say which comes closest with --like MODEL")


_SAME = "has the same weights"


def _relatives(
    found: FoundModel, signature: Signature, description: Description, zoo: Zoo, named: Sequence[Model]
) -> Iterator[tuple[str, list[Model]]]:
    """Models that are like `found`, and why; from the surest reason to the weakest."""
    of_kind = [model for model in zoo.models.values() if model.kind == signature.kind]
    yield "was said to be so", [model for model in named if model.kind == signature.kind]
    digest = sha256_of(found.weights)
    yield _SAME, [model for model in of_kind if digest in _digests(model)]
    height = description.size.get("height", signature.height)
    if signature.kind == "recognizer" and height is not None:
        of_kind = [model for model in of_kind if model.spec["input"]["size"]["height"] == height]
    family = _family((description.name, found.name, found.weights.stem), {model.family for model in of_kind})
    yield f"is called {family}", [model for model in of_kind if model.family == family]
    alike = [model for model in of_kind if model.charset and model.charset.classes == signature.classes]
    yield "has as many classes", alike
    yield "is of the same kind", of_kind


def _digests(model: Model) -> set[str | None]:
    return {file.sha256 for role, file in model.files.items() if role in ("onnx", "parameters")}


def _family(names: Sequence[str], families: set[str]) -> str | None:
    """The family that the first of `names` mentions: `ch_PP-OCRv2_rec_infer` and `my_ppocrv2.onnx` are of PP-OCRv2."""
    for name in names:
        for family in sorted(families, key=len, reverse=True):
            # PP-OCR itself is the first generation: PP-OCRv9, which is not known, is not of it.
            if re.search(re.escape(_plain(family)) + r"(?!v?\.?\d)", _plain(name)):
                return family
    return None


def _plain(name: str) -> str:
    return re.sub("[-_ ]", "", name.lower())
