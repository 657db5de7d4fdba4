"""Two texts side by side, with the characters marked that only one of them has."""

from __future__ import annotations

import unicodedata
from difflib import SequenceMatcher

from converters.gallery.html import Html, isolated, shown


def marked(first: str, second: str) -> tuple[Html, Html]:
    """Both texts, what differs in `<mark>`; an empty one stands where only the other text has something."""
    ours, theirs = _letters(first), _letters(second)
    left, right = "", ""
    for tag, start, end, other_start, other_end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        left += _piece(ours[start:end], same=tag == "equal")
        right += _piece(theirs[other_start:other_end], same=tag == "equal")
    return isolated(Html(left)), isolated(Html(right))


def _letters(text: str) -> list[str]:
    """Each character with the accents that follow it: a mark between them would take them apart."""
    letters: list[str] = []
    for character in text:
        if letters and unicodedata.category(character).startswith("M"):
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def _piece(letters: list[str], *, same: bool) -> Html:
    html = shown("".join(letters))
    return html if same else Html(f"<mark>{html}</mark>")
