"""Fields of a file that may hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text_in(held: Mapping[str, Any], name: str) -> str:
    """Return a text that can be encoded. Raises `KeyError`, `TypeError` or `ValueError`."""
    value = held[name]
    if not isinstance(value, str):
        raise TypeError
    value.encode()
    return value


def list_in(held: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list. Raises `KeyError`, `TypeError` or `ValueError`."""
    value = held[name]
    if not isinstance(value, list):
        raise TypeError
    return value


def count_in(held: Mapping[str, Any], name: str, most: int) -> int:
    """Return a whole number up to the most. Raises `KeyError`, `TypeError` or `ValueError`."""
    return whole_number(held[name], most)


def whole_number(value: object, most: int) -> int:
    """Return a value that is one. Raises `KeyError`, `TypeError` or `ValueError`."""
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError
    return value


def figure_in(held: Mapping[str, Any], name: str) -> float | None:
    """Return a figure, or None. Raises `KeyError`, `TypeError` or `ValueError`."""
    value = held[name]
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < 1e9:
        raise ValueError
    return float(value)
