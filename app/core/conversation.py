"""What a person and a model say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_PICTURE_BYTES: Final = 32 << 20
"""Of a picture's file."""


class Speaker(StrEnum):
    """Who says something, by the names that chat templates know."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True)
class ChatMessage:
    """One thing said."""

    speaker: Speaker
    text: str
    pictures: tuple[bytes, ...] = ()
    """Files, for a model that sees."""


class Overflow(StrEnum):
    """What becomes of a conversation that is longer than the context has room for."""

    REFUSE = "refuse"
    SHORTEN = "shorten"
    """The oldest turns are left out, never what the system says at the beginning."""


Conversation = tuple[ChatMessage, ...]
"""Messages in the order in which they were said."""


def question(
    text: str, system: str | None = None, pictures: tuple[bytes, ...] = ()
) -> Conversation:
    """Return a conversation of one user message, behind a system message where one is given."""
    before = () if system is None else (ChatMessage(Speaker.SYSTEM, system),)
    return (*before, ChatMessage(Speaker.USER, text, pictures))
