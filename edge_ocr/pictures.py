"""Pictures: path, bytes, PIL image or array -> one checked array. The only place that decodes.

Plain JPEG and PNG files, which is what cameras and scanners give, are decoded by OpenCV straight into the
order that the stages want. Everything that OpenCV would read differently from a viewer goes through Pillow,
which is imported only then: palettes, transparency, 16 bits, CMYK, animations and the other formats.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Union

import cv2
import numpy as np
import numpy.typing as npt

from edge_ocr.errors import PictureError
from edge_ocr.quiet import without_lines

if TYPE_CHECKING:
    from PIL import Image

Picture = npt.NDArray[np.uint8]
"""(height, width, 3) uint8, BGR, C-contiguous, the right way up."""
Source = Union[str, "os.PathLike[str]", bytes, "Image.Image", npt.NDArray[Any]]

MAXIMUM_FILE_BYTES = 512 << 20
MAXIMUM_PIXELS = 160_000_000
"""480 MB as BGR. Pillow refuses by itself a little above, at 178 million."""

FILE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".jp2", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp")
"""File names by which pictures are found in a folder; a picture named one by one may be called anything."""

_PILLOW_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM", "WEBP", "TIFF", "JPEG2000")
"""No format that runs a program (EPS) or reaches for other files (WMF)."""
_FORMATS_FOR_PEOPLE = "JPEG, PNG, TIFF, WebP, BMP, GIF, PPM or JPEG 2000"


def load_picture(source: Source) -> Picture:
    """Decode or check a picture.

    A picture with transparency is laid over white. Of an animation, or of several pages, the first picture is
    taken; `edge_ocr.pages_of` gives the pages. The orientation that a camera noted (EXIF) is applied. Of 16 bits
    a channel the upper 8 are kept.

    Args:
        source: a path; the bytes of a file; a PIL image; or an array (height, width), (height, width, 3) BGR
            or (height, width, 4) BGRA, uint8 or uint16. A fitting array is returned as it is, not copied.

    Returns:
        (height, width, 3) uint8, BGR, C-contiguous.

    Raises:
        PictureError: missing, unreadable, empty, truncated, too large, or no picture.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return decode(bytes(source), "the picture")
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return decode(read_file(path), str(path))
    return _from_pillow(source, "the picture")


def read_stream(stream: IO[bytes], name: str) -> bytes:
    """All bytes of a stream, at most `MAXIMUM_FILE_BYTES`; PictureError beyond that."""
    data = stream.read(MAXIMUM_FILE_BYTES + 1)
    if len(data) > MAXIMUM_FILE_BYTES:
        raise PictureError(f"{name} has more than {MAXIMUM_FILE_BYTES >> 20} MiB; give a smaller picture")
    return data


def read_file(path: Path) -> bytes:
    """All bytes of a file or a named pipe; PictureError where that cannot be."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise PictureError(f"{path} is a folder, not a picture; name a file in it")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise PictureError(f"{path} is a device, not a picture; name a file")
        with path.open("rb") as stream:
            return read_stream(stream, str(path))
    except FileNotFoundError as problem:
        raise PictureError(f"{path} does not exist; check the spelling") from problem
    except (OSError, ValueError) as problem:  # ValueError: a NUL in the name
        reason = getattr(problem, "strerror", None) or problem
        raise PictureError(f"{path} cannot be read: {reason}; check its name and its permissions") from problem


_LIBPNG = (b"libpng error: ", b"libpng warning: ")
_LIBJPEG = (
    b"Corrupt JPEG data: ",
    b"Premature end of JPEG file\n",
    b"Inconsistent progression sequence ",
    b"Invalid SOS parameters ",
    b"Unknown Adobe color transform code ",
    b"Warning: unknown JFIF revision number ",
)
_LIBTIFF = (  # its functions, and the name under which Pillow opens a file
    *(b"tempfile.tif: ", b"TIFF", b"_TIFF", b"LZWDecode", b"LZWPreDecode", b"ZIPDecode", b"PackBitsDecode", b"Fax3"),
    *(b"Fax4", b"JPEGLib: ", b"JPEGPreDecode: ", b"JPEGDecode", b"LZMADecode", b"ZSTDDecode", b"WebPDecode"),
    *(b"MissingRequired: ", b"EstimateStripByteCounts: ", b"ChopUpSingleUncompressedStrip: ", b"JPEGSetup", b"OJPEG"),
    *(b"DumpMode", b"LogL", b"NeXT", b"PixarLog", b"Thunder"),
)
_OPENCV = (b"[ERROR:", b"[ WARN:")
_PILLOW = (b"More samples per pixel than can be decoded: ",)  # by way of logging


# the remarks are dropped because the result tells whether a picture can be read
_silently = without_lines(*_LIBPNG, *_LIBJPEG, *_LIBTIFF, *_OPENCV, *_PILLOW)


@_silently
def decode(data: bytes, name: str) -> Picture:
    """`load_picture` for the bytes of a file, with the name by which errors call it."""
    if not data:
        raise PictureError(f"{name} is empty (0 bytes); fetch or save it again")
    header = _header(data)
    if header is None:
        return _decode_with_pillow(data, name)
    if not header.complete:
        raise _damaged(name, "its end is missing")
    _check_size(header.width, header.height, name)
    if not header.plain:
        return _decode_with_pillow(data, name)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as problem:
        raise _no_memory(name, header.width, header.height) from problem
    if picture is None:
        raise _damaged(name, "its pixels cannot be decoded")
    return np.asarray(picture, np.uint8)


def _damaged(name: str, reason: object) -> PictureError:
    return PictureError(f"{name} is truncated or damaged ({reason}); fetch or save it again")


def _no_memory(name: str, width: int, height: int) -> PictureError:
    return PictureError(
        f"{name} has {width} x {height} pixels, for which there is no memory here; scale it down or cut it"
    )


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > MAXIMUM_PIXELS:
        raise PictureError(
            f"{name} has {width} x {height} pixels, more than {MAXIMUM_PIXELS // 10**6} million; "
            "scale it down or cut it"
        )


@dataclass(frozen=True)
class _Header:
    """What a JPEG or PNG file says before it is decoded.

    Attributes:
        width: pixels, before any rotation.
        height: likewise.
        complete: whether the file reaches its end marker.
        plain: whether OpenCV decodes it to what a viewer shows.
    """

    width: int
    height: int
    complete: bool
    plain: bool


def _header(data: bytes) -> _Header | None:
    """The header of a JPEG or PNG file; None for any other data."""
    try:
        if data.startswith(_PNG_SIGNATURE):
            return _png_header(data)
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg_header(data)
    except struct.error:  # the file ends in the middle of a header
        return _Header(0, 0, complete=False, plain=False)
    return None


_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_GREY, _PNG_RGB = 0, 2
_PNG_MAXIMUM_SIDE = 1_000_000
"""libpng refuses longer sides (PNG_USER_WIDTH_MAX); Pillow, which reads PNG without it, does not."""


def _png_header(data: bytes) -> _Header:
    """PNG: IHDR, then a walk over the other chunks (W3C, Portable Network Graphics, sections 5 and 11)."""
    width, height, depth, colour_type = struct.unpack_from(">IIBB", data, 16)
    special = False  # transparency, animation or orientation, each in a chunk of its own
    position = len(_PNG_SIGNATURE)
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        special = special or kind in (b"tRNS", b"acTL", b"eXIf")
        position += 12 + length
        if kind == b"IEND":
            break
    fits = max(width, height) <= _PNG_MAXIMUM_SIDE
    plain = depth <= 8 and colour_type in (_PNG_GREY, _PNG_RGB) and fits and not special
    return _Header(width, height, complete=kind == b"IEND" and position <= len(data), plain=plain)


_JPEG_STANDALONE = frozenset([0x01, *range(0xD0, 0xD9)])
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_JPEG_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""In a scan 0xFF stands before a stuffed zero, a restart marker, another 0xFF (fill byte), or the next marker."""


def _jpeg_header(data: bytes) -> _Header:
    """JPEG: a walk over the marker segments to the end of the image (ITU-T T.81, annex B).

    Segments are skipped by their length, so the end marker of a thumbnail in the EXIF data is not taken for
    the end of the picture; what follows the end marker, such as the film of a "live" picture, does not
    matter. libjpeg fills missing rows with grey and says nothing, so this walk is the only thing that notices
    a truncated file.
    """
    width = height = components = precision = 0
    position = 2
    while True:
        (marker_prefix, marker) = struct.unpack_from(">BB", data, position)
        if marker_prefix != 0xFF:
            return _Header(width, height, complete=False, plain=False)
        position += 1
        if marker == 0xFF:  # fill byte
            continue
        position += 1
        if marker == _JPEG_END:
            return _Header(width, height, complete=width > 0, plain=components in (1, 3) and precision == 8)
        if marker in _JPEG_STANDALONE:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        if marker in _JPEG_FRAMES:
            precision, rows, columns, components = struct.unpack_from(">BHHB", data, position + 2)
            # Of several frames one decoder goes by the first, another by the last: none may be too large.
            height, width = max(height, rows), max(width, columns)
        position += length
        if marker == _JPEG_SCAN:
            position = _scan_end(data, position)


def _scan_end(data: bytes, position: int) -> int:
    """Where the marker after a scan begins; the end of the data where there is none."""
    found = _JPEG_SCAN_END.search(data, position)
    return found.start() if found else len(data)


PDF_SIGNATURE = b"%PDF-"
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NEW_SUBFILE_TYPE, _REDUCED = 254, 1
"""TIFF 6.0, section 8: bit 0 marks a smaller copy of another picture of the file."""


class TiffPages:
    """The pages of a TIFF file, decoded one at a time; small copies, such as thumbnails, are no pages."""

    @_silently
    def __init__(self, data: bytes, name: str) -> None:
        """Find the pages in the bytes of a file; PictureError where there are none."""
        self._name = name
        with _pillow_errors(data, name):
            self._image = _open_with_pillow(data)
            frames = range(getattr(self._image, "n_frames", 1))
            self._frames = [frame for frame in frames if not self._is_reduced(frame)] or [0]

    def __len__(self) -> int:
        return len(self._frames)

    @_silently
    def picture(self, number: int) -> Picture:
        """Decode a page, counted from 1; PictureError where it is damaged."""
        name = self._name if len(self) == 1 else f"page {number} of {self._name}"
        with _pillow_errors(b"", name):
            self._image.seek(self._frames[number - 1])
            return _from_pillow(self._image, name)

    def _is_reduced(self, frame: int) -> bool:
        self._image.seek(frame)
        tags = getattr(self._image, "tag_v2", {})
        return bool(tags.get(_NEW_SUBFILE_TYPE, 0) & _REDUCED)


def _decode_with_pillow(data: bytes, name: str) -> Picture:
    with _pillow_errors(data, name):
        return _from_pillow(_open_with_pillow(data), name)


def _open_with_pillow(data: bytes) -> Image.Image:
    from PIL import Image

    return Image.open(io.BytesIO(data), formats=_PILLOW_FORMATS)


@contextmanager
def _pillow_errors(data: bytes, name: str) -> Iterator[None]:
    """Turn whatever Pillow raises about the bytes of a file into a PictureError."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large sizes and odd tags: what matters is an error here
            yield
    except PictureError:
        raise
    except UnidentifiedImageError as problem:
        if data.startswith(TIFF_SIGNATURES):  # Pillow calls a TIFF file that it cannot read unidentified
            raise PictureError(
                f"{name} is a TIFF file that is truncated or damaged, or of a kind that cannot be read; "
                "save it again with 8 bits a channel, or as PNG"
            ) from problem
        if data.startswith(PDF_SIGNATURE):
            raise PictureError(f"{name} is a PDF file; take its pages from edge_ocr.pages_of") from problem
        raise PictureError(f"{name} is not a picture that can be read; give a {_FORMATS_FOR_PEOPLE} file") from problem
    except Image.DecompressionBombError as problem:
        raise PictureError(
            f"{name} has more than {MAXIMUM_PIXELS // 10**6} million pixels; scale it down or cut it"
        ) from problem
    except Exception as problem:  # Pillow's readers let errors of every kind out of a damaged file
        raise _damaged(name, problem) from problem


def _from_pillow(image: Image.Image, name: str) -> Picture:
    from PIL import Image, ImageOps

    if not isinstance(image, Image.Image):
        raise PictureError(f"{name} is of type {type(image).__name__}; give a path, bytes, a PIL image or an array")
    _check_size(image.width, image.height, name)
    if image.width * image.height == 0:
        raise PictureError(f"{name} has no pixels; give one of at least 1 x 1")
    try:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16") or upright.mode in ("I", "F"):
            return _from_grey_levels(np.asarray(upright), name)
        rgb = np.asarray(_over_white(upright))
        return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)
    except PictureError:
        raise
    except (MemoryError, cv2.error) as problem:
        raise _no_memory(name, image.width, image.height) from problem
    except Exception as problem:  # Pillow decodes here, not when it opens
        raise _damaged(name, problem) from problem


def _over_white(image: Image.Image) -> Image.Image:
    """RGB, with whatever is transparent laid over white: paper, to an OCR system."""
    from PIL import Image

    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(paper, layer).convert("RGB")


def _from_grey_levels(levels: npt.NDArray[Any], name: str) -> Picture:
    """A picture of one deep channel: 16 bits, or whole numbers that fit into 16 bits."""
    whole = np.issubdtype(levels.dtype, np.integer)
    if not whole or levels.min() < 0 or levels.max() > np.iinfo(np.uint16).max:
        raise PictureError(f"{name} has {levels.dtype} pixels of no known range; save it with 8 or 16 bits a channel")
    return _from_array(levels.astype(np.uint16))


def _from_array(array: npt.NDArray[Any]) -> Picture:
    shown = f"the array of shape {array.shape} and dtype {array.dtype}"
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or array.dtype not in (np.uint8, np.uint16):
        raise PictureError(
            f"{shown} is not a picture; give (height, width), (height, width, 3) BGR or (height, width, 4) "
            "BGRA of uint8 or uint16"
        )
    if array.size == 0:
        raise PictureError(f"{shown} has no pixels; give one of at least 1 x 1")
    _check_size(array.shape[1], array.shape[0], "the array")
    pixels = np.ascontiguousarray(array if array.dtype == np.uint8 else (array >> 8).astype(np.uint8))
    if channels == 1:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), np.uint8)
    if channels == 4:
        alpha = pixels[..., 3:].astype(np.uint16)
        return ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return pixels
