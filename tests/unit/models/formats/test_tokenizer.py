from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.models.formats.tokenizer import TextTokenizer
from tests.unit.models.support import tokenizer


@cache
def text_tokenizer() -> TextTokenizer:
    return TextTokenizer(tokenizer())


@settings(deadline=None)
@given(text=st.text())
def test_text_survives_the_round_trip_and_starts_with_the_begin_token(text: str) -> None:
    tokens = text_tokenizer().encode(text)
    assert tokens[0] == 0
    if "<s>" not in text and "</s>" not in text:
        assert text_tokenizer().decode(tokens) == text


@pytest.mark.parametrize("special", [0, 1])
def test_special_tokens_give_no_text(special: int) -> None:
    assert text_tokenizer().decode([special]) == ""
