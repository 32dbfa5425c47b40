"""Reading what a JSON object from outside holds, field by field, each with its type checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Final, Protocol, TypeGuard, TypeVar

from app.core.facts import FieldValue

Fields = Mapping[str, Any]
LARGEST_WHOLE: Final = (1 << 53) - 1
"""The largest whole number that every reader of JSON keeps exactly."""
_Value = TypeVar("_Value")


class JsonKind(Enum):
    """What a field was to be and is not."""

    TEXT = auto()
    TEXTS = auto()
    TRUTH = auto()
    WHOLE = auto()
    HEXADECIMAL = auto()
    OTHER_LENGTH = auto()
    RECORD = auto()
    RECORDS = auto()


class Misfit(Protocol):
    """Makes the error for a field; `field` is its name, `length` how many bytes were wanted."""

    def __call__(self, wanted: JsonKind, /, **told: FieldValue) -> Exception:
        """Return what is to be raised."""
        ...


class FieldReader:
    """Reads fields of any object; what does not fit raises the error that its owner makes of it."""

    def __init__(self, misfit: Misfit) -> None:
        self._misfit = misfit

    def text(self, fields: Fields, name: str) -> str:
        """Return a text."""
        return self._checked(fields, name, JsonKind.TEXT, _is_text)

    def texts(self, fields: Fields, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(self._checked(fields, name, JsonKind.TEXTS, _are_texts))

    def flag(self, fields: Fields, name: str) -> bool:
        """Return a truth value."""
        return self._checked(fields, name, JsonKind.TRUTH, _is_flag)

    def whole_number(self, fields: Fields, name: str) -> int:
        """Return a number that is whole, not negative and at most `LARGEST_WHOLE`."""
        return self._checked(fields, name, JsonKind.WHOLE, _is_whole)

    def whole_numbers(self, fields: Fields, name: str) -> tuple[int, ...]:
        """Return a list of such numbers."""
        return tuple(self._checked(fields, name, JsonKind.WHOLE, _are_whole))

    def record(self, fields: Fields, name: str) -> Fields:
        """Return an object."""
        return self._checked(fields, name, JsonKind.RECORD, _is_record)

    def records(self, fields: Fields, name: str) -> Sequence[Fields]:
        """Return a list of objects."""
        return self._checked(fields, name, JsonKind.RECORDS, _are_records)

    def octets(self, fields: Fields, name: str, length: int | None = None) -> bytes:
        """Return bytes, hexadecimal in the file; of a known length where one is given."""
        try:
            value = bytes.fromhex(self.text(fields, name))
        except ValueError:
            raise self._misfit(JsonKind.HEXADECIMAL, field=name) from None
        if length is not None and len(value) != length:
            raise self._misfit(JsonKind.OTHER_LENGTH, field=name, length=length)
        return value

    def _checked(
        self,
        fields: Fields,
        name: str,
        wanted: JsonKind,
        fits: Callable[[object], TypeGuard[_Value]],
    ) -> _Value:
        value = fields.get(name)
        if not fits(value):
            raise self._misfit(wanted, field=name)
        return value


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _is_flag(value: object) -> TypeGuard[bool]:
    return isinstance(value, bool)


def _is_whole(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= LARGEST_WHOLE


def _are_whole(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(map(_is_whole, value))


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_record(value: object) -> TypeGuard[Fields]:
    return isinstance(value, dict)


def _are_records(value: object) -> TypeGuard[list[Fields]]:
    return isinstance(value, list) and all(map(_is_record, value))
