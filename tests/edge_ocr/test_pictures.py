"""Pictures of every kind become the array that Pillow shows, or one sentence."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edge_ocr.errors import PictureError
from edge_ocr.pictures import load_picture

HEIGHT, WIDTH = 40, 64
Bytes = npt.NDArray[np.uint8]


def scene() -> Image.Image:
    """Four different corners, so that any turn, flip or swap of channels shows."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    red, green, blue = x * 255 // (WIDTH - 1), y * 255 // (HEIGHT - 1), (x // 8 + y // 8) % 2 * 255
    return Image.fromarray(np.stack([red, green, blue], axis=-1).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def bgr(image: Image.Image) -> Bytes:
    """What a viewer shows of an image without transparency, in OpenCV's order."""
    return np.asarray(image.convert("RGB"))[..., ::-1]


def assert_picture(picture: Bytes, expected: Bytes, tolerance: int = 0) -> None:
    assert picture.dtype == np.uint8 and picture.flags.c_contiguous
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(int) - expected.astype(int)).max() <= tolerance


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "JPEG2000"])
def test_lossless_formats(kind: str) -> None:
    assert_picture(load_picture(saved(scene(), kind)), bgr(scene()))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_lossy_formats(kind: str, mode: str) -> None:
    data = saved(scene().convert(mode), kind)
    assert_picture(load_picture(data), bgr(Image.open(io.BytesIO(data))), tolerance=1)


def test_progressive_jpeg() -> None:
    data = saved(scene(), "JPEG", progressive=True)
    assert_picture(load_picture(data), bgr(Image.open(io.BytesIO(data))), tolerance=1)


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_grey_and_palette(mode: str) -> None:
    image = scene().convert(mode)
    assert_picture(load_picture(saved(image, "PNG")), bgr(image))


def test_cmyk() -> None:
    data = saved(scene().convert("CMYK"), "JPEG", quality=95)
    assert_picture(load_picture(data), bgr(Image.open(io.BytesIO(data))))
    assert_picture(load_picture(data), bgr(scene()), tolerance=80)  # and not inverted


# EXIF 2.32, tag 0x0112: what to do with the stored pixels to see them the right way up.
UPRIGHT: dict[int, Callable[[Bytes], Bytes]] = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(scene(), kind, exif=exif)
    stored = bgr(Image.open(io.BytesIO(saved(scene(), kind))))
    assert_picture(load_picture(data), UPRIGHT[orientation](stored), tolerance=1)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_transparency_is_laid_over_white(kind: str) -> None:
    image = scene()
    alpha = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    image.putalpha(Image.fromarray(alpha))
    share = alpha[..., None] / 255
    expected = np.round(bgr(scene()) * share + 255 * (1 - share)).astype(np.uint8)
    data = saved(image, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))
    assert_picture(load_picture(data), expected, tolerance=1)


def test_transparent_palette_and_transparent_colour() -> None:
    grey = Image.new("L", (4, 2), 0)
    assert (load_picture(saved(grey, "PNG", transparency=0)) == 255).all()
    assert (load_picture(saved(grey.convert("P"), "GIF", transparency=0)) == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey(kind: str) -> None:
    levels = np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    expected = np.repeat((levels // 256)[..., None], 3, axis=2)
    assert_picture(load_picture(saved(Image.fromarray(levels), kind)), expected.astype(np.uint8))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bit_colour(suffix: str) -> None:
    levels = bgr(scene()).astype(np.uint16) * 257
    data = cv2.imencode(suffix, levels)[1].tobytes()
    assert_picture(load_picture(data), bgr(scene()))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_picture_of_several(kind: str) -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert_picture(load_picture(data), np.full((6, 8, 3), (0, 0, 255), np.uint8))


def test_one_pixel() -> None:
    assert_picture(load_picture(saved(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")), np.array([[[3, 2, 1]]], np.uint8))


def test_twenty_thousand_pixels_wide() -> None:
    wide = Image.new("RGB", (20_000, 2), "white")
    wide.putpixel((19_999, 1), (255, 0, 0))
    for kind in ("PNG", "BMP"):
        picture = load_picture(saved(wide, kind))
        assert picture.shape == (2, 20_000, 3)
        assert picture[1, -1].tolist() == [0, 0, 255] and picture[0].min() == 255


# Arrays and PIL images


def test_fitting_array_is_not_copied() -> None:
    picture = np.ascontiguousarray(bgr(scene()))
    assert load_picture(picture) is picture


def test_arrays_of_other_layouts() -> None:
    picture = bgr(scene())  # a view with negative strides
    assert_picture(load_picture(picture), picture)
    assert_picture(load_picture(picture.astype(np.uint16) * 257), picture)
    grey = picture[..., 0]
    assert_picture(load_picture(grey), np.repeat(grey[..., None], 3, axis=2))
    assert_picture(load_picture(grey[..., None]), np.repeat(grey[..., None], 3, axis=2))


def test_array_with_alpha() -> None:
    pixel = np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [0, 100, 200, 51]]], np.uint8)
    assert load_picture(pixel).tolist() == [[[255, 255, 255], [10, 20, 30], [204, 224, 244]]]


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 3), bool),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_array_that_is_no_picture(array: npt.NDArray[np.generic]) -> None:
    with pytest.raises(PictureError, match=r"^the array of shape"):
        load_picture(array)


def test_pil_image() -> None:
    assert_picture(load_picture(scene()), bgr(scene()))
    with pytest.raises(PictureError, match="of type int"):
        load_picture(7)  # type: ignore[arg-type]
    with pytest.raises(PictureError, match="no pixels"):
        load_picture(Image.new("RGB", (0, 5)))
    with pytest.raises(PictureError, match="float32 pixels of no known range"):
        load_picture(Image.new("F", (4, 4)))


# What is refused


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"none\.png does not exist"):
        load_picture(tmp_path / "none.png")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="is a folder, not a picture"):
        load_picture(str(tmp_path))


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(PictureError, match=r"empty\.png is empty \(0 bytes\)"):
        load_picture(tmp_path / "empty.png")
    with pytest.raises(PictureError, match=r"^the picture is empty"):
        load_picture(b"")


@pytest.mark.skipif(os.name == "nt", reason="there is no /dev/zero")
def test_endless_device() -> None:
    with pytest.raises(PictureError, match="is a device"):
        load_picture("/dev/zero")


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object) -> None:  # a real mode of 0 does not stop root
        raise PermissionError(13, "Permission denied")

    (tmp_path / "secret.png").write_bytes(saved(scene(), "PNG"))
    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(PictureError, match=r"secret\.png cannot be read: Permission denied"):
        load_picture(tmp_path / "secret.png")


def test_impossible_name() -> None:
    with pytest.raises(PictureError, match="cannot be read"):
        load_picture("nul\0.png")
    with pytest.raises(PictureError, match="cannot be read: File name too long"):
        load_picture("x" * 5000)


@pytest.mark.parametrize("data", [b"plain text", b"%!PS-Adobe-3.0 EPSF-3.0", b"<svg/>", b"\0" * 999])
def test_no_picture(data: bytes) -> None:
    with pytest.raises(PictureError, match="is not a picture that can be read; give a JPEG, PNG"):
        load_picture(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_truncated(kind: str, share: float) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    data = saved(noise, kind)
    with pytest.raises(PictureError, match="truncated or damaged"):
        load_picture(data[: int(len(data) * share)])


def test_truncated_jpeg_with_a_whole_thumbnail() -> None:
    """The end marker of the thumbnail in the EXIF data is not that of the picture."""
    data = saved(scene(), "JPEG", exif=b"Exif\0\0MM\0*" + bytes(8) + saved(scene(), "JPEG"))
    assert data.count(b"\xff\xd9") == 2
    assert_picture(load_picture(data), load_picture(saved(scene(), "JPEG")))
    with pytest.raises(PictureError, match="truncated"):
        load_picture(data[:-40])


def test_jpeg_with_something_after_its_end() -> None:
    data = saved(scene(), "JPEG")
    assert_picture(load_picture(data + b"a film"), load_picture(data))


@pytest.mark.parametrize("marker", [b"\xff\xd0", b"\xff\xff\xd0", b"\xff\xff\xff\xff\xd0"])
def test_jpeg_with_fill_bytes_before_a_marker(marker: bytes) -> None:
    """ITU-T T.81, B.1.1.2: any marker may be preceded by any number of bytes 0xFF."""
    data = saved(scene(), "JPEG", restart_marker_rows=1)
    filled = data.replace(b"\xff\xd0", marker)
    assert len(filled) > len(data) or marker == b"\xff\xd0"
    assert_picture(load_picture(filled), load_picture(data))
    assert_picture(load_picture(filled[:-2] + b"\xff\xff\xff\xd9"), load_picture(data))
    with pytest.raises(PictureError, match="truncated"):
        load_picture(filled[:-2])


def with_damage(kind: str, **options: object) -> bytes:
    """A whole file whose pixels are damaged in the middle."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    data = bytearray(saved(noise, kind, **options))
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(range(40))
    return bytes(data)


def test_decoders_do_not_write_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PictureError, match="truncated or damaged"):
        load_picture(with_damage("PNG"))
    with pytest.raises(PictureError, match="truncated or damaged"):
        load_picture(with_damage("TIFF", compression="tiff_lzw"))
    assert load_picture(with_damage("JPEG")).shape == (64, 64, 3)  # a viewer shows it too
    assert capfd.readouterr().err == ""


def test_what_others_write_while_a_picture_is_decoded_is_passed_on(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(data: Bytes, flags: int) -> Bytes:
        os.write(2, b"libpng warning: iCCP: known incorrect sRGB profile\nanother thread's note\n")
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr(cv2, "imdecode", decode)
    load_picture(saved(scene(), "PNG"))
    os.write(2, b"libpng warning: later\n")
    assert capfd.readouterr().err == "another thread's note\nlibpng warning: later\n"


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated_tiff(compression: str, share: float, capfd: pytest.CaptureFixture[str]) -> None:
    data = saved(scene(), "TIFF", compression=compression)
    with pytest.raises(PictureError, match="truncated or damaged"):
        load_picture(data[: int(len(data) * share)])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("levels", [np.ones((4, 4, 3), np.float32), np.ones((4, 4), np.float64)])
def test_tiff_of_a_rare_kind(levels: npt.NDArray[np.floating]) -> None:
    with pytest.raises(PictureError, match=r"TIFF file that .* of a kind that cannot be read; save it again with 8"):
        load_picture(cv2.imencode(".tiff", levels)[1].tobytes())


def test_more_than_a_million_pixels_wide() -> None:
    wide = Image.new("L", (1_100_000, 1), 255)
    wide.putpixel((1_099_999, 0), 7)
    picture = load_picture(saved(wide, "PNG"))
    assert picture.shape == (1, 1_100_000, 3)
    assert picture[0, -1].tolist() == [7, 7, 7] and picture[0, :-1].min() == 255


def huge_png(width: int, height: int) -> bytes:
    """A whole PNG file of a few bytes that states a size it has no pixels for."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(20_000, 8_001), (2**31 - 1, 2**31 - 1)])
def test_decompression_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=f"has {size[0]} x {size[1]} pixels, more than 160 million"):
        load_picture(huge_png(*size))


@pytest.mark.parametrize("place", ["before", "behind"])
def test_decompression_bomb_with_a_second_frame(place: str) -> None:
    """libjpeg allocates what the first frame states; the last one is what a look at the markers would be left with."""
    data = saved(scene(), "JPEG")
    frame = data.index(b"\xff\xc0")
    length = 2 + int.from_bytes(data[frame + 2 : frame + 4], "big")
    huge = bytearray(data[frame : frame + length])
    huge[5:9] = struct.pack(">HH", 40_000, 20_000)
    where = frame if place == "before" else frame + length
    with pytest.raises(PictureError, match="has 20000 x 40000 pixels, more than 160 million"):
        load_picture(data[:where] + bytes(huge) + data[where:])


@pytest.mark.parametrize("width", [16_001, 50_000])
def test_decompression_bomb_in_another_format(width: int) -> None:
    data = b"P6\n%d 10000\n255\n" % width
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PictureError, match="more than 160 million"):
            load_picture(data)


SEEDS = {kind: saved(scene(), kind) for kind in ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000")}


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(SEEDS)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_files_only_raise_picture_errors(kind: str, changes: list[tuple[float, int]]) -> None:
    data = bytearray(SEEDS[kind])
    for place, value in changes:
        data[int(place * min(len(data), 400))] = value
    try:
        picture = load_picture(bytes(data))
    except PictureError as problem:
        assert "\n" not in str(problem)
    else:
        assert picture.ndim == 3 and picture.dtype == np.uint8


def test_plain_pictures_need_no_pillow() -> None:
    """Pillow takes longer to import than a small picture to decode."""
    code = (
        "import sys; from edge_ocr.pictures import load_picture\n"
        "load_picture(sys.stdin.buffer.read()); sys.exit('PIL.Image' in sys.modules)"
    )
    for kind in ("JPEG", "PNG"):
        assert subprocess.run([sys.executable, "-c", code], input=saved(scene(), kind), check=False).returncode == 0


def test_no_memory_is_not_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError

    Image.new("P", (30, 20)).save(tmp_path / "large.gif")
    monkeypatch.setattr(Image.Image, "convert", refuse)
    with pytest.raises(PictureError, match="has 30 x 20 pixels, for which there is no memory here"):
        load_picture(tmp_path / "large.gif")
