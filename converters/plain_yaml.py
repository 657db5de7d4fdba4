"""YAML of strangers. Every scalar stays the text that it is: `1`, `~` and `no` are characters and words here."""

from __future__ import annotations

from pathlib import Path

import yaml

from converters.errors import SourceError

MAXIMUM_BYTES = 1 << 20
"""The largest official `inference.yml`, with 18,708 characters, has a seventh of it."""
MAXIMUM_DEPTH = 32
"""Of lists and tables within each other; the C loader has no bound of its own and would overrun the stack."""

# Neither knows tags, merges or objects; an alias is one value in two places, however often it is repeated.
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def load_yaml(path: Path) -> object:
    """The document in a YAML file: dicts, lists and texts.

    Raises:
        SourceError: the file is too large, nested too deeply, no YAML, or cannot be read.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); give a file that can") from error
    if len(content) > MAXIMUM_BYTES:
        raise SourceError(f"{path} has more than {MAXIMUM_BYTES} bytes, too many for a description; give another")
    try:
        _check_depth(content, path)
        return yaml.load(content, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not YAML ({str(error).splitlines()[0]}); give it as it was exported") from error


def _check_depth(content: bytes, path: Path) -> None:
    depth = 0
    for event in yaml.parse(content, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAXIMUM_DEPTH:
            raise SourceError(f"{path} is nested more than {MAXIMUM_DEPTH} deep; give it as it was exported")
