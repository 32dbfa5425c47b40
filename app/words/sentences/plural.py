"""A key of the catalogues whose form depends on a number."""

from __future__ import annotations

from dataclasses import dataclass

from app.words.catalogue import Message


@dataclass(frozen=True, slots=True)
class Plural:
    """Both English forms, and the field that decides between them."""

    one: Message
    many: Message
    by: str


def plural(one: str, many: str, by: str = "count") -> Plural:
    """Mark words for translation that are said later, in the plural form for a field."""
    return Plural(Message(one), Message(many), by)
