"""Models of the user's own, described as the zoo describes its own, so that everything behind is one road."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.errors import SourceError, ZooError
from converters.inputs.charset import find_charset
from converters.inputs.description import Description, read_description
from converters.inputs.found import DESCRIPTION, FoundModel, find_model
from converters.inputs.likeness import Likeness, likeness
from converters.inputs.signature import Signature, read_signature
from converters.inputs.sources import Files, Sources, as_onnx, described, prepared
from converters.lfs import check_no_pointer
from converters.progress import Progress
from converters.sources import Fetcher
from converters.zoo import KINDS, Model, System, Zoo
from converters.zoo.reading import check_as_manifest

UNKNOWN_LICENCE = "LicenseRef-unknown"
"""SPDX expression for a model of which nobody has said anything."""
_LONGEST_NAME = 64


@dataclass(frozen=True)
class Choices:
    """What the user says about models of his own, where it cannot be inferred or should not.

    Attributes:
        like: names of zoo models, at most one of a kind, whose pre- and post-processing to take.
        rest: name of the zoo's system that the missing kinds come from.
        charset: the recognizer's.
        name: of the bundle.
        local: a file or folder that is looked at before any download.
    """

    like: Sequence[str] = ()
    rest: str | None = None
    charset: Path | None = None
    name: str | None = None
    local: Path | None = None


@dataclass(frozen=True)
class _Own:
    """A model of the user's, before it is compared with those of the zoo."""

    found: FoundModel
    description: Description
    onnx: Path
    signature: Signature


def own_sources(
    paths: Sequence[Path], zoo: Zoo, choices: Choices, progress: Progress, kinds: Collection[str] = KINDS
) -> Sources:
    """Read one to three models of different kinds, and take the missing ones from the zoo.

    Args:
        paths: folders or files, see `find_model`.
        zoo: to compare with, and to complete from.
        choices: what the user says about them.
        progress: told what was inferred, and from what.
        kinds: those that the system is to have, or as many of them as there are.

    Raises:
        SourceError: a path is no model, two are of one kind, or something about them can neither be read nor inferred.
        ConversionError: a Paddle program cannot be turned into ONNX, or the zoo has no model or system of that name.
    """
    found = [find_model(path) for path in paths]
    name = _bundle_name(choices.name or found[0].name, zoo)
    if choices.charset is not None:
        if not choices.charset.is_file():
            raise SourceError(f"there is no charset file {choices.charset}; check the spelling")
        check_no_pointer(choices.charset)
    named = [zoo.model(like) for like in choices.like]
    rest = None if choices.rest is None else zoo.system(choices.rest)
    own = _by_kind([_read(model, progress) for model in found], kinds)
    _check_choices(own, named, choices)
    likes = {kind: _likeness(model, zoo, named) for kind, model in own.items()}
    missing = [kind for kind in kinds if kind not in own]
    rest = rest or _rest(own, likes, missing, zoo)
    fetcher = Fetcher(zoo.files, local=choices.local, progress=progress)
    models: dict[str, Model] = {}
    files: dict[str, Files] = {}
    for kind, model in own.items():
        models[kind], files[kind] = _described(model, likes[kind], zoo, fetcher, choices.charset)
        progress.note(_what_it_is(model, likes[kind], models[kind]))
    for beside in rest.models:
        if beside.kind in missing:
            progress.note(f"{beside.kind}: {beside.name}, of the system {rest.name}")
            models[beside.kind], files[beside.kind] = beside, fetcher.fetch_model(beside)
    return prepared(_system(name, models), files, progress)


def _system(name: str, models: Mapping[str, Model]) -> System:
    """The models as a system; SourceError where what `inference.yml` says cannot stand in a bundle."""
    system = System(
        name=name,
        title=", ".join(models[kind].name for kind in KINDS if kind in models),
        licence=" AND ".join(dict.fromkeys(models[kind].licence for kind in KINDS if kind in models)),
        detector=models["detector"],
        direction=models.get("direction"),
        recognizer=models["recognizer"],
    )
    try:
        check_as_manifest(system)
    except ZooError as error:
        raise SourceError(f"{error}; correct it in {DESCRIPTION}") from error
    return system


def _read(found: FoundModel, progress: Progress) -> _Own:
    description = read_description(found.description) if found.description else Description()
    onnx, _ = as_onnx(found.files, progress)
    return _Own(found, description, onnx, read_signature(onnx, found.path))


def _by_kind(models: Sequence[_Own], kinds: Collection[str]) -> dict[str, _Own]:
    own: dict[str, _Own] = {}
    for model in models:
        if model.signature.kind not in kinds:
            raise SourceError(f"{model.found.path} is a {model.signature.kind}, and the bundle has none; leave it out")
        other = own.setdefault(model.signature.kind, model)
        if other is not model:
            raise SourceError(
                f"{other.found.path} and {model.found.path} are both a {model.signature.kind}; give one of each kind"
            )
    return own


def _check_choices(own: Mapping[str, _Own], named: Sequence[Model], choices: Choices) -> None:
    """Refuse a choice that has nothing to bear on: it was meant for a model that is of another kind."""
    given = " and ".join(f"{model.found.path} is a {kind}" for kind, model in own.items())
    for index, model in enumerate(named):
        if model.kind not in own:
            raise SourceError(f"--like {model.name} names a {model.kind}, but {given}; name a model of that kind")
        if model.kind in (other.kind for other in named[:index]):
            raise SourceError(f"--like names two models of kind {model.kind}; name one of each kind")
    if choices.charset is not None and "recognizer" not in own:
        raise SourceError(f"--charset is for a recognizer, but {given}; leave it out, or give a recognizer")


def _likeness(own: _Own, zoo: Zoo, named: Sequence[Model]) -> Likeness:
    like = likeness(own.found, own.signature, own.description, zoo, named)
    angles = like.spec["output"].get("labels")
    if angles is not None and len(angles) != own.signature.classes:
        raise SourceError(
            f"{own.found.path} tells {own.signature.classes} classes apart, where a direction classifier has "
            f"{len(angles)} ({' and '.join(map(str, angles))} degrees); give one that has these"
        )
    return like


def _rest(own: Mapping[str, _Own], likes: Mapping[str, Likeness], missing: Sequence[str], zoo: Zoo) -> System:
    """The zoo's system that the missing kinds come from: one that has the models that the user's are like.

    Where several have them, it is the one of which the others are variants: their names begin with its name.

    Raises:
        SourceError: there is no such one, and their models of the missing kinds differ.
    """

    def has_likes(system: System) -> bool:
        return all(any(model in system.models for model in like.models) for like in likes.values())

    tried = [system for system in zoo.systems.values() if not any(model.untried for model in system.models)]
    fitting = list(filter(has_likes, tried)) or tried
    plain = [system for system in fitting if all(other.name.startswith(system.name) for other in fitting)]
    if not plain and len({_names(system, missing) for system in fitting}) > 1:
        paths = " and ".join(str(model.found.path) for model in own.values())
        raise SourceError(
            f"the {' and the '.join(missing)} beside {paths} may come from any of "
            f"{', '.join(system.name for system in fitting)}; say which with --with SYSTEM"
        )
    return (plain or fitting)[0]


def _names(system: System, kinds: Sequence[str]) -> tuple[str, ...]:
    return tuple(model.name for model in system.models if model.kind in kinds)


def _described(own: _Own, like: Likeness, zoo: Zoo, fetcher: Fetcher, chosen: Path | None) -> tuple[Model, Files]:
    """A model as the zoo would describe it, and its files."""
    paths = dict(own.found.files)
    files = {role: described(path) for role, path in paths.items()}
    facts = None
    if own.signature.kind == "recognizer":
        charset = find_charset(own.found, own.onnx, own.signature, own.description, like, zoo, fetcher.fetch, chosen)
        facts, files["charset"], paths["charset"] = charset.facts, charset.file, charset.path
    nearest = like.models[0]
    model = Model(
        name=_legal(own.found.name) or nearest.name,
        kind=own.signature.kind,
        family=nearest.family,
        licence=nearest.licence if like.same else UNKNOWN_LICENCE,
        input_name=own.signature.input_name,
        input_shape=_shape(own, like),
        files=files,
        spec=like.spec,
        charset=facts,
    )
    return model, paths


def _shape(own: _Own, like: Likeness) -> tuple[int, int, int, int]:
    """The shape to trace with: the sides that the model itself fixes, those that its spec fixes, those of its like.

    Raises:
        SourceError: the model fixes a side that pictures decide on, or another than its spec.
    """
    size = like.spec["input"]["size"]
    for side, fixed in (("height", own.signature.height), ("width", own.signature.width)):
        if fixed is not None and fixed != size.get(side):
            wanted = f"{size[side]} pixels" if side in size else "any number of them"
            raise SourceError(
                f"{own.found.path} takes pictures of a {side} of {fixed} pixels only, where the {own.signature.kind} "
                f"needs {wanted}; export it with dynamic sizes, or name a model that it is like with --like MODEL"
            )
    batch, channels, height, width = like.models[0].input_shape
    return batch, channels, size.get("height", height), size.get("width", width)


def _what_it_is(own: _Own, like: Likeness, model: Model) -> str:
    nearest = like.models[0].name
    told = f"{own.found.path}: a {model.kind}, fed and read like {nearest}, as it {like.because}"
    if model.charset is None:
        return told
    return f"{told}; its {model.charset.count:,} characters are from {model.files['charset'].name}"


def _bundle_name(wanted: str, zoo: Zoo) -> str:
    name = _legal(wanted)
    if not name:
        raise SourceError(f"a bundle cannot be called {wanted}; choose a name in Latin letters with --name")
    if name in zoo.systems:
        raise SourceError(f"{name} is a system of the zoo, and a bundle of that name would pass for it; choose --name")
    return name


def _legal(name: str) -> str:
    """`name` in the letters that a bundle's name may have."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("._-")[:_LONGEST_NAME]
