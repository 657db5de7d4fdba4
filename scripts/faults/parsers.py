"""Damaged input for everything that parses: manifests, packed bundles, charsets, pictures, label files.

A case is made from a seed and a number, so that it can be made again. Whatever it is, parsing must give a result or
raise one sentence of the EdgeOCRError family, in bounded time and memory, and write nothing anywhere.
"""

from __future__ import annotations

import hashlib
import io
import json
import mmap
import os
import random
import string
import sys
import tempfile
import time
import traceback
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from converters.evaluation.layouts import find_layout
from edge_ocr.bundle import Bundle
from edge_ocr.errors import EdgeOCRError
from edge_ocr.manifest import MANIFEST_FILE, Manifest
from edge_ocr.models import DEFAULT_BUNDLE
from edge_ocr.pictures import load_picture
from faults.children import in_child, judge
from faults.outcomes import Outcome, Result

SECONDS = 5.0
"""Of processor time that one case may take."""
PATIENCE = 60.0
"""Seconds that it may take by the clock, on a busy machine."""
MEMORY = 700 << 20
"""Bytes that it may take; a picture of the largest size that is accepted is 480 MB."""

Random = random.Random
_EDGES = (0, 1, 2, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


# --- bytes ---------------------------------------------------------------------------------------------------------


def mutate(draw: Random, data: bytes, other: bytes = b"") -> bytes:
    """Some bytes of `data` changed, moved, left out or replaced by some of `other`."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4, 16))):
        if not changed:
            break
        # Headers are where most of the meaning is.
        place = draw.randrange(len(changed)) if draw.random() < 0.5 else draw.randrange(min(len(changed), 64))
        change = draw.randrange(8)
        if change <= 1:
            changed[place] = draw.randrange(256)
        elif change == 2:
            changed[place] ^= 1 << draw.randrange(8)
        elif change == 3:
            width = draw.choice((2, 4))
            number = draw.choice(_EDGES) & ((1 << 8 * width) - 1)
            changed[place : place + width] = number.to_bytes(width, draw.choice(("little", "big")))
        elif change == 4:
            del changed[place : place + draw.choice((1, 2, 4, 64))]
        elif change == 5:
            changed[place:place] = changed[place : place + draw.choice((1, 4, 64, 1024))] or b"\0"
        elif change == 6:
            source = other or bytes(changed)
            start = draw.randrange(len(source))
            piece = source[start : start + draw.choice((4, 16, 128))]
            changed[place : place + len(piece)] = piece
        elif draw.random() < 0.3:
            del changed[place:]
    return bytes(changed)


# --- manifests -----------------------------------------------------------------------------------------------------

_CONTENTS = {"detector": b"a detector", "direction": b"a direction classifier", "recognizer": b"a recognizer"}
_CHARSET = "!\n \n\u3000\n文\n".encode()


def _small_manifest(charset: bytes = _CHARSET) -> dict[str, Any]:
    """The default bundle's manifest, with the sizes and hashes of contents of a few bytes."""
    document: dict[str, Any] = json.loads((DEFAULT_BUNDLE / MANIFEST_FILE).read_text())
    for kind, content in _CONTENTS.items():
        document["models"][kind] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    digest = hashlib.sha256(charset).hexdigest()
    count = len(charset.rstrip(b"\n").split(b"\n"))
    document["charset"] |= {"bytes": len(charset), "sha256": digest, "count": count}
    return document


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a JSON document."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in items:
        yield from places(member, (*path, key))


def _odd_value(draw: Random) -> object:
    return draw.choice(
        (
            None, True, False, 0, 1, -1, 2**31, 2**63, 10**400, 0.0, -0.0, 1e-320, 1e308, float("nan"), float("inf"),
            "", " ", "x" * 600, "\ud800", "\0", "line\nline", "../evil", "/etc/passwd", "manifest.json", "con",
            "\u202e", [], [[]], {}, {"": 1}, {"a\nb": 1}, [1, 2, 3], [[0] * 3] * 3, "9" * 5000,
            draw.randrange(-5, 70000), draw.random(), "".join(draw.choices(string.printable, k=8)),
        )
    )  # fmt: skip


def _mutated_document(draw: Random) -> dict[str, Any]:
    document = _small_manifest()
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        known = list(places(document))
        *path, last = draw.choice(known)
        parent: Any = document
        for key in path:
            parent = parent[key]
        change = draw.randrange(5)
        if change <= 1:
            parent[last] = _odd_value(draw)
        elif change == 2:
            del parent[last]
        elif change == 3 and isinstance(parent, dict):
            parent["".join(draw.choices(string.printable, k=draw.randrange(8)))] = parent.pop(last)
        else:
            *other_path, other = draw.choice(known)
            value: Any = document
            try:
                for key in (*other_path, other):
                    value = value[key]
            except (LookupError, TypeError):  # an earlier change took that place away
                continue
            parent[last] = json.loads(json.dumps(value))
    return document


def _manifest(draw: Random) -> Callable[[], object]:
    kind = draw.randrange(10)
    if kind < 7:
        data = json.dumps(_mutated_document(draw)).encode()
    elif kind < 9:
        data = mutate(draw, json.dumps(_small_manifest()).encode())
    else:
        data = draw.choice((b"[" * 10**5, b'{"a":' * 10**5, b"9" * 10**5, b"\xff" * 9, b"null", b'"' + b"a" * 2**20))

    def parse() -> object:
        manifest = Manifest.from_bytes(data)
        return manifest.digest, Manifest.from_bytes(manifest.to_bytes()).digest

    return parse


# --- packed bundles and charsets -----------------------------------------------------------------------------------


def _packed(document: dict[str, Any], charset: bytes, draw: Random) -> bytes:
    entries = {MANIFEST_FILE: json.dumps(document).encode(), document["charset"]["file"]: charset}
    entries |= {document["models"][kind]["file"]: content for kind, content in _CONTENTS.items()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content, compress_type=draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    return stream.getvalue()


def _open_packed(data: bytes) -> object:
    """Open an archive that lies in memory, under a name."""
    descriptor = os.memfd_create("archive")
    try:
        os.write(descriptor, data)
        bundle = Bundle.open(f"/proc/self/fd/{descriptor}")
        return bundle.charset, bundle.digest
    finally:
        os.close(descriptor)


def _archive(draw: Random) -> Callable[[], object]:
    data = bytearray(_packed(_small_manifest(), _CHARSET, draw))
    if draw.random() < 0.6:  # the numbers of a record of the directory, which come after its signature
        for _ in range(draw.choice((1, 1, 2, 3))):
            signature = draw.choice((b"PK\3\4", b"PK\1\2", b"PK\1\2", b"PK\5\6"))
            starts = [place for place in range(len(data)) if data.startswith(signature, place)]
            place = draw.choice(starts) + draw.randrange(4, 46)
            width = draw.choice((1, 2, 4))
            number = draw.choice((*_EDGES, draw.randrange(2**32))) & ((1 << 8 * width) - 1)
            data[place : place + width] = number.to_bytes(width, "little")
        changed = bytes(data)
    else:
        changed = mutate(draw, bytes(data))
    return lambda: _open_packed(changed)


def _charset(draw: Random) -> Callable[[], object]:
    pieces = ("a", "文", " ", "\u3000", "\r", "\0", "\ufeff", "\u2028", "\x85", "\u0301", "\U0001f600", "", "ab" * 100)
    charset = "".join(f"{draw.choice(pieces)}\n" for _ in range(draw.randrange(1, 50))).encode()
    if draw.random() < 0.5:
        charset = mutate(draw, charset) or b"\n"
    document = _small_manifest(charset)
    if draw.random() < 0.3:
        document["charset"]["count"] += draw.choice((-1, 1, 1000))
    data = _packed(document, charset, draw)
    return lambda: _open_packed(data)


# --- pictures ------------------------------------------------------------------------------------------------------


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@cache
def _pictures() -> tuple[bytes, ...]:
    """Small files of every kind that is read, by every road: OpenCV, Pillow, transparency, depth, animation."""
    numbers = np.random.default_rng(0)
    noise = Image.fromarray(numbers.integers(0, 256, (24, 40, 3), np.uint8))
    plain = Image.new("RGB", (40, 24), "orange")
    clear = noise.copy()
    clear.putalpha(Image.fromarray(numbers.integers(0, 256, (24, 40), np.uint8)))
    deep = Image.fromarray(numbers.integers(0, 65536, (24, 40), np.uint16))
    palette, ink = noise.quantize(16), noise.convert("1")
    turned = Image.Exif()
    turned[0x0112] = 6
    film = {"save_all": True, "append_images": [plain, noise]}
    return (
        _saved(noise, "JPEG"), _saved(noise, "JPEG", progressive=True, exif=turned), _saved(noise.convert("L"), "JPEG"),
        _saved(noise.convert("CMYK"), "JPEG"), _saved(noise, "JPEG", restart_marker_rows=1),
        _saved(noise, "PNG"), _saved(plain, "PNG"), _saved(palette, "PNG", transparency=3), _saved(deep, "PNG"),
        _saved(clear, "PNG"), _saved(ink, "PNG"), _saved(noise, "PNG", **film), _saved(noise, "PNG", exif=turned),
        _saved(noise, "WEBP"), _saved(clear, "WEBP", lossless=True), _saved(noise, "WEBP", **film),
        *(_saved(noise, "TIFF", compression=name) for name in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg")),
        _saved(noise, "TIFF", compression="packbits"), _saved(ink, "TIFF", compression="group4"),
        _saved(ink, "TIFF", compression="group3"), _saved(deep, "TIFF"), _saved(clear, "TIFF"),
        _saved(plain, "TIFF", save_all=True, append_images=[ink]),
        _saved(noise, "BMP"), _saved(palette, "BMP"), _saved(ink, "BMP"),
        _saved(palette, "GIF"), _saved(noise, "GIF", **film), _saved(palette, "GIF", transparency=3),
        _saved(noise, "PPM"), _saved(deep, "PPM"), _saved(ink, "PPM"), b"P3\n2 1\n255\n1 2 3\n4 5 6\n",
        _saved(noise, "JPEG2000"),
    )  # fmt: skip


_PNG_SIGNATURE_BYTES = 8


def _with_right_checksums(png: bytes) -> bytes:
    """A PNG file whose chunks are made to pass for whole, so that what is in them is looked at."""
    data, place = bytearray(png), _PNG_SIGNATURE_BYTES
    while place + 12 <= len(data):
        end = place + 8 + int.from_bytes(data[place : place + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = zlib.crc32(data[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(data)


def _picture(draw: Random) -> Callable[[], object]:
    data = mutate(draw, draw.choice(_pictures()), draw.choice(_pictures()))
    if data.startswith(b"\x89PNG") and draw.random() < 0.7:
        data = _with_right_checksums(data)

    def parse() -> object:
        picture = load_picture(data)
        assert picture.ndim == 3 and picture.dtype == np.uint8 and picture.flags.c_contiguous
        return picture.shape

    return parse


# --- label files ---------------------------------------------------------------------------------------------------

_QUAD = [[1, 2], [30, 2], [30, 20], [1, 20]]
_LABELS: dict[str, list[Any]] = {
    "labels.jsonl": [
        {"image": "a.png", "text": "出口"},
        {"image": "b.png", "items": [{"box": _QUAD, "text": "Exit", "ignore": False}]},
    ],
    "Label.txt": [
        ("a.png", [{"transcription": "出口", "points": _QUAD, "difficult": False}]),
        ("b.png", [{"transcription": "###", "points": [*_QUAD, [0, 9]]}]),
    ],
    "rec_gt.txt": ["a.png\t出口", "b.png\tExit"],
    "gt.txt": ['a.png, "出口"', 'b.png, "a \\"quote\\""'],
    "gt_a.txt": ["1,2,30,2,30,20,1,20,出口", "1,2,30,2,30,20,1,20,###"],
}
"""Name of a label file -> its rows, of each layout that is read."""


_scratch: list[tempfile.TemporaryDirectory[str]] = []


@cache
def _data_set() -> Path:
    """A folder with the pictures that the labels name, for as long as the process runs."""
    _scratch.append(tempfile.TemporaryDirectory(prefix="faults-"))
    folder = Path(_scratch[0].name) / "labels"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(_pictures()[6])
    return folder


def _row(draw: Random, row: Any) -> str:
    """A row, of which a part may have been changed."""
    if isinstance(row, str):
        return row
    document = json.loads(json.dumps({"row": row[1] if isinstance(row, tuple) else row}))
    if draw.random() < 0.7:
        *path, last = draw.choice(list(places(document)))
        parent: Any = document
        for key in path:
            parent = parent[key]
        parent[last] = _odd_value(draw)
    text = json.dumps(document["row"], ensure_ascii=draw.random() < 0.5)
    return f"{row[0]}\t{text}" if isinstance(row, tuple) else text


def _label_file(draw: Random) -> Callable[[], object]:
    name = draw.choice(sorted(_LABELS))
    data = "\n".join(_row(draw, row) for row in _LABELS[name]).encode("utf-8", errors="surrogatepass")
    if draw.random() < 0.6:
        data = mutate(draw, data)
    folder = _data_set()
    for other in _LABELS:
        (folder / other).unlink(missing_ok=True)
    (folder / name).write_bytes(data)

    def parse() -> object:
        found = find_layout(folder)
        assert found is not None
        layout, files = found
        return len(layout.read(files))

    return parse


# --- a run ---------------------------------------------------------------------------------------------------------

KINDS: dict[str, Callable[[Random], Callable[[], object]]] = {
    "manifests": _manifest,
    "packed bundles": _archive,
    "charsets": _charset,
    "pictures": _picture,
    "label files": _label_file,
}
"""What is parsed -> what draws an input and gives the call that parses it."""


def run_cases(kind: str, seed: int, numbers: range) -> Iterator[Result]:
    """Parse these cases, in a child that is replaced whenever a case ends it."""
    _pictures(), _data_set()  # made once, for all children
    current = mmap.mmap(-1, 8)
    start = numbers.start
    while start < numbers.stop:
        current[:] = start.to_bytes(8, "little")
        with tempfile.TemporaryDirectory(prefix="faults-") as place:
            rest = range(start, numbers.stop)
            ended = in_child(partial(_parse_all, kind, seed, rest, place, current), seconds=PATIENCE, memory=MEMORY)
            left = sorted(path.name for path in Path(place).iterdir())
        for line in ended.output.decode().splitlines():
            name, detail = json.loads(line)
            yield Result(kind, Outcome[name], detail)
        if left:
            yield Result(kind, Outcome.UNTIDY, f"one of {seed}/{rest} left {left}")
        last = int.from_bytes(current[:], "little")
        if ended.status != 0:
            outcome, detail = judge(ended)
            yield Result(kind, outcome, f"case {kind}/{seed}/{last}: {detail}")
        start = last + 1


def _parse_all(kind: str, seed: int, numbers: range, place: str, current: mmap.mmap) -> int:
    """In the child: parse, and write an outcome a line to standard output."""
    import signal

    os.chdir(place)
    os.environ["TMPDIR"] = place
    tempfile.tempdir = None
    written: list[str] = []
    sys.addaudithook(lambda event, arguments: _note_writing(written, event, arguments))
    for number in numbers:
        current[:] = number.to_bytes(8, "little")
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        said = os.fstat(2).st_size
        parse = KINDS[kind](Random(f"{kind}/{seed}/{number}"))
        written.clear()
        start = time.process_time()
        outcome, detail = _parse(parse)
        took = time.process_time() - start
        sys.stderr.flush()
        if took > SECONDS:
            outcome, detail = Outcome.HUNG, f"{took:.1f} s of processor time"
        elif outcome in (Outcome.WORKED, Outcome.REFUSED) and (written or os.fstat(2).st_size > said):
            outcome = Outcome.UNTIDY
            detail = f"wrote {written} and said {os.pread(2, 500, said)!r}"
        print(json.dumps([outcome.name, f"case {kind}/{seed}/{number}: {detail}"]), flush=True)  # it may be the last
    return 0


def _parse(parse: Callable[[], object]) -> tuple[Outcome, str]:
    try:
        return Outcome.WORKED, str(parse())[:80]
    except EdgeOCRError as problem:
        sentence = str(problem)
        one_line = sentence.isprintable() and 10 < len(sentence) < 1000
        return Outcome.REFUSED if one_line else Outcome.UNTIDY, sentence[:1000]
    except Exception:
        return Outcome.TRACEBACK, traceback.format_exc()


def _note_writing(written: list[str], event: str, arguments: Any) -> None:
    if event != "open" or isinstance(arguments[0], int):  # a descriptor is already open
        return
    if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        written.append(str(arguments[0]))
