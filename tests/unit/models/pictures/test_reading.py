"""Pictures from outside: what is read, and what is refused in one line before it is decoded."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from app.core.conversation import MOST_PICTURE_BYTES
from app.core.errors import BadInputError
from app.models.pictures.reading import MOST_PIXELS, read_picture
from tests.saying import raises_saying

ORANGE = (250, 120, 10)


def file_of(picture: Image.Image, form: str = "PNG", **settings: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **settings)
    return file.getvalue()


def header_only(width: int, height: int) -> bytes:
    """Return a PNG of that size with hardly any pixels in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    sizes = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", sizes) + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr"])
def test_pictures_of_every_usual_mode_have_three_colours(mode: str) -> None:
    form = {"CMYK": "JPEG", "YCbCr": "JPEG"}.get(mode, "PNG")
    picture = read_picture(file_of(Image.new("RGB", (9, 7), ORANGE).convert(mode), form))
    assert (picture.mode, picture.size) == ("RGB", (9, 7))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_one_sees_through_lies_on_white(mode: str) -> None:
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    content = file_of(clear if mode == "PA" else clear.convert(mode), "PNG")
    assert np.asarray(read_picture(content)).min() == 255


def test_a_palette_with_a_transparent_colour_lies_on_white() -> None:
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([10, 20, 30] * 256)
    assert np.asarray(read_picture(file_of(picture, transparency=0))).min() == 255


def test_a_picture_taken_upside_down_is_turned() -> None:
    picture = Image.new("RGB", (8, 4))
    picture.putpixel((0, 0), ORANGE)
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = read_picture(file_of(picture, exif=exif))
    assert turned.getpixel((7, 3)) == ORANGE


def test_a_hundred_megapixels_are_refused_by_the_header_alone() -> None:
    content = header_only(12_000, 9_000)
    assert len(content) < 500
    with raises_saying(BadInputError, match="12,000 x 9,000 pixels; at most 64,000,000"):
        read_picture(content)
    with raises_saying(BadInputError, match="more than 64,000,000 pixels"):
        read_picture(header_only(60_000, 60_000))
    assert MOST_PIXELS == 64_000_000


@pytest.mark.parametrize("size", [(20_100, 100), (1, 201), (30_000_000, 2)])
def test_strips_that_no_model_could_take_are_refused_by_the_header(size: tuple[int, int]) -> None:
    with raises_saying(BadInputError, match="200 times the other"):
        read_picture(header_only(*size))


def test_moving_pictures_are_refused() -> None:
    frames = [Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (0, 120, 250)]
    content = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with raises_saying(BadInputError, match="moves"):
        read_picture(content)


@pytest.mark.parametrize("content", [b"", b"no picture", b"%PDF-1.7 ", b"P6 2 2 255 aaaaaaaaaaaa"])
def test_what_is_no_picture_of_a_known_form_is_refused(content: bytes) -> None:
    with raises_saying(BadInputError, match="no picture of a form"):
        read_picture(content)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP"])
def test_a_picture_that_was_cut_off_is_refused(form: str) -> None:
    whole = file_of(Image.effect_noise((64, 64), 90).convert("RGB"), form)
    for end in (len(whole) // 4, len(whole) // 2):
        with pytest.raises(BadInputError):
            read_picture(whole[:end])


def test_sixteen_bits_a_colour_are_refused_instead_of_clipped() -> None:
    deep = Image.fromarray(np.full((4, 4), 30_000, np.uint16))
    with raises_saying(BadInputError, match="eight bits"):
        read_picture(file_of(deep))


def test_a_file_that_is_too_large_is_not_looked_at() -> None:
    with raises_saying(BadInputError, match="larger than 32 MiB"):
        read_picture(bytes(MOST_PICTURE_BYTES + 1))
