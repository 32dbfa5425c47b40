"""Reading what a proof or a record holds, types checked: such files come from outside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.core.errors import BadInputError

Fields = Mapping[str, Any]
_LARGEST: Final = (1 << 53) - 1


def json_object(data: bytes) -> Fields:
    """Return a JSON object. Raises `BadInputError`, as all functions here do."""
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise BadInputError("proof.no_json") from None
    if not isinstance(content, dict):
        raise BadInputError("proof.no_json")
    return content


def text(fields: Fields, name: str) -> str:
    """Return a text."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise BadInputError("proof.odd_field", field=name)
    return value


def flag(fields: Fields, name: str) -> bool:
    """Return a truth value."""
    value = fields.get(name)
    if not isinstance(value, bool):
        raise BadInputError("proof.odd_field", field=name)
    return value


def whole_number(fields: Fields, name: str) -> int:
    """Return a number that is whole and not negative."""
    value = fields.get(name)
    if not _is_whole(value):
        raise BadInputError("proof.odd_field", field=name)
    return int(fields[name])


def whole_numbers(fields: Fields, name: str) -> tuple[int, ...]:
    """Return a list of such numbers."""
    value = fields.get(name)
    if not isinstance(value, list) or not all(map(_is_whole, value)):
        raise BadInputError("proof.odd_field", field=name)
    return tuple(value)


def record(fields: Fields, name: str) -> Fields:
    """Return an object."""
    value = fields.get(name)
    if not isinstance(value, dict):
        raise BadInputError("proof.odd_field", field=name)
    return value


def records(fields: Fields, name: str) -> Sequence[Fields]:
    """Return a list of objects."""
    value = fields.get(name)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise BadInputError("proof.odd_field", field=name)
    return value


def octets(fields: Fields, name: str, length: int | None = None) -> bytes:
    """Return bytes, hexadecimal in the file."""
    try:
        value = bytes.fromhex(text(fields, name))
    except ValueError:
        raise BadInputError("proof.odd_field", field=name) from None
    if length is not None and len(value) != length:
        raise BadInputError("proof.odd_field", field=name)
    return value


def _is_whole(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST
