"""Reading an entry's fields with their types checked: a journal comes from outside, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.errors import LedgerError

Fields = Mapping[str, Any]


def text(fields: Fields, name: str) -> str:
    """Return a text field. Raises `LedgerError`, as all functions here do."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise LedgerError("entry.field_not_text", field=name)
    return value


def integer(fields: Fields, name: str) -> int:
    """Return an integer that is not negative."""
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise LedgerError("entry.field_not_whole", field=name)
    return value


def amount(fields: Fields, name: str) -> int:
    """Return an amount in micro-credits: decimal digits in a string."""
    value = fields.get(name)
    if not isinstance(value, str) or not (value.isascii() and value.isdecimal()):
        raise LedgerError("entry.field_not_amount", field=name)
    return int(value)


def flag(fields: Fields, name: str) -> bool:
    """Return a truth value."""
    value = fields.get(name)
    if not isinstance(value, bool):
        raise LedgerError("entry.field_not_truth", field=name)
    return value


def octets(fields: Fields, name: str, length: int) -> bytes:
    """Return bytes of a known length, hexadecimal in the journal."""
    try:
        value = bytes.fromhex(text(fields, name))
    except ValueError:
        raise LedgerError("entry.field_not_hexadecimal", field=name) from None
    if len(value) != length:
        raise LedgerError("entry.field_of_other_length", field=name, length=length)
    return value


def number(fields: Fields, name: str) -> float:
    """Return a number of whatever size; the journal holds its digits as text."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise LedgerError("entry.field_not_number", field=name)
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise LedgerError("entry.field_not_number", field=name) from None


def share_of_one(fields: Fields, name: str) -> float:
    """Return a number from 0 to 1; the journal holds its digits as text."""
    try:
        value = float(text(fields, name))
    except ValueError:
        raise LedgerError("entry.field_not_number", field=name) from None
    if not 0 <= value <= 1:
        raise LedgerError("entry.field_not_share", field=name)
    return value


def records(fields: Fields, name: str) -> Sequence[Fields]:
    """Return a list of objects."""
    value = fields.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise LedgerError("entry.field_not_records", field=name)
    return value


def record(fields: Fields, name: str) -> Fields:
    """Return an object."""
    value = fields.get(name)
    if not isinstance(value, dict):
        raise LedgerError("entry.field_not_record", field=name)
    return value
