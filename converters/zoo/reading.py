"""Reading the zoo, strictly: whatever a file says beyond or against the rules is refused by its place."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from converters.errors import ZooError
from converters.zoo.entries import (
    FORMS,
    KINDS,
    CharsetFacts,
    Model,
    PackageSource,
    Source,
    SourceFile,
    System,
    UrlSource,
    Zoo,
)
from edge_ocr.errors import BundleError
from edge_ocr.manifest import AGAIN, FORMAT_VERSION, Manifest

GENERATIONS = Path(__file__).with_name("generations")

_Spec = dict[str, Any]

SECTIONS = ("systems", "models", "charsets", "specs")


def load_zoo(path: Path = GENERATIONS) -> Zoo:
    """Read a zoo: a TOML file, or a folder of them, whose entries refer to each other by name.

    Raises:
        ZooError: a file is missing or not TOML, or breaks a rule; the sentence names the place, such as
            `models.ppocrv6-tiny-det.files.onnx.sha256`.
    """
    root = _Table("", _merged(path), SECTIONS)
    specs = {name: _spec(root["specs"], name) for name in root["specs"]}
    charsets = {name: _charset(root["charsets"], name) for name in root["charsets"]}
    models = {name: _model(root["models"], name, specs, charsets) for name in root["models"]}
    systems = {name: _system(root["systems"], name, models) for name in sorted(root["systems"])}
    _refuse_unused("models", models, (model.name for system in systems.values() for model in system.models))
    for section, known in (("specs", specs), ("charsets", charsets)):
        key = section.removesuffix("s")
        tables = (root["models"][name] for name in models)
        _refuse_unused(section, known, (table.text(key) for table in tables if key in table))
    return Zoo(systems, models)


def _merged(path: Path) -> dict[str, Any]:
    """The sections of all files, in the order of the files' names."""
    merged: dict[str, Any] = {section: {} for section in SECTIONS}
    for file in sorted(path.glob("*.toml")) if path.is_dir() else [path]:
        for section, entries in _parsed(file).items():
            if section not in merged:
                raise ZooError(
                    f"{section} in {file} is not a key that the zoo knows; known there: {', '.join(SECTIONS)}"
                )
            for name, entry in _Table(section, entries, None).plain().items():
                if name in merged[section]:
                    raise ZooError(f"{section}.{name} in {file} is in the zoo already; names are given once")
                merged[section][name] = entry
    return merged


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ZooError(f"cannot read the zoo {file} ({error.strerror}); give the path of a zoo file") from error
    except ValueError as error:
        raise ZooError(f"the zoo {file} is not TOML ({error}); correct it there") from error


def _refuse_unused(section: str, known: Iterable[str], used: Iterable[str]) -> None:
    if unused := sorted({*known} - {*used}):
        raise ZooError(f"{section}.{unused[0]} is used by nothing; use it, or remove it")


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

    def one_of(self, key: str, known: Collection[str]) -> str:
        return self.value(key, str, f"one of {', '.join(known)}", lambda name: name in known)

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
    check_as_manifest(system)
    return system


def check_as_manifest(system: System) -> None:
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
        "charset": {
            "count": charset.count,
            "blank": charset.blank,
            "space_appended": charset.space_appended,
            **unknown_yet,
            "file": "charset.txt",
        },
        "provenance": {},
    }
    try:
        Manifest.from_json(manifest)
    except BundleError as error:
        raise ZooError(f"systems.{system.name}: {str(error).removesuffix(f'; {AGAIN}')}") from error


def _model(
    models: _Table, name: str, specs: Mapping[str, _Spec], charsets: Mapping[str, tuple[CharsetFacts, SourceFile]]
) -> Model:
    table = models.table(name, {"kind", "family", "licence", "graph", "files", "spec"}, optional={"charset", "untried"})
    kind = table.value("kind", str, " or ".join(KINDS), KINDS.__contains__)
    if ("charset" in table) != (kind == "recognizer"):
        raise table.problem("needs a charset if it is a recognizer, and only then")
    graph = table.table("graph", {"input", "shape"})
    batch, channels, height, width = graph.value("shape", list, "four positive integers (N, C, H, W)", _is_shape)
    untried = table.text("untried") if "untried" in table else ""
    files = _files(table, published=not untried)
    charset = None
    if "charset" in table:
        charset, files["charset"] = charsets[table.one_of("charset", charsets)]
    return Model(
        name=name,
        kind=kind,
        family=table.text("family"),
        licence=table.text("licence"),
        input_name=graph.text("input"),
        input_shape=(batch, channels, height, width),
        files=files,
        spec=specs[table.one_of("spec", specs)],
        charset=charset,
        untried=untried,
    )


def _is_shape(value: Iterable[object]) -> bool:
    sides = list(value)
    return len(sides) == 4 and all(type(side) is int and side > 0 for side in sides)


def _spec(specs: _Table, name: str) -> _Spec:
    return specs.table(name, {"input", "output", "postprocess"}).plain()


def _charset(charsets: _Table, name: str) -> tuple[CharsetFacts, SourceFile]:
    table = charsets.table(name, {"count", "blank", "space_appended", "file"})
    facts = CharsetFacts(
        count=table.count("count"),
        blank=table.count("blank", least=0),
        space_appended=table.value("space_appended", bool, "true or false", lambda _: True),
    )
    return facts, _file(table, "file", published=True)


def _files(model: _Table, *, published: bool) -> dict[str, SourceFile]:
    """A model's files by role, which make up one form or several."""
    roles = {role for form in FORMS for role in form}
    table = model.table("files", (), optional=roles)
    whole = [form for form in FORMS if all(role in table for role in form)]
    if not whole or {*table} != {role for form in whole for role in form}:
        raise table.problem(f"must be {' or '.join(' and '.join(form) for form in FORMS)}, or all of these")
    return {role: _file(table, role, published=published) for role in table}


def _file(files: _Table, role: str, *, published: bool) -> SourceFile:
    """A file; unless it is `published` with them, its size and its hash may be unknown."""
    facts = {"bytes", "sha256"}
    table = files.table(role, {"name", "sources", *(facts if published else ())}, optional=facts)
    sources = table.value("sources", list, "a list of at least one source", len)
    return SourceFile(
        name=table.text("name", r"[A-Za-z0-9][A-Za-z0-9._-]*", "a plain file name"),
        bytes=table.count("bytes") if "bytes" in table else None,
        sha256=table.text("sha256", r"[0-9a-f]{64}", "64 lower-case hexadecimal digits") if "sha256" in table else None,
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
