"""Draws a text, finds a typeface that can write it, and sets it: what every scene writes with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calibration_data.generator.fonts import FontLibrary, Genre
from calibration_data.generator.layers import Layer
from calibration_data.generator.lettering import Lettering, set_line
from calibration_data.generator.randomness import Random, between, chance, pick, whole
from calibration_data.generator.surfaces import Colour, contrasting, vivid
from calibration_data.generator.texts import Kind, TextSource

EVERYDAY: tuple[Kind, ...] = (
    "title", "title", "slogan", "slogan", "feature", "feature", "mixed", "mixed", "sentence", "run", "run", "single",
    "english", "english", "capitals", "capitals", "english sentence", "brand", "brand", "price", "number", "number",
    "date", "contact", "serial", "symbols", "address",
)  # fmt: skip
"""What small lines anywhere say."""

ALL_GENRES: tuple[Genre, ...] = ("plain", "book", "display", "hand", "mono")

SMALLEST_SIZE = 7


@dataclass(frozen=True)
class Printer:
    """Writes lines.

    Attributes:
        random: every choice of the picture comes from it.
        fonts: the typefaces that may be used.
        texts: the texts that may be used.
    """

    random: Random
    fonts: FontLibrary
    texts: TextSource

    def line(
        self, kinds: Sequence[Kind], lettering: Lettering, genres: Sequence[Genre] = ALL_GENRES, widest: float = 1e9
    ) -> Layer:
        """A new text of one of `kinds`, set in one of `genres`, smaller if it would be wider than `widest` pixels."""
        while True:
            text = self.texts.draw(self.random, pick(self.random, kinds))
            typeface = self.fonts.choose(self.random, text, genres)
            if typeface is None:
                continue
            layer = set_line(text, typeface, lettering)
            if layer.width > widest:
                size = max(SMALLEST_SIZE, int(lettering.size * widest / layer.width))
                layer = set_line(text, typeface, replace(lettering, size=size))
            if layer.width <= widest * 1.05:
                return layer

    def lettering(self, size: int, ground: Colour, difference: float = 70, fancy: float = 0.0) -> Lettering:
        """Letters that stand out from `ground`; with probability `fancy` outlined, shadowed or in two colours."""
        random = self.random
        fill = contrasting(random, ground, difference)
        spacing = between(random, 0, 0.25) if chance(random, 0.2) else 0.0
        if not chance(random, fancy):
            return Lettering(size, fill, spacing=spacing)
        return Lettering(
            size,
            fill,
            fill_below=vivid(random) if chance(random, 0.4) else None,
            outline=contrasting(random, fill, 90),
            outline_width=whole(random, 1, max(1, size // 14)) if chance(random, 0.6) else 0,
            shadow=whole(random, 1, max(1, size // 14)) if chance(random, 0.5) else 0,
            spacing=spacing,
        )
