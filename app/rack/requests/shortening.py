"""Leaving out the oldest turns of a conversation that the context has no room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from app.core.conversation import ChatMessage, Conversation, Speaker

PARTS = 4
"""A turn goes with all others of its quarter of the room, so that the next questions keep the same
beginning, whose rows phones still have."""


@dataclass(frozen=True)
class Shortened:
    """What is left of a conversation, its tokens, and how many turns are not in it."""

    conversation: Conversation
    tokens: tuple[int, ...]
    turns_left_out: int


def shortened(
    conversation: Conversation,
    encode: Callable[[Conversation], tuple[int, ...]],
    length: Callable[[str], int],
    most: int,
) -> Shortened:
    """Leave out so many of the oldest turns that the rest has at most so many tokens.

    The last turn always stays, and all that the system says before the first. `encode` renders a
    conversation; `length` is how many tokens a text has by itself.
    """
    left, tokens = conversation, encode(conversation)
    head, turns = _parts(conversation)
    part = max(most // PARTS, 1)
    out, parts_out = 0, -(-(len(tokens) - most) // part)
    while len(tokens) > most and out < len(turns) - 1:
        out = _turns_of(turns, parts_out * part, length)
        left = (*head, *(message for turn in turns[out:] for message in turn))
        tokens = encode(left)
        parts_out += 1
    return Shortened(left, tokens, out)


def _parts(conversation: Conversation) -> tuple[Conversation, list[Conversation]]:
    """Return what the system says first, and the turns: a user's message and what follows it."""
    head = tuple(takewhile(lambda each: each.speaker is Speaker.SYSTEM, conversation))
    turns: list[Conversation] = []
    for message in conversation[len(head) :]:
        if message.speaker is Speaker.USER or not turns:
            turns.append((message,))
        else:
            turns[-1] = (*turns[-1], message)
    return head, turns


def _turns_of(
    turns: Sequence[Sequence[ChatMessage]], tokens: int, length: Callable[[str], int]
) -> int:
    """Return how many of the oldest turns have so many tokens together; never all of them."""
    out = 0
    while tokens > 0 and out < len(turns) - 1:
        tokens -= sum(length(message.text) for message in turns[out])
        out += 1
    return out
