"""What tokens add to a text, one by one, is the text: no character or stop text is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.assets import ASSETS
from app.models.formats.tokenizer import TextTokenizer
from app.rack.requests.request import cut_at_stop
from app.rack.requests.shown_text import ShownText

TOKENIZER = TextTokenizer.from_file(ASSETS / "demo_model" / "tokenizer.json")
TEXTS = st.text("abc earth. é€😀\n", min_size=1, max_size=60)
STOPS = st.lists(st.text("abe €", min_size=1, max_size=4), max_size=3).map(tuple)


def parts(shown: ShownText, tokens: list[int]) -> list[str]:
    return [shown.add(token, last=number == len(tokens)) for number, token in enumerate(tokens, 1)]


def up_to_stop(tokens: list[int], stop: tuple[str, ...]) -> list[int]:
    """Return the tokens that a request takes: none after one that brings a stop text."""
    for count in range(1, len(tokens)):
        if any(each in TOKENIZER.decode(tokens[:count]) for each in stop):
            return tokens[:count]
    return tokens


@given(TEXTS, STOPS)
def test_all_parts_together_are_the_text_up_to_its_stop_text(
    text: str, stop: tuple[str, ...]
) -> None:
    tokens = up_to_stop(TOKENIZER.encode(text), stop)
    together = "".join(parts(ShownText(TOKENIZER, stop), tokens))
    assert together == cut_at_stop(TOKENIZER.decode(tokens), stop)


@given(TEXTS, STOPS, st.data())
def test_after_going_back_the_parts_go_on_as_if_nothing_had_been(
    text: str, stop: tuple[str, ...], data: st.DataObject
) -> None:
    tokens = TOKENIZER.encode(text)
    kept = data.draw(st.integers(0, len(tokens) - 1))
    undisturbed = parts(ShownText(TOKENIZER, stop), tokens)
    shown = ShownText(TOKENIZER, stop)
    for token in [*tokens[:kept], *data.draw(st.lists(st.integers(0, 2047), max_size=8))]:
        shown.add(token, last=False)
    shown.go_back_to(tokens[:kept])
    again = [
        shown.add(token, last=number == len(tokens))
        for number, token in enumerate(tokens[kept:], kept + 1)
    ]
    assert again == undisturbed[kept:]


@given(st.lists(st.integers(0, 2047), min_size=1, max_size=60))
def test_whatever_a_model_says_is_shown_to_its_end(tokens: list[int]) -> None:
    together = "".join(parts(ShownText(TOKENIZER, ()), tokens))
    replaced = "\N{REPLACEMENT CHARACTER}"
    assert together.replace(replaced, "") == TOKENIZER.decode(tokens).replace(replaced, "")


def test_a_character_of_several_tokens_comes_whole() -> None:
    tokens = TOKENIZER.encode("😀")
    assert len(tokens) > 1
    shown = parts(ShownText(TOKENIZER, ()), tokens)
    assert shown[-1].endswith("😀")
    assert "".join(shown[:-1]).strip() == ""


def test_without_a_tokenizer_the_ids_are_the_text() -> None:
    assert parts(ShownText(None, ()), [5, 6, 7]) == ["5", " 6", " 7"]
