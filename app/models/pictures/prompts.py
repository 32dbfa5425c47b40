"""What stands for pictures in a text: marks in words, and a token for each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from app.core.errors import BadInputError
from app.core.model import Eyes, Sight
from app.models.pictures.cutting import Rows, Squares

_AROUND: Final = "<fake_token_around_image>"
_WHOLE: Final = "<global-img>"
_PLACE: Final = "<row_{line}_col_{column}>"


def with_marks(text: str, pictures: int, eyes: Eyes) -> str:
    """Return a prompt with a mark for each picture: before it, where it has none of its own."""
    return text if eyes.mark in text else eyes.mark * pictures + text


def spelled_out(text: str, pictures: Sequence[Squares], eyes: Eyes) -> str:
    """Return a text with all that stands for each picture in place of its mark.

    Raises `BadInputError` where there are not as many marks as pictures.
    """
    before, *behind = text.split(eyes.mark)
    if len(behind) != len(pictures):
        raise BadInputError(
            "picture.marks", mark=eyes.mark, found=len(behind), pictures=len(pictures)
        )
    told = (_told(each, eyes) + rest for each, rest in zip(pictures, behind, strict=True))
    return before + "".join(told)


def placed(
    tokens: Sequence[int], pictures: Sequence[Squares], eyes: Eyes
) -> tuple[tuple[int, Rows], ...]:
    """Return where each square's rows stand among the tokens, `[1, rows, numbers]` each.

    Raises `BadInputError` where the tokens have other places for them.
    """
    squares = [each[None] for picture in pictures for each in picture.rows]
    starts = list(_starts(tokens, eyes))
    if len(starts) != len(squares):
        raise BadInputError(
            "picture.places", found=len(starts), squares=len(squares), rows=eyes.rows
        )
    return tuple(zip(starts, squares, strict=True))


def _starts(tokens: Sequence[int], eyes: Eyes) -> Iterator[int]:
    """Yield where rows of a square begin. Raises `BadInputError` where some are missing."""
    position = 0
    while position < len(tokens):
        if tokens[position] != eyes.token:
            position += 1
            continue
        if tuple(tokens[position : position + eyes.rows]) != (eyes.token,) * eyes.rows:
            raise BadInputError("picture.rows", rows=eyes.rows)
        yield position
        position += eyes.rows


def _told(picture: Squares, eyes: Eyes) -> str:
    rows = eyes.row_mark * eyes.rows
    match eyes.sight:
        case Sight.IDEFICS:
            return _idefics(picture, rows)
        case Sight.STRETCHED:
            return f"\n\n{eyes.mark}{rows}<end_of_image>\n\n"
        case Sight.SQUARE:
            return rows
        case _:
            assert_never(eyes.sight)


def _idefics(picture: Squares, rows: str) -> str:
    whole = f"{_AROUND}{_WHOLE}{rows}{_AROUND}"
    if not picture.lines:
        return whole
    lines = (
        "".join(
            _AROUND + _PLACE.format(line=line + 1, column=column + 1) + rows
            for column in range(picture.columns)
        )
        for line in range(picture.lines)
    )
    return "".join(line + "\n" for line in lines) + "\n" + whole
