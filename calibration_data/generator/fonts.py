"""Typefaces from Debian packages, fetched without root into the cache, and split in two sets that share none.

The packages are `apt-get download`ed and unpacked with `dpkg-deb -x`; a package that is installed on the machine is
used where it lies. No font file enters the repository: only pictures of text do, which every licence allows.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from PIL import ImageFont

from calibration_data.generator.randomness import Random, pick
from calibration_data.generator.texts import Split
from edge_ocr.cache import digest_of, run_stage, stage_directory
from edge_ocr.errors import EdgeOCRError

Genre = Literal["plain", "book", "display", "hand", "mono"]

UNASSIGNED = "\uffff"
"""A code point that no font may map, so its picture is the font's sign for "I lack this character"."""


class FontError(EdgeOCRError):
    """A font package can neither be found on this machine nor be downloaded."""


@dataclass(frozen=True)
class Typeface:
    """One face of one font file.

    Attributes:
        package: the Debian package it comes from.
        file: its path below the root of that package.
        genre: what it is used for: plain (sans), book (serif, Song, Kai), display, hand, mono.
        index: which face of a collection (.ttc).
        chinese: whether it holds Chinese characters and should be preferred for them only.
    """

    package: str
    file: str
    genre: Genre
    index: int = 0
    chinese: bool = False

    @property
    def path(self) -> Path:
        """Where the file lies: installed on the system, or in the cache."""
        installed = Path("/") / self.file
        return installed if installed.is_file() else package_directory(self.package) / self.file

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The face at `size` pixels to the em, laid out the same way whatever libraries Pillow was built with."""
        return _load(self.path, self.index, size)

    def covers(self, text: str) -> bool:
        """Whether the face has a picture of its own for every character but the space."""
        return all(_has_glyph(self.path, self.index, character) for character in set(text) - {" "})


def _chinese(package: str, file: str, genre: Genre, index: int = 0) -> Typeface:
    return Typeface(package, file, genre, index, chinese=True)


NOTO_SIMPLIFIED = 2
"""Place of the simplified Chinese face in the Noto CJK collections."""

CALIBRATION_FONTS: tuple[Typeface, ...] = (
    _chinese("fonts-noto-cjk", "usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "plain", NOTO_SIMPLIFIED),
    _chinese("fonts-noto-cjk", "usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc", "plain", NOTO_SIMPLIFIED),
    _chinese("fonts-noto-cjk", "usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc", "book", NOTO_SIMPLIFIED),
    _chinese("fonts-noto-cjk", "usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc", "book", NOTO_SIMPLIFIED),
    _chinese("fonts-wqy-microhei", "usr/share/fonts/truetype/wqy/wqy-microhei.ttc", "plain"),
    _chinese("fonts-arphic-uming", "usr/share/fonts/truetype/arphic/uming.ttc", "book"),
    _chinese("fonts-arphic-gkai00mp", "usr/share/fonts/truetype/arphic-gkai00mp/gkai00mp.ttf", "hand"),
    _chinese("fonts-smiley-sans", "usr/share/fonts/truetype/smiley-sans/SmileySans-Oblique.ttf", "display"),
    Typeface("fonts-liberation", "usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf", "plain"),
    Typeface("fonts-liberation", "usr/share/fonts/truetype/liberation/LiberationSans-Bold.ttf", "plain"),
    Typeface("fonts-liberation", "usr/share/fonts/truetype/liberation/LiberationSerif-Regular.ttf", "book"),
    Typeface("fonts-liberation", "usr/share/fonts/truetype/liberation/LiberationSerif-Italic.ttf", "book"),
    Typeface("fonts-liberation", "usr/share/fonts/truetype/liberation/LiberationMono-Regular.ttf", "mono"),
    Typeface("fonts-dejavu-core", "usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "plain"),
    Typeface("fonts-dejavu-core", "usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf", "mono"),
    Typeface("fonts-dejavu-core", "usr/share/fonts/truetype/dejavu/DejaVuSerif-Bold.ttf", "book"),
    Typeface("fonts-roboto-unhinted", "usr/share/fonts/truetype/roboto/unhinted/RobotoTTF/Roboto-Medium.ttf", "plain"),
    Typeface("fonts-roboto-unhinted", "usr/share/fonts/truetype/roboto/unhinted/RobotoTTF/Roboto-Black.ttf", "plain"),
    Typeface("fonts-roboto-unhinted", "usr/share/fonts/truetype/roboto/unhinted/RobotoCondensed-Bold.ttf", "plain"),
    Typeface("fonts-linuxlibertine", "usr/share/fonts/opentype/linux-libertine/LinLibertine_DR.otf", "display"),
    Typeface("fonts-crosextra-caladea", "usr/share/fonts/truetype/crosextra/Caladea-BoldItalic.ttf", "book"),
    Typeface("fonts-inconsolata", "usr/share/fonts/truetype/inconsolata/Inconsolata.otf", "mono"),
    Typeface("fonts-bebas-neue", "usr/share/fonts/opentype/bebas-neue/BebasNeue-Bold.otf", "display"),
    Typeface("fonts-comfortaa", "usr/share/fonts/truetype/comfortaa/Comfortaa-Bold.ttf", "display"),
    Typeface("fonts-lobster", "usr/share/fonts/opentype/lobster/lobster.otf", "display"),
    Typeface("fonts-dancingscript", "usr/share/fonts/opentype/dancingscript/DancingScript-Bold.otf", "hand"),
    Typeface("fonts-humor-sans", "usr/share/fonts/truetype/humor-sans/Humor-Sans.ttf", "hand"),
)

EVALUATION_FONTS: tuple[Typeface, ...] = (
    _chinese("fonts-wqy-zenhei", "usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", "plain"),
    _chinese("fonts-arphic-gbsn00lp", "usr/share/fonts/truetype/arphic-gbsn00lp/gbsn00lp.ttf", "book"),
    _chinese("fonts-arphic-ukai", "usr/share/fonts/truetype/arphic/ukai.ttc", "hand"),
    Typeface("fonts-open-sans", "usr/share/fonts/truetype/open-sans/OpenSans-Semibold.ttf", "plain"),
    Typeface("fonts-cantarell", "usr/share/fonts/opentype/cantarell/Cantarell-Bold.otf", "plain"),
    Typeface("fonts-ebgaramond", "usr/share/fonts/opentype/ebgaramond/EBGaramond12-Regular.otf", "book"),
    Typeface("fonts-hack", "usr/share/fonts/truetype/hack/Hack-Regular.ttf", "mono"),
    Typeface("fonts-play", "usr/share/fonts/truetype/play/Play-Bold.ttf", "display"),
    Typeface("fonts-kaushanscript", "usr/share/fonts/opentype/kaushanscript/KaushanScript-Regular.otf", "hand"),
)
"""Kept aside, so that an evaluation set is written in no typeface that a model was calibrated on."""


class FontLibrary:
    """The typefaces of one split, fetched."""

    def __init__(self, split: Split) -> None:
        """Fetch what is not at hand.

        Raises:
            FontError: a package is neither installed nor to be downloaded.
        """
        self.typefaces = CALIBRATION_FONTS if split == "calibration" else EVALUATION_FONTS
        for typeface in self.typefaces:
            if not typeface.path.is_file():
                fetch_package(typeface.package)

    def choose(self, random: Random, text: str, genres: Sequence[Genre]) -> Typeface | None:
        """A typeface that can write `text`, of one of `genres` where there is one; None if no typeface can.

        Latin text goes to Latin faces mostly, as printers set it.
        """
        able = [typeface for typeface in self.typefaces if typeface.covers(text)]
        fitting = [typeface for typeface in able if typeface.genre in genres] or able
        latin = [typeface for typeface in fitting if not typeface.chinese]
        if latin and random.random() < 0.8:
            return pick(random, latin)
        return pick(random, fitting) if fitting else None


def package_directory(package: str) -> Path:
    """Where the cache holds the unpacked package."""
    return stage_directory("fonts", digest_of(package))


def fetch_package(package: str) -> None:
    """Download and unpack one Debian package into the cache, once.

    Raises:
        FontError: apt or dpkg is missing or refuses.
        CacheError: the cache cannot be written.
    """
    run_stage("fonts", digest_of(package), lambda folder: _unpack(package, folder))


def _unpack(package: str, folder: Path) -> None:
    # apt drops to a user of its own when root calls it, and that user may not enter the cache.
    download = ["apt-get", "-o", "APT::Sandbox::User=root", "download", package]
    try:
        subprocess.run(download, cwd=folder, check=True, capture_output=True, text=True)
        (archive,) = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, folder], check=True, capture_output=True, text=True)
        archive.unlink()
    except FileNotFoundError as error:
        raise FontError(f"the fonts come as Debian packages, but this machine has no '{error.filename}'") from None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise FontError(
            f"cannot download the font package {package} ({reason}); run 'apt-get update' as root and try again, "
            f"or install it: apt-get install {package}"
        ) from None


@lru_cache(maxsize=512)
def _load(path: Path, index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size, index=index, layout_engine=ImageFont.Layout.BASIC)


@cache
def _has_glyph(path: Path, index: int, character: str) -> bool:
    font = _load(path, index, 16)
    return _picture(font, character) not in (_picture(font, UNASSIGNED), b"")


def _picture(font: ImageFont.FreeTypeFont, character: str) -> bytes:
    mask = font.getmask(character, mode="L")
    return bytes(mask) if mask.getbbox() else b""
