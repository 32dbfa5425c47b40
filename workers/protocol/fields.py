"""Checked access to the fields of a message from outside."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from workers.errors import RequestRefusedError

_NAME_FORM = re.compile(rb"[0-9a-f]{64}")


def is_digest(text: object) -> bool:
    """Tell whether this is a SHA-256 in lower-case hexadecimal."""
    return isinstance(text, str) and bool(_NAME_FORM.fullmatch(text.encode()))


MAXIMUM_TEXT = 256


class Fields:
    """A message's fields; each method raises `RequestRefusedError` naming a field that is wrong."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        """Return a non-empty text of at most 256 characters."""
        value = self.values.get(name)
        if isinstance(value, str) and 0 < len(value) <= MAXIMUM_TEXT:
            return value
        raise _wrong(name)

    def text_or_none(self, name: str) -> str | None:
        """Return a text, or None where it is null."""
        if name in self.values and self.values[name] is None:
            return None
        return self.text(name)

    def digest(self, name: str) -> str:
        """Return a SHA-256 in hexadecimal."""
        value = self.text(name)
        if is_digest(value):
            return value
        raise _wrong(name)

    def integer(self, name: str, minimum: int, maximum: int) -> int:
        """Return a whole number within both bounds."""
        value = self.values.get(name)
        if type(value) is int and minimum <= value <= maximum:
            return value
        raise _wrong(name)

    def number(self, name: str, minimum: float, maximum: float) -> float:
        """Return a finite number within both bounds."""
        value: Any = self.values.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and math.isfinite(value) and minimum <= value <= maximum:
            return float(value)
        raise _wrong(name)

    def flag(self, name: str) -> bool:
        """Return a truth value."""
        value = self.values.get(name)
        if isinstance(value, bool):
            return value
        raise _wrong(name)

    def binary(self, name: str, size_bytes: int) -> bytes:
        """Return bytes of exactly that length."""
        value = self.values.get(name)
        if isinstance(value, bytes) and len(value) == size_bytes:
            return value
        raise _wrong(name)

    def items(self, name: str) -> list[Any]:
        """Return a list."""
        value = self.values.get(name)
        if isinstance(value, list):
            return value
        raise _wrong(name)

    def group(self, name: str) -> Fields | None:
        """Return the fields of a nested map, or None where it is null."""
        value = self.values.get(name)
        if value is None and name in self.values:
            return None
        if isinstance(value, dict):
            return Fields(value)
        raise _wrong(name)


def _wrong(name: str) -> RequestRefusedError:
    return RequestRefusedError(f"field {name} is missing or malformed")
