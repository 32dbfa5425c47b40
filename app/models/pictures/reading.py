"""From the bytes of a file to the colours of its pixels: what is too large is never decoded."""

from __future__ import annotations

import io
import warnings
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from app.core.conversation import MOST_PICTURE_BYTES
from app.core.errors import BadInputError, reason_of

MOST_PICTURES: Final = 16
"""Of one request."""
MOST_BYTES: Final = 48 << 20
"""Of all their files together."""
FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MOST_PIXELS: Final = 64_000_000
"""Decoded they take 192 MB; phones take pictures of 50 million."""
LONGEST_OVER_SHORTEST: Final = 200
"""A longer strip has no pixel left of its width, or takes gigabytes once that has the model's."""
_MODES: Final = frozenset(("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"))
"""Of eight bits a colour."""
_WHITE: Final = (255, 255, 255, 255)


def read_picture(content: bytes) -> Image.Image:
    """Return a picture upright and in three colours, on white where one could see through it.

    Raises `BadInputError` for what is no picture of one of the forms, damaged, animated or too
    large; the size is known from the header, before anything is decoded.
    """
    if len(content) > MOST_PICTURE_BYTES:
        raise BadInputError("picture.file_too_large", most_mib=MOST_PICTURE_BYTES >> 20)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
                _check(opened)
                opened.load()
                return _plain(ImageOps.exif_transpose(opened))
    except Image.DecompressionBombError:
        raise BadInputError("picture.too_many_pixels", most=MOST_PIXELS) from None
    except UnidentifiedImageError:
        raise BadInputError("picture.none", known=FORMATS) from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise BadInputError("picture.damaged", reason=reason_of(error)) from error


def _check(opened: Image.Image) -> None:
    width, height = opened.size
    if width * height > MOST_PIXELS:
        raise BadInputError(
            "picture.too_many_pixels_of", width=width, height=height, most=MOST_PIXELS
        )
    if max(width, height) > LONGEST_OVER_SHORTEST * min(width, height):
        raise BadInputError(
            "picture.too_narrow", width=width, height=height, most=LONGEST_OVER_SHORTEST
        )
    if getattr(opened, "n_frames", 1) > 1:
        raise BadInputError("picture.animated")
    if opened.mode not in _MODES:
        raise BadInputError("picture.odd_colours", mode=opened.mode)


def _plain(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and picture.info.get("transparency") is None:
        return picture.convert("RGB")
    seen_through = picture.convert("RGBA")
    ground = Image.new("RGBA", seen_through.size, _WHITE)
    return Image.alpha_composite(ground, seen_through).convert("RGB")


def check_count(files: tuple[bytes, ...]) -> None:
    """Raise `BadInputError` for more pictures, or more bytes of them, than one request may have."""
    if len(files) > MOST_PICTURES:
        raise BadInputError("picture.too_many", most=MOST_PICTURES)
    if sum(map(len, files)) > MOST_BYTES:
        raise BadInputError("picture.files_too_large", most_mib=MOST_BYTES >> 20)
