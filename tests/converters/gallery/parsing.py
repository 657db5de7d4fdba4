"""The elements of a page, as Python's own parser finds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_EMPTY = {"img", "input", "meta"}


@dataclass
class Element:
    """One element.

    Attributes:
        name: of the tag.
        attributes: name -> value.
        content: elements and text, in their order.
    """

    name: str
    attributes: dict[str, str]
    content: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside."""
        return "".join(each if isinstance(each, str) else each.text for each in self.content)

    def all(self, name: str = "", kind: str = "") -> list[Element]:
        """The elements inside of that tag and class, in document order."""
        return [each for each in self._inside() if name in ("", each.name) and (not kind or kind in each.kinds)]

    def one(self, name: str = "", kind: str = "") -> Element:
        """The only one of them."""
        (found,) = self.all(name, kind)
        return found

    @property
    def kinds(self) -> list[str]:
        """Its classes."""
        return self.attributes.get("class", "").split()

    def _inside(self) -> Iterator[Element]:
        for each in self.content:
            if isinstance(each, Element):
                yield each
                yield from each._inside()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].content.append(element)
        # <option> ends without saying so in HTML, but not in ours
        if tag not in _EMPTY:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].content.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        element = self.open.pop()
        assert element.name == tag, f"</{tag}> where <{element.name}> is open"

    def handle_data(self, data: str) -> None:
        self.open[-1].content.append(data)


def parse(html: str) -> Element:
    """The document; AssertionError where a tag is not closed in its turn."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    (document,) = parser.open
    return document
