"""What is told to people before it is words: a code and its fields. `app.words` makes sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

FieldValue: TypeAlias = "str | int | float | Enum | Fact | tuple[FieldValue, ...]"
"""A name, an amount in the unit of its field's name, a state, another fact, or several of them."""


@dataclass(frozen=True, slots=True, init=False)
class Fact:
    """Something that is or that happened.

    The code, such as `model.unknown`, is a key of `app.words.sentences`; it never changes, so that
    programs may go by it. Compares by value and may be sent between threads.
    """

    code: str
    fields: tuple[tuple[str, FieldValue], ...]

    def __init__(self, code: str, /, **fields: FieldValue) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "fields", tuple(fields.items()))

    def but(self, **fields: FieldValue) -> Fact:
        """Return the same with other values in some fields, such as a name for a serial."""
        return Fact(self.code, **{**dict(self.fields), **fields})

    def mentions(self, what: str | Fact) -> bool:
        """Tell whether a field, or one of a fact among them, is this fact or has this text."""
        return any(_mentions(value, what) for _, value in self.fields)

    def mentions_code(self, code: str) -> bool:
        """Tell whether this, or a fact among its fields, has that code."""
        values = (value for _, value in self.fields)
        return self.code == code or any(
            value.mentions_code(code) for value in values if isinstance(value, Fact)
        )

    def __str__(self) -> str:
        """Return it as developers read it in a log."""
        told = ", ".join(f"{name}={_told(value)}" for name, value in self.fields)
        return f"{self.code}({told})" if told else self.code


def _mentions(value: FieldValue, what: str | Fact) -> bool:
    match value:
        case Fact():
            return value == what or value.mentions(what)
        case tuple():
            return any(_mentions(each, what) for each in value)
        case str():
            return isinstance(what, str) and what in value
        case _:
            return False


def _told(value: FieldValue) -> str:
    return str(value) if isinstance(value, Fact | Enum) else repr(value)
