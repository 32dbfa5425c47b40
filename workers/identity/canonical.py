"""RFC 8785 text, by the standard library's encoder where it makes the same: that is quick."""

from __future__ import annotations

import json
from typing import Any, Final

import rfc8785

EXACT_INTEGER_LIMIT: Final = 2**53 - 1
"""The largest integer that JSON carries without rounding it."""
_MOST_DIGITS: Final = len(str(EXACT_INTEGER_LIMIT))


class _NotPlainError(ValueError):
    """JSON with a number that is not such an integer."""


def canonical_text(value: object) -> str:
    """Return the canonical JSON of objects, dataclasses, lists, texts and exact integers.

    Keys are texts. Raises `ValueError` for what is not JSON, for floats and for larger integers.
    """
    _require_exact(value)
    return plain_text(value)


def read_json(text: str) -> tuple[Any, bool]:
    """Return what JSON says, and whether all its numbers are exact integers.

    Raises `ValueError`, `RecursionError`.
    """
    try:
        return _PLAIN.decode(text), True
    except _NotPlainError:
        return json.loads(text), False


def is_canonical(text: str, value: object, *, plain: bool) -> bool:
    """Tell whether a text is the canonical form of what it says (`read_json`).

    Raises `ValueError` for what has none.
    """
    return text == (plain_text(value) if plain else rfc8785.dumps(value).decode())  # type: ignore[arg-type]


def plain_text(value: object) -> str:
    """Return the canonical JSON of what has no numbers but exact integers.

    Where it is ASCII both encoders agree: keys are in one order, and little is escaped.
    """
    text = _ENCODER.encode(value)
    return text if text.isascii() else rfc8785.dumps(json.loads(text)).decode()


def _require_exact(value: object) -> None:
    if isinstance(value, str) or value is None:
        return
    if isinstance(value, (int, float)):
        if isinstance(value, float) or abs(value) > EXACT_INTEGER_LIMIT:
            raise ValueError(value)
        return
    if not isinstance(value, (list, tuple)):
        value = (value if isinstance(value, dict) else vars(value)).values()
    for each in value:
        _require_exact(each)


def _exact_integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS + 1 or abs(number := int(digits)) > EXACT_INTEGER_LIMIT:
        raise _NotPlainError
    return number


def _no_integer(_text: str) -> None:
    raise _NotPlainError


_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, default=vars
)
_PLAIN: Final = json.JSONDecoder(
    parse_int=_exact_integer, parse_float=_no_integer, parse_constant=_no_integer
)
