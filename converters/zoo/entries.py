"""What the zoo says of a file, a model and a system."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters import charsets
from converters.errors import SourceError, UnknownModelError

KINDS = ("detector", "direction", "recognizer")

FORMS = (("onnx",), ("program", "parameters"))
"""The forms in which a model is published, as the roles of their files: ONNX, and Paddle's program and parameters."""


@dataclass(frozen=True)
class UrlSource:
    """A file at `url`, or the file `member` inside the tar archive at `url`."""

    url: str
    member: str | None = None

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class PackageSource:
    """The file `member` inside the wheel of `package`, a pinned requirement such as `name==1.0`."""

    package: str
    member: str

    def __str__(self) -> str:
        return f"package {self.package}"


Source = UrlSource | PackageSource


@dataclass(frozen=True)
class SourceFile:
    """A published file: what it must be, byte for byte, and where it can be had, in order of preference.

    Attributes:
        name: for people, and for the suffix that it is kept under.
        bytes: its size; None where it was never published and nobody has had the file here.
        sha256: its hash; None likewise.
        sources: where it can be had.
    """

    name: str
    bytes: int | None
    sha256: str | None
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class CharsetFacts:
    """The classes of a recognizer.

    Attributes:
        count: entries of the charset.
        blank: class index of the CTC blank.
        space_appended: whether one more class, the space, follows the entries of the charset.
        inside: what the charset is written in, a key of `converters.charsets.READERS`.
    """

    count: int
    blank: int
    space_appended: bool
    inside: str = "lines"

    @property
    def classes(self) -> int:
        """The width of the recognizer's output: the entries, the blank, and the space if it is appended."""
        return self.count + 1 + self.space_appended

    def read(self, path: Path) -> tuple[str, ...]:
        """The entries of a charset, in the order of the classes, without blank and appended space.

        Raises:
            SourceError: `path` has another number of entries, an empty or a repeated one, or cannot be read.
        """
        entries = charsets.READERS[self.inside](path)
        if len(entries) != self.count:
            raise SourceError(f"{path} has {len(entries)} entries where {self.count} are expected")
        return entries


@dataclass(frozen=True)
class Model:
    """One published model.

    Attributes:
        name: its name in the zoo.
        kind: `detector`, `direction` or `recognizer`.
        family: the generation that it was published with, for people.
        licence: SPDX expression.
        input_name: the graph's input.
        input_shape: shape to trace the conversion with, in ONNX order (N, C, H, W).
        files: role (`onnx`, `program`, `parameters`, `charset`) -> file.
        spec: `models.<kind>` of the manifest, in its JSON form: `input`, `output` and `postprocess`.
        charset: a recognizer's classes; None for the other kinds.
        untried: why nobody has run it here; empty for a model that was run.
    """

    name: str
    kind: str
    family: str
    licence: str
    input_name: str
    input_shape: tuple[int, int, int, int]
    files: Mapping[str, SourceFile]
    spec: Mapping[str, Any]
    charset: CharsetFacts | None
    untried: str = ""

    @property
    def forms(self) -> tuple[tuple[str, ...], ...]:
        """The forms that are there, as the roles of their files, in the order in which they are tried."""
        return tuple(form for form in FORMS if all(role in self.files for role in form))


@dataclass(frozen=True)
class System:
    """The models that read a page together; the direction classifier may be absent."""

    name: str
    title: str
    licence: str
    detector: Model
    direction: Model | None
    recognizer: Model

    @property
    def models(self) -> tuple[Model, ...]:
        """The models that are there, in the order in which a page passes them."""
        return tuple(model for model in (self.detector, self.direction, self.recognizer) if model is not None)


@dataclass(frozen=True)
class Zoo:
    """All systems and models by name."""

    systems: Mapping[str, System]
    models: Mapping[str, Model]

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """The files of all models in all their forms, each once."""
        return tuple(dict.fromkeys(file for model in self.models.values() for file in model.files.values()))

    def system(self, name: str) -> System:
        """The system `name`; UnknownModelError suggests the nearest names."""
        return _named("system", name, self.systems)

    def model(self, name: str) -> Model:
        """The model `name`; UnknownModelError suggests the nearest names."""
        return _named("model", name, self.models)

    def models_of(self, name: str) -> tuple[Model, ...]:
        """The models of the system `name`, or the one model `name`; UnknownModelError suggests the nearest names."""
        known: dict[str, Model | System] = {**self.models, **self.systems}
        owner = _named("system or model", name, known)
        return owner.models if isinstance(owner, System) else (owner,)


def _named[Value](what: str, name: str, known: Mapping[str, Value]) -> Value:
    if name not in known:
        nearest = difflib.get_close_matches(name, known, cutoff=0.5)
        everything = "`ppocr-convert list` shows the systems, and with --models the models"
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else everything
        raise UnknownModelError(f"the zoo has no {what} '{name}'; {hint}")
    return known[name]
