"""Fields of a fact in a sentence: amounts with their unit, states and other facts in words."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from app.core.device import DeviceState
from app.core.facts import Fact, FieldValue
from app.core.units import format_bytes, format_duration, significant
from app.faults.catalogue import FaultKind
from app.placement.problem import Objective
from app.words.faults import fault_word
from app.words.states import listed, objective_word, state_word

Speak = Callable[[Fact], str]
_UNITS: Final[Mapping[str, Callable[[Any], str]]] = {
    "bytes": format_bytes,
    "seconds": format_duration,
    "figure": significant,
}
"""What may stand behind the colon of a field beside Python's own forms."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
"""What a name or a phone's own words may not bring into a line."""
_END: Final = "\x00"
"""Stands behind a sentence within another until both are whole; no value can hold it."""
_DOUBLED: Final = re.compile(f"(?<=[.。]){_END}[.。]|{_END}")
"""The full stop of the outer sentence where the inner one brought its own."""


def fill_in(template: str, fields: Mapping[str, FieldValue], speak: Speak) -> str:
    """Return a template with its fields filled in; `speak` says facts among them.

    `{size:bytes}`, `{time:seconds}` and `{rate:figure}` bring their unit or three digits. Raises
    `KeyError` where the fact lacks a field.
    """
    return _DOUBLED.sub("", _Filler(speak).vformat(template, (), fields))


class _Filler(string.Formatter):
    """Fills in fields by name alone: a value is never looked into."""

    def __init__(self, speak: Speak) -> None:
        self._speak = speak

    def get_field(
        self, field_name: str, _args: Sequence[object], kwargs: Mapping[str, FieldValue]
    ) -> tuple[FieldValue, str]:
        return kwargs[field_name], field_name

    def format_field(self, value: FieldValue, format_spec: str) -> str:
        if format_spec in _UNITS:
            return _UNITS[format_spec](value)
        if format_spec:
            return format(value, format_spec)
        return self._told(value)

    def _told(self, value: FieldValue) -> str:
        match value:
            case Fact():
                return self._speak(value) + _END
            case tuple():
                return listed(map(self._told, value))
            case Enum():
                return enum_word(value)
            case float():
                return significant(value)
            case _:
                return _CONTROL.sub(" ", str(value))


def enum_word(value: Enum) -> str:
    """Return a member of an enum in words; one that is a name of its own is its value."""
    match value:
        case DeviceState():
            return state_word(value)
        case FaultKind():
            return fault_word(value)
        case Objective():
            return objective_word(value)
        case _:
            return str(value.value)
