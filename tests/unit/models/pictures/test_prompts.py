"""What stands for pictures in a text, and where their rows go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.core.errors import BadInputError
from app.core.model import Eyes, Sight
from app.models.pictures.cutting import Squares, rows_of, squares_of
from app.models.pictures.prompts import placed, spelled_out, with_marks
from tests.saying import raises_saying

EYES = Eyes(Sight.IDEFICS, 9, "<image>", "<image>", 4, 768, 192, 32, 8, 2, 128, splits=True)


def squares(lines: int, columns: int) -> Squares:
    count = lines * columns + 1
    return Squares(np.zeros((count, EYES.rows, EYES.row_width), np.uint8), lines, columns)


def test_a_picture_in_squares_is_told_line_by_line_and_then_whole() -> None:
    told = spelled_out("a <image> b", [squares(1, 2)], EYES)
    row, around = "<image>" * 4, "<fake_token_around_image>"
    assert told == (
        f"a {around}<row_1_col_1>{row}{around}<row_1_col_2>{row}\n"
        f"\n{around}<global-img>{row}{around} b"
    )
    assert spelled_out("<image>", [squares(0, 0)], EYES) == (f"{around}<global-img>{row}{around}")


def test_a_prompt_without_marks_begins_with_its_pictures() -> None:
    assert with_marks("what?", 2, EYES) == "<image><image>what?"
    assert with_marks("what is <image>?", 1, EYES) == "what is <image>?"


@pytest.mark.parametrize("text", ["none", "<image> and <image>"])
def test_as_many_marks_as_pictures_are_wanted(text: str) -> None:
    with raises_saying(BadInputError, match="but 1 pictures came"):
        spelled_out(text, [squares(0, 0)], EYES)


@settings(max_examples=30)
@given(st.lists(st.sampled_from([3, None]), max_size=12))
def test_rows_stand_where_their_tokens_do(parts: list[int | None]) -> None:
    tokens = [token for part in parts for token in ([part] if part else [9] * 4)]
    count = parts.count(None)
    pictures = [squares(0, 0)] * count
    starts = [at for at, _ in placed(tokens, pictures, EYES)]
    assert len(starts) == count
    assert all(tokens[at : at + 4] == [9] * 4 for at in starts)
    with raises_saying(BadInputError, match="places"):
        placed(tokens, [*pictures, squares(0, 0)], EYES)


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_place_with_too_few_tokens_is_refused(missing: int) -> None:
    with raises_saying(BadInputError, match="not of 4 tokens"):
        placed([1, *[9] * (4 - missing), 2], [squares(0, 0)], EYES)


def test_a_row_holds_the_patches_of_a_small_square_by_colours() -> None:
    pixels = np.arange(32 * 32 * 3, dtype=np.uint32).reshape(32, 32, 3).astype(np.uint8)
    rows = rows_of([Image.fromarray(pixels)], EYES)[0]
    below = rows[2].reshape(2, 2, 3, 8, 8)
    assert np.array_equal(below[1, 0], pixels[24:32, 0:8].transpose(2, 0, 1))
    assert np.array_equal(below[0, 1], pixels[16:24, 8:16].transpose(2, 0, 1))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700))
def test_every_form_of_picture_comes_in_whole_squares(width: int, height: int) -> None:
    found = squares_of(Image.new("RGB", (width, height)), replace(EYES, edge_pixels=96))
    assert len(found.rows) == found.lines * found.columns + 1
    assert max(found.lines, found.columns) in (0, 3)
