from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_support import tokenizer

from app.models.tokenizer import StreamDecoder, TextTokenizer

TOKENS = st.lists(st.integers(0, 299), max_size=200)


@cache
def text_tokenizer() -> TextTokenizer:
    return TextTokenizer(tokenizer())


def streamed(tokens: list[int]) -> list[str]:
    decoder = StreamDecoder(text_tokenizer())
    return [*(decoder.push(token) for token in tokens), decoder.finish()]


@settings(deadline=None)
@given(text=st.text())
def test_text_survives_the_round_trip_and_starts_with_the_begin_token(text: str) -> None:
    tokens = text_tokenizer().encode(text)
    assert tokens[0] == 0
    if "<s>" not in text and "</s>" not in text:
        assert text_tokenizer().decode(tokens) == text


@settings(deadline=None)
@given(tokens=TOKENS)
def test_increments_join_to_the_decoding_of_the_whole(tokens: list[int]) -> None:
    assert "".join(streamed(tokens)) == text_tokenizer().decode(tokens)


@settings(deadline=None)
@given(text=st.text(min_size=1, max_size=300))
def test_no_increment_shows_half_a_character(text: str) -> None:
    tokens = text_tokenizer().encode(text)
    if "\ufffd" not in text:
        assert not any("\ufffd" in increment for increment in streamed(tokens))


def test_text_comes_as_soon_as_its_characters_are_whole() -> None:
    tokens = text_tokenizer().encode("aé🙂b")[1:]
    increments = streamed(tokens)
    assert len(tokens) > 4
    assert [increment for increment in increments if increment] == ["a", "é", "🙂", "b"]
    assert increments[-1] == ""


@pytest.mark.parametrize("special", [0, 1])
def test_special_tokens_give_no_text(special: int) -> None:
    assert streamed([special]) == ["", ""]
