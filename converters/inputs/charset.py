"""The charset of a recognizer of the user's: where it is written, and whether it fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from converters import charsets
from converters.errors import SourceError
from converters.inputs.description import Description
from converters.inputs.found import FoundModel
from converters.inputs.likeness import Likeness
from converters.inputs.signature import Signature
from converters.inputs.sources import described
from converters.lfs import check_no_pointer
from converters.zoo import CharsetFacts, Model, SourceFile, Zoo
from edge_ocr.manifest import MAXIMUM_CHARSET_BYTES

_LONGEST_ENTRY = 4
"""Characters of an entry in a file that passes for a charset: a letter with its marks, not a word of a README."""


@dataclass(frozen=True)
class Charset:
    """A recognizer's charset.

    Attributes:
        facts: the classes that it makes.
        file: as the zoo would describe it.
        path: where it is.
    """

    facts: CharsetFacts
    file: SourceFile
    path: Path


def find_charset(
    found: FoundModel,
    onnx_file: Path,
    signature: Signature,
    description: Description,
    like: Likeness,
    zoo: Zoo,
    fetch: Callable[[SourceFile], Path],
    chosen: Path | None,
) -> Charset:
    """Find a recognizer's charset.

    It is, in this order, the file that the user chose, `character_dict` of `inference.yml`, `character` of the ONNX
    metadata, the one charset among the text files beside the model, or the only one with as many classes: of the models
    of the zoo that it is like, else of the whole zoo.

    Args:
        found: the user's model.
        onnx_file: the model as ONNX.
        signature: its input and output.
        description: what its `inference.yml` says.
        like: the models of the zoo that it is like.
        zoo: to look in.
        fetch: gets a file of the zoo.
        chosen: the charset that the user named; None if he named none.

    Raises:
        SourceError: there is none, there are several, it is malformed or a Git LFS pointer, or its length does not fit
            the output.
    """
    if chosen is not None:
        return _fitting("lines", chosen, found, signature)
    if description.has_charset and found.description is not None:
        return _fitting("inference-yml", found.description, found, signature)
    if signature.has_characters:
        return _fitting("onnx-metadata", onnx_file, found, signature)
    for path in found.texts:  # of which one may be the charset in truth
        check_no_pointer(path)
    texts = [path for path in found.texts if _looks_like_charset(path)]
    if len(texts) > 1:
        names = ", ".join(path.name for path in texts)
        raise SourceError(f"{found.path} holds several charsets ({names}); choose one with --charset FILE")
    if texts:
        return _fitting("lines", texts[0], found, signature)
    of_likes = _with_classes(signature.classes, like.models)
    return _of_zoo(of_likes or _with_classes(signature.classes, zoo.models.values()), found, signature, fetch)


def _fitting(inside: str, path: Path, found: FoundModel, signature: Signature) -> Charset:
    """A charset in `path`, which with the blank, and with the space if need be, makes as many classes as there are."""
    count = len(charsets.READERS[inside](path))
    if signature.classes - count not in (1, 2):
        raise SourceError(
            f"the charset in {path} has {count} characters, which make {count + 1} classes, or {count + 2} with a "
            f"space, but {found.path} gives {signature.classes}; name the one that belongs to it with --charset FILE"
        )
    facts = CharsetFacts(count, blank=0, space_appended=signature.classes - count == 2, inside=inside)
    return Charset(facts, described(path), path)


def _looks_like_charset(path: Path) -> bool:
    if path.stat().st_size > MAXIMUM_CHARSET_BYTES:
        return False
    try:
        return max(map(len, charsets.from_lines(path))) <= _LONGEST_ENTRY
    except SourceError:
        return False


def _with_classes(classes: int, models: Iterable[Model]) -> dict[SourceFile, CharsetFacts]:
    """The charsets of as many classes, each once."""
    return {
        model.files["charset"]: model.charset
        for model in models
        if model.charset is not None and model.charset.classes == classes
    }


def _of_zoo(
    fitting: Mapping[SourceFile, CharsetFacts],
    found: FoundModel,
    signature: Signature,
    fetch: Callable[[SourceFile], Path],
) -> Charset:
    if len(fitting) != 1:
        known = f"{len(fitting)} charsets" if fitting else "no charset"
        raise SourceError(
            f"{found.path} comes without a charset, and the zoo has {known} of {signature.classes} classes; name its "
            "charset with --charset FILE"
        )
    ((file, facts),) = fitting.items()
    return Charset(facts, file, fetch(file))
