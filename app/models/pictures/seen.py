"""The pictures of a request: read, cut, and what phones sign of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from app.core.errors import BadInputError
from app.core.model import Eyes, ModelManifest
from app.models.pictures.cutting import Rows, Squares, squares_of
from app.models.pictures.prompts import placed, spelled_out
from app.models.pictures.reading import check_count, read_picture

_ONE_AT_A_TIME: Final = Lock()
"""A large picture takes a gigabyte while it is decoded: requests wait for each other."""


@dataclass(frozen=True)
class SeenPictures:
    """Pictures as a model takes them; none of a request without."""

    model: ModelManifest
    files: tuple[bytes, ...]
    squares: tuple[Squares, ...]

    def spelled_out(self, text: str) -> str:
        """Return a text with all that stands for the pictures. Raises `BadInputError`."""
        eyes = self.model.eyes
        return text if eyes is None else spelled_out(text, self.squares, eyes)

    def placed(self, tokens: Sequence[int]) -> tuple[tuple[int, Rows], ...]:
        """Return the rows of each square by where they stand. Raises `BadInputError`."""
        eyes = self.model.eyes
        return () if eyes is None else placed(tokens, self.squares, eyes)


def see(model: ModelManifest, files: tuple[bytes, ...]) -> SeenPictures:
    """Read and cut the pictures of a request. Blocking.

    Raises `BadInputError` for a model that does not see, and for what is no usable picture.
    """
    if not files:
        return SeenPictures(model, (), ())
    if model.eyes is None:
        raise BadInputError("model.sees_nothing", model=model.name)
    check_count(files)
    squares = tuple(_squares_of(each, model.eyes) for each in files)
    return SeenPictures(model, files, squares)


def _squares_of(file: bytes, eyes: Eyes) -> Squares:
    with _ONE_AT_A_TIME:
        return squares_of(read_picture(file), eyes)
