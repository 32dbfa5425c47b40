"""From a picture to the squares that a model takes, and to the rows of these: as it was trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.core.model import Eyes, Sight

_COLOURS: Final = 3
_MOST_PIXELS: Final = 4096
"""Along an edge, whatever is asked for (Idefics3)."""
Rows = NDArray[np.uint8]


@dataclass(frozen=True)
class Squares:
    """The squares of one picture: `[squares, rows, numbers]`; the last shows all of it.

    `lines` and `columns` tell how the others lie; both are 0 where there are no others.
    """

    rows: Rows
    lines: int = 0
    columns: int = 0


def squares_of(picture: Image.Image, eyes: Eyes) -> Squares:
    """Return a picture of three colours as a model takes it."""
    match eyes.sight:
        case Sight.IDEFICS:
            return _in_squares(picture, eyes)
        case Sight.STRETCHED:
            return Squares(rows_of([_resized(picture, eyes.pixels, eyes.pixels, eyes)], eyes))
        case Sight.SQUARE:
            return Squares(rows_of([_middle(picture, eyes)], eyes))
        case _:
            assert_never(eyes.sight)


def rows_of(squares: list[Image.Image], eyes: Eyes) -> Rows:
    """Return squares as rows: the patches that become one row, in lines, each by its colours."""
    patch, group = eyes.patch_pixels, eyes.group
    along = eyes.pixels // patch
    seen = along * patch
    made = []
    for square in squares:
        pixels = np.asarray(square, np.uint8)[:seen, :seen]
        shape = (along // group, group, patch, along // group, group, patch, _COLOURS)
        places = pixels.reshape(shape).transpose(0, 3, 1, 4, 6, 2, 5)
        made.append(places.reshape(eyes.rows, eyes.row_width))
    return np.ascontiguousarray(np.stack(made))


def _in_squares(picture: Image.Image, eyes: Eyes) -> Squares:
    """Bring the longer edge to what the model wants, then cut (Idefics3, section 2.2)."""
    height, width = _longer_edge(picture.height, picture.width, eyes.edge_pixels)
    picture = _resized(picture, height, width, eyes)
    edge = eyes.pixels
    if not eyes.splits:
        return Squares(rows_of([_resized(picture, edge, edge, eyes)], eyes))
    height, width = _whole_squares(height, width, edge)
    picture = _resized(picture, height, width, eyes)
    if height <= edge and width <= edge:
        return Squares(rows_of([picture], eyes))
    lines, columns = height // edge, width // edge
    squares = [
        picture.crop((column * edge, line * edge, (column + 1) * edge, (line + 1) * edge))
        for line in range(lines)
        for column in range(columns)
    ]
    squares.append(_resized(picture, edge, edge, eyes))
    return Squares(rows_of(squares, eyes), lines, columns)


def _longer_edge(height: int, width: int, longest: int) -> tuple[int, int]:
    """Return the sizes with the longer edge as long as that, the other one even."""
    form = width / height
    if width >= height:
        height, width = int(longest / form), longest
        height += height % 2
    else:
        height, width = longest, int(longest * form)
        width += width % 2
    return _within(max(height, 1), max(width, 1))


def _within(height: int, width: int) -> tuple[int, int]:
    form = width / height
    if width >= height and width > _MOST_PIXELS:
        return max(int(_MOST_PIXELS / form), 1), _MOST_PIXELS
    if height > width and height > _MOST_PIXELS:
        return _MOST_PIXELS, max(int(_MOST_PIXELS * form), 1)
    return height, width


def _whole_squares(height: int, width: int, edge: int) -> tuple[int, int]:
    """Return the sizes with both edges of whole squares, the longer one first."""
    form = width / height
    if width >= height:
        width = math.ceil(width / edge) * edge
        return math.ceil(int(width / form) / edge) * edge, width
    height = math.ceil(height / edge) * edge
    return height, math.ceil(int(height * form) / edge) * edge


def _middle(picture: Image.Image, eyes: Eyes) -> Image.Image:
    """Bring the shorter edge to the square's and take the middle (CLIP)."""
    short, long = sorted((picture.height, picture.width))
    edge = eyes.edge_pixels
    longer = int(edge * long / short)
    upright = picture.width <= picture.height
    height, width = (longer, edge) if upright else (edge, longer)
    picture = _resized(picture, height, width, eyes)
    left, top = (width - eyes.pixels) // 2, (height - eyes.pixels) // 2
    return picture.crop((left, top, left + eyes.pixels, top + eyes.pixels))


def _resized(picture: Image.Image, height: int, width: int, eyes: Eyes) -> Image.Image:
    return picture.resize((width, height), Image.Resampling(eyes.resample))
