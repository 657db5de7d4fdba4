"""HTML from the templates of this package; whatever is no `Html` is escaped on its way in.

Recognised text and file names are anybody's: they may hold markup, characters that turn the direction of what
follows, or characters that nobody sees.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from html import escape
from importlib import resources


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def read_template(name: str) -> str:
    """Content of a file in this package's `templates`."""
    return _templates()[name]


@cache
def _templates() -> dict[str, str]:
    folder = resources.files(__package__) / "templates"
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.is_file()}


_PLACE = re.compile(r"\$(\w+)")


def fill(template: str, **values: str | Iterable[Html]) -> Iterator[str]:
    """A template, piece by piece, with a value at each `$name`.

    Args:
        template: name of its file.
        values: `Html` stands as it is, any other string is escaped, pieces follow one another.
    """
    text, end = read_template(template), 0
    for place in _PLACE.finditer(text):
        yield text[end : place.start()]
        value = values[place[1]]
        if isinstance(value, str):
            yield value if isinstance(value, Html) else visible(value)
        else:
            yield from value
        end = place.end()
    yield text[end:]


def filled(template: str, **values: str | Iterable[Html]) -> Html:
    """A small template in one piece."""
    return Html("".join(fill(template, **values)))


def visible(text: str) -> Html:
    """Escaped, for attributes too; what cannot be seen, or turns what follows, as its code: `U+202E`."""
    return Html("".join(_code(each) if _unseen(each) else escape(each) for each in text))


def shown(text: str) -> Html:
    """As `visible`, for content: codes cannot be mistaken for the text around them."""
    return Html("".join(f"<code>{_code(each)}</code>" if _unseen(each) else escape(each) for each in text))


def isolated(content: Html) -> Html:
    """Content of others between our own: which way it runs is its own affair."""
    return Html(f"<bdi>{content}</bdi>")


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def _unseen(character: str) -> bool:
    """Controls, format characters, separators other than the plain space, surrogates, and what is no character."""
    return character != " " and unicodedata.category(character)[0] in "CZ"
