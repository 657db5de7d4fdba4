"""What is written on the pictures: phrases made for this project, composed lines, and random runs from the charset.

Nothing is copied from a corpus. Names of firms and people are invented; addresses on the web are under example.com and
example.org, which are reserved for such use (RFC 2606).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Literal

import numpy as np

from calibration_data.generator import vocabulary as words
from calibration_data.generator.randomness import Random, between, chance, pick, whole

Split = Literal["calibration", "evaluation"]

Kind = Literal[
    "shop", "title", "slogan", "feature", "sentence", "price", "english", "english sentence", "capitals", "brand",
    "number", "serial", "contact", "date", "address", "field", "english field", "heading", "english heading", "menu",
    "receipt", "mixed", "run", "single", "symbols",
]  # fmt: skip


def split_of(text: str) -> Split:
    """The set a text may appear in: a quarter of all texts is kept for evaluation, by a checksum of the text itself."""
    return "evaluation" if zlib.crc32(text.encode()) % 4 == 0 else "calibration"


class TextSource:
    """Draws texts of one split that a recognizer with the given charset can say."""

    def __init__(self, charset: Sequence[str], split: Split) -> None:
        self._charset = tuple(charset)
        self._sayable = frozenset(charset) | {" "}
        self._split = split

    def draw(self, random: Random, kind: Kind) -> str:
        """One text. Those of the other split, or with a character outside the charset, are drawn again."""
        while True:
            text = self._composers[kind](random)
            if split_of(text) == self._split and self._sayable.issuperset(text):
                return text

    @cached_property
    def _composers(self) -> Mapping[Kind, Callable[[Random], str]]:
        return {
            "shop": _shop,
            "title": lambda random: pick(random, words.TITLES),
            "slogan": _slogan,
            "feature": _feature,
            "sentence": _sentence,
            "price": _price,
            "english": _english_words,
            "english sentence": _english_sentence,
            "capitals": lambda random: _english_words(random).upper(),
            "brand": _brand,
            "number": _number,
            "serial": _serial,
            "contact": _contact,
            "date": _date,
            "address": _address,
            "field": _field,
            "english field": _english_field,
            "heading": lambda random: pick(random, words.FORM_HEADINGS),
            "english heading": lambda random: pick(random, words.ENGLISH_HEADINGS),
            "menu": lambda random: f"{pick(random, words.DISHES)} {whole(random, 6, 98)}元",
            "receipt": _receipt_row,
            "mixed": _mixed,
            "run": self._random_run,
            "single": lambda random: self._common_characters(random, 1),
            "symbols": _symbols,
        }

    def _random_run(self, random: Random) -> str:
        """Characters in no meaningful order, so that all the charset is seen and not only the words above."""
        if chance(random, 0.15):
            return self._rare_signs(random, whole(random, 2, 6))
        return self._common_characters(random, whole(random, 2, 12))

    def _common_characters(self, random: Random, count: int) -> str:
        characters, weights = self._chinese
        drawn = random.choice(len(characters), size=count, p=weights)
        return "".join(characters[index] for index in drawn)

    def _rare_signs(self, random: Random, count: int) -> str:
        return "".join(pick(random, self._other_signs) for _ in range(count))

    @cached_property
    def _chinese(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The charset's Chinese characters and the probability of each."""
        characters = tuple(character for character in self._charset if "\u4e00" <= character <= "\u9fff")
        weights = np.array([_commonness(character) for character in characters])
        return characters, weights / weights.sum()

    @cached_property
    def _other_signs(self) -> tuple[str, ...]:
        return tuple(sign for sign in self._charset if not "\u4e00" <= sign <= "\u9fff" and not sign.isspace())


def _commonness(character: str) -> float:
    """A rough weight: the most frequent characters, then level 1 of GB 2312 (the 3,755 in daily use), then the rest."""
    if character in words.FREQUENT_CHARACTERS:
        return 8.0
    try:
        lead_byte = character.encode("gb2312")[0]
    except UnicodeEncodeError:
        return 0.3
    last_lead_byte_of_level_1 = 0xD7
    return 2.0 if lead_byte <= last_lead_byte_of_level_1 else 0.5


def _shop(random: Random) -> str:
    name = pick(random, words.SHOP_NAMES) + pick(random, words.SHOP_TRADES)
    return pick(random, words.PLACES) + name if chance(random, 0.25) else name


def _slogan(random: Random) -> str:
    first, second = pick(random, words.SLOGANS), pick(random, words.SLOGANS)
    return first if chance(random, 0.6) else f"{first} {second}"


def _feature(random: Random) -> str:
    shapes = (
        lambda: pick(random, words.QUALITIES) + pick(random, words.PRODUCTS),
        lambda: f"{pick(random, words.QUALITIES)} {pick(random, words.QUALITIES)}",
        lambda: f"{pick(random, words.PRODUCTS)}{whole(random, 2, 60)}{pick(random, words.MEASURES)}",
        lambda: f"买{whole(random, 1, 3)}送{whole(random, 1, 3)}",
        lambda: f"满{whole(random, 1, 9)}99减{whole(random, 1, 9)}0",
        lambda: pick(random, words.BADGES),
    )
    return pick(random, shapes)()


def _sentence(random: Random) -> str:
    subject, verb, thing = (pick(random, part) for part in (words.SUBJECTS, words.PREDICATES, words.ENDINGS))
    return f"{subject}{verb}，{thing}{pick(random, '。。。！；')}"


def _price(random: Random) -> str:
    shapes = (
        lambda: f"￥{whole(random, 1, 2999)}",
        lambda: f"¥{whole(random, 1, 999)}.{whole(random, 0, 99):02d}",
        lambda: f"${whole(random, 1, 199)}.{whole(random, 0, 99):02d}",
        lambda: f"{whole(random, 5, 999)}元/{pick(random, words.MEASURES)}",
        lambda: f"仅售{whole(random, 5, 999)}.{whole(random, 0, 9)}元",
        lambda: f"{between(random, 3, 9.9):.1f}折",
        lambda: f"-{whole(random, 5, 70)}%",
    )
    return pick(random, shapes)()


def _english_words(random: Random) -> str:
    return " ".join(pick(random, words.ENGLISH_WORDS).capitalize() for _ in range(whole(random, 1, 3)))


def _english_sentence(random: Random) -> str:
    subject, verb = pick(random, words.ENGLISH_SUBJECTS), pick(random, words.ENGLISH_PREDICATES)
    return f"{subject} {verb}{pick(random, '..,!?;')}"


def _brand(random: Random) -> str:
    name = "".join(pick(random, words.SYLLABLES) for _ in range(whole(random, 2, 3)))
    return pick(random, (name, name.capitalize(), name.upper(), name.upper()))


def _number(random: Random) -> str:
    shapes = (
        lambda: str(whole(random, 0, 99)),
        lambda: f"{whole(random, 0, 9_999_999):,}",
        lambda: f"{between(random, 0, 999):.2f}",
        lambda: f"No.{whole(random, 1, 99999):05d}",
        lambda: f"{whole(random, 5, 100)}%",
        lambda: f"{whole(random, 1, 900)}{pick(random, words.UNITS)}",
        lambda: f"{whole(random, 10, 99)}×{whole(random, 10, 99)}×{whole(random, 5, 60)}cm",
        lambda: f"{whole(random, -10, 40)}℃",
        lambda: f"{whole(random, 1, 12)}/{whole(random, 13, 40)}",
    )
    return pick(random, shapes)()


def _serial(random: Random) -> str:
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    prefix = "".join(pick(random, letters) for _ in range(whole(random, 1, 4)))
    digits = "".join(pick(random, "0123456789") for _ in range(whole(random, 3, 12)))
    return pick(random, (f"{prefix}{digits}", f"{prefix}-{digits}", f"S/N {prefix}{digits}", digits))


def _contact(random: Random) -> str:
    name = "".join(pick(random, words.SYLLABLES) for _ in range(2))
    shapes = (
        lambda: f"www.example.com/{name}",
        lambda: f"https://{name}.example.org",
        lambda: f"{name}@example.com",
        lambda: f"电话：0{whole(random, 10, 999)}-{whole(random, 1_000_000, 89_999_999)}",
        lambda: f"TEL {whole(random, 100, 999)}-{whole(random, 1000, 9999)}",
        lambda: f"服务热线 400-{whole(random, 100, 999)}-{whole(random, 1000, 9999)}",
    )
    return pick(random, shapes)()


def _date(random: Random) -> str:
    year, month, day = whole(random, 1988, 2030), whole(random, 1, 12), whole(random, 1, 28)
    hour, minute = whole(random, 0, 23), whole(random, 0, 59)
    shapes = (
        f"{year}年{month}月{day}日",
        f"{year}-{month:02d}-{day:02d}",
        f"{day:02d}/{month:02d}/{year}",
        f"{pick(random, words.MONTHS)} {day}, {year}",
        f"{year}.{month}.{day} {hour:02d}:{minute:02d}",
        f"{hour:02d}:{minute:02d}",
        f"营业时间 {hour % 12}:00-{hour % 12 + 10}:30",
    )
    return pick(random, shapes)


def _address(random: Random) -> str:
    if chance(random, 0.3):
        return f"{whole(random, 1, 999)} {pick(random, words.ENGLISH_WORDS).capitalize()} {pick(random, words.ROADS)}"
    street = f"{pick(random, words.PLACES)}{pick(random, words.STREETS)}{whole(random, 1, 400)}号"
    return f"{street}{whole(random, 1, 30)}楼" if chance(random, 0.4) else street


def _field(random: Random) -> str:
    label = pick(random, words.FORM_FIELDS)
    value = pick(random, (_date, _number, _serial, _address, lambda random: pick(random, words.FORM_VALUES)))
    return f"{label}：{value(random)}" if chance(random, 0.75) else label


def _english_field(random: Random) -> str:
    label = pick(random, words.ENGLISH_FIELDS)
    value = pick(random, (_number, _serial, _english_words, lambda random: f"{whole(random, 0, 999)}.00"))
    return f"{label}: {value(random)}" if chance(random, 0.6) else label


def _receipt_row(random: Random) -> str:
    item = pick(random, words.DISHES) if chance(random, 0.6) else _english_words(random)
    return f"{item} x{whole(random, 1, 9)} {whole(random, 2, 199)}.{whole(random, 0, 99):02d}"


def _mixed(random: Random) -> str:
    shapes = (
        lambda: f"{_brand(random)}{pick(random, words.PRODUCTS)}",
        lambda: f"{pick(random, words.QUALITIES)}{pick(random, words.ENGLISH_WORDS).upper()}系列",
        lambda: f"{pick(random, words.PLACES)} {pick(random, words.PINYIN)}",
        lambda: f"{pick(random, words.TITLES)} {pick(random, words.ENGLISH_WORDS).upper()}",
        lambda: f"{whole(random, 2, 99)}{pick(random, words.MEASURES)}装（{pick(random, words.QUALITIES)}）",
        lambda: f"【{pick(random, words.BADGES)}】{pick(random, words.PRODUCTS)}",
    )
    return pick(random, shapes)()


def _symbols(random: Random) -> str:
    return "".join(pick(random, words.SYMBOLS) for _ in range(whole(random, 1, 4))) + _number(random)
