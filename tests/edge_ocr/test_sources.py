"""Files of several pages: PDF and TIFF, by the command and by `pages_of`."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from edge_ocr import PictureError, pages_of
from edge_ocr.cli import main
from edge_ocr.doctor import SAMPLE, SAMPLE_TEXT
from tests.conftest import skip
from tests.edge_ocr.paper_pdf import pdf

Run = Callable[..., int]
ENCRYPTED = Path(__file__).parent / "golden" / "encrypted.pdf"
"""One blank page; made with qpdf's library, 256-bit AES, the user's password is "secret"."""


@pytest.fixture
def read(bundle_folder: Path) -> Run:
    """`edge-ocr read` with the tests' bundle, in this process."""
    return lambda *arguments: main(["read", "--bundle", str(bundle_folder), *map(str, arguments)])


@pytest.fixture
def pdfium() -> None:
    try:
        import pypdfium2  # noqa: F401
    except ImportError:
        skip("pdf", "pypdfium2 is not installed")


@pytest.fixture
def book(tmp_path: Path, pdfium: None) -> Path:
    """Three pages."""
    path = tmp_path / "book.pdf"
    path.write_bytes(pdf(["First page", "Second page", "Third page"]))
    return path


@pytest.fixture
def fax(tmp_path: Path) -> Path:
    """Three pages, each the sample, and after the first a thumbnail of it."""
    sample = Image.open(SAMPLE).convert("L")
    thumbnail = sample.resize((48, 14))
    thumbnail.encoderinfo = {"tiffinfo": TiffImagePlugin.ImageFileDirectory_v2()}
    thumbnail.encoderinfo["tiffinfo"][254] = 1
    path = tmp_path / "fax.tif"
    sample.save(path, save_all=True, append_images=[thumbnail, sample, sample])
    return path


def rows(text: str) -> list[tuple[int | None, list[str]]]:
    """Number and lines of each page in JSON lines."""
    pages = map(json.loads, text.splitlines())
    return [(page.get("page"), [line["text"] for line in page["lines"]]) for page in pages]


def test_every_page_of_a_pdf_is_read(read: Run, book: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert read(book) == 0
    out, err = capfd.readouterr()
    assert (out, err) == ("First page\n\fSecond page\n\fThird page\n", "")


@pytest.mark.parametrize(
    ("pages", "expected"), [("2", [2]), ("1,3", [1, 3]), ("2-", [2, 3]), ("3,1-2", [1, 2, 3]), ("3-99", [3])]
)
def test_only_the_pages_asked_for(
    read: Run, book: Path, capfd: pytest.CaptureFixture[str], pages: str, expected: list[int]
) -> None:
    assert read(book, "--pages", pages, "--format", "jsonl") == 0
    assert [number for number, _ in rows(capfd.readouterr().out)] == expected


def test_no_page_asked_for_is_there(read: Run, book: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert read(book, "--pages", "4-9") == 2
    assert capfd.readouterr().err == f"error: {book} has 3 pages, none of which is wanted; give other page numbers\n"


@pytest.mark.parametrize("pages", ["", "0", "-3", "3-1", "1,", "a", "1;2", "1-2-3", "٣", "9" * 12])
def test_pages_that_are_no_numbers(pages: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["read", str(SAMPLE), f"--pages={pages}"])
    assert caught.value.code == 2 and "--pages" in capfd.readouterr().err


def test_every_page_of_a_tiff_is_read_and_no_thumbnail(read: Run, fax: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert read(fax, "--format", "jsonl") == 0
    assert rows(capfd.readouterr().out) == [(number, SAMPLE_TEXT.splitlines()) for number in (1, 2, 3)]


@pytest.mark.parametrize("kind", ["book", "fax"])
def test_pages_from_standard_input(
    read: Run,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    stream = io.BytesIO(request.getfixturevalue(kind).read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
    assert read("-", "--format", "jsonl", "--pages", "2-3") == 0
    assert [number for number, _ in rows(capfd.readouterr().out)] == [2, 3]


def test_a_picture_has_no_page_number(read: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert read(SAMPLE, "--format", "jsonl", "--pages", "1") == 0
    assert rows(capfd.readouterr().out) == [(None, SAMPLE_TEXT.splitlines())]


def test_a_folder_with_documents_and_folders(read: Run, book: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = book.parent
    (folder / "b").mkdir()
    (folder / "b" / "deep.png").write_bytes(SAMPLE.read_bytes())
    (folder / "c.png").write_bytes(SAMPLE.read_bytes())

    def files(*arguments: str) -> list[str]:
        assert read(folder, "--format", "jsonl", *arguments) == 0
        names = [json.loads(row)["file"] for row in capfd.readouterr().out.splitlines()]
        return [str(Path(name).relative_to(folder)) for name in names]

    assert files() == ["book.pdf"] * 3 + ["c.png"]
    assert files("--recursive") == ["b/deep.png"] + ["book.pdf"] * 3 + ["c.png"]


def test_each_page_is_annotated(read: Run, book: Path, capfd: pytest.CaptureFixture[str]) -> None:
    seen = book.parent / "seen"
    assert read(book, "--pages", "2-3", "--save-annotated", seen) == 0
    assert sorted(path.name for path in seen.iterdir()) == ["book-page-2.png", "book-page-3.png"]
    capfd.readouterr()
    assert read(book, "--save-annotated", book.parent / "one.png") == 2
    out, err = capfd.readouterr()
    assert out == "" and "one.png is one file, for 3 annotated pictures" in err
    assert not (book.parent / "one.png").exists()
    assert read(book, "--pages", "1", "--save-annotated", book.parent / "one.png") == 0


BAD: dict[str, tuple[bytes, str]] = {
    "encrypted": (ENCRYPTED.read_bytes(), "is encrypted; save it without a password"),
    "truncated": (pdf(["one", "two"])[:300], "is truncated or damaged"),
    "garbage": (b"%PDF-1.7\n" + bytes(range(256)) * 4, "is truncated or damaged"),
    "no pages": (pdf([]), "has no pages"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_pdf_is_one_sentence(
    read: Run, tmp_path: Path, pdfium: None, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    content, reason = BAD[kind]
    path = tmp_path / "bad.pdf"
    path.write_bytes(content)
    assert read(path, "-o", tmp_path / "out.txt") == 2
    out, err = capfd.readouterr()
    assert out == "" and reason in err and err.startswith(f"error: {path} ") and err.count("\n") == 1
    assert [each.name for each in tmp_path.iterdir()] == ["bad.pdf"]


def test_without_pypdfium2_the_way_to_it_is_told(
    read: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf(["one"]))
    (tmp_path / "b.png").write_bytes(SAMPLE.read_bytes())
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    assert read(tmp_path) == 1
    out, err = capfd.readouterr()
    assert out == SAMPLE_TEXT + "\n"
    assert (
        err
        == f"error: {tmp_path}/a.pdf is a PDF file, for which pypdfium2 is needed; run: pip install 'edge-ocr[pdf]'\n"
    )


def test_one_bad_page_does_not_end_the_run(
    read: Run, tmp_path: Path, pdfium: None, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where the second of three pages should be is an empty list."""
    whole = pdf(["First page", "Second page", "Third page"])
    (tmp_path / "bad.pdf").write_bytes(whole.replace(b"6 0 obj\n<< ", b"6 0 obj\n[] "))
    assert read(tmp_path / "bad.pdf") == 1
    out, err = capfd.readouterr()
    assert out == "First page\n\fThird page\n"
    assert err.startswith(f"error: page 2 of {tmp_path / 'bad.pdf'} cannot be drawn") and err.count("\n") == 1


def test_one_bad_page_of_a_tiff_does_not_end_the_run(read: Run, fax: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Where the strip of the second page is said to lie, there is no file any more."""
    content = bytearray(fax.read_bytes())
    with Image.open(fax) as image:
        image.seek(2)
        place = image.tag_v2.get(273)[0]
    content = content.replace(place.to_bytes(4, "little"), (2**31).to_bytes(4, "little"))
    fax.write_bytes(content)
    assert read(fax, "--format", "jsonl") == 1
    out, err = capfd.readouterr()
    assert [number for number, _ in rows(out)] == [1, 3]
    assert err.startswith(f"error: page 2 of {fax} is truncated or damaged") and err.count("\n") == 1


@pytest.mark.parametrize("size", ["40000000 14000000", "1 1000000", "0.001 0.001", "595 842"])
def test_whatever_size_a_page_says_to_have_it_gets_as_many_pixels(pdfium: None, size: str) -> None:
    (page,) = pages_of(pdf(["text"], size))
    picture = page.load()
    assert picture.dtype == np.uint8 and picture.flags.c_contiguous
    assert picture.shape[0] * picture.shape[1] < 4.3e6 and max(picture.shape) <= 32_000
    if size == "595 842":
        assert picture.shape == (2401, 1697, 3)
        (larger,) = pages_of(pdf(["text"], size), long_side=1920)
        assert larger.load().shape == (4802, 3394, 3)


def test_the_end_of_a_book_of_ten_thousand_pages(
    read: Run, tmp_path: Path, pdfium: None, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "long.pdf"
    path.write_bytes(pdf([f"Page {number}" for number in range(1, 10_001)]))
    assert read(path, "--pages", "9999-") == 0
    assert capfd.readouterr().out == "Page 9999\n\fPage 10000\n"


@pytest.mark.parametrize("data", [pdf(["text"])])
def test_a_pdf_given_as_a_picture_is_named_as_what_it_is(data: bytes) -> None:
    from edge_ocr.pictures import load_picture

    with pytest.raises(PictureError, match=r"is a PDF file; take its pages from edge_ocr\.pages_of"):
        load_picture(data)
