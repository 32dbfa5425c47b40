"""The oldest turns go, a part of the room at a time; never the system's words, nor the question."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.core.conversation import ChatMessage, Conversation, Speaker
from app.rack.requests.shortening import PARTS, shortened

lengths = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=30)


def encode(conversation: Conversation) -> tuple[int, ...]:
    """Return a token a character, with two around each message."""
    return tuple(ord(sign) for each in conversation for sign in f"<{each.text}>")


def said(system: str, turns: list[tuple[int, int]]) -> Conversation:
    """Return a conversation whose messages all differ in their signs."""
    messages = [ChatMessage(Speaker.SYSTEM, system)] if system else []
    for number, (asked, answered) in enumerate(turns):
        sign = chr(1000 + number)
        messages.append(ChatMessage(Speaker.USER, sign * asked))
        messages.append(ChatMessage(Speaker.ASSISTANT, sign * answered))
    return (*messages, ChatMessage(Speaker.USER, "now"))


@given(st.text(max_size=5), lengths, st.integers(-5, 400))
def test_what_is_left_is_the_systems_words_and_the_newest_turns(
    system: str, turns: list[tuple[int, int]], most: int
) -> None:
    whole = said(system, turns)
    left = shortened(whole, encode, len, most)
    head = 1 if system else 0
    assert left.tokens == encode((*whole[:head], *whole[head + 2 * left.turns_left_out :]))
    if len(encode(whole)) <= most:
        assert left.turns_left_out == 0
    else:
        assert len(left.tokens) <= most or left.turns_left_out == len(turns)


@given(st.lists(st.just((9, 9)), min_size=30, max_size=30))
def test_the_beginning_stays_the_same_for_a_part_of_the_room(turns: list[tuple[int, int]]) -> None:
    most, per_turn = 200, 22
    outs = [shortened(said("s", turns[:n]), encode, len, most).turns_left_out for n in range(30)]
    assert outs == sorted(outs)
    changes = sum(one != other for one, other in pairwise(outs))
    assert changes <= 30 * per_turn // (most // PARTS) + 1
    assert changes < max(outs)
