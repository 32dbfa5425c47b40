"""Fields of a fact in a sentence: amounts with their unit, states and other facts in words."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from app.core.audit_outcome import DutyOutcome
from app.core.device import DeviceState
from app.core.facts import Fact, FieldValue
from app.core.model import ModelTask
from app.core.tasks import TaskKind
from app.core.units import format_bytes, format_duration, significant
from app.faults.catalogue import FaultKind
from app.placement.problem import Objective
from app.rack.snapshot import Phase, RequestState
from app.words.abilities import ability_words, task_verb
from app.words.faults import fault_description, fault_word
from app.words.states import (
    chain_word,
    clauses,
    credits_words,
    duty_word,
    joined_by_and,
    joined_by_or,
    listed,
    objective_word,
    phase_word,
    request_state_word,
    state_word,
    together,
)
from workers.protocol.chain import ChainName

Speak = Callable[[Fact], str]
_UNITS: Final[Mapping[str, Callable[[Any], str]]] = {
    "bytes": format_bytes,
    "seconds": format_duration,
    "figure": significant,
    "credits": credits_words,
    "description": fault_description,
}
"""What may stand behind the colon of a field beside Python's own forms."""
_JOINED: Final[Mapping[str, Callable[[Iterable[str]], str]]] = {
    "and": joined_by_and,
    "or": joined_by_or,
    "clauses": clauses,
}
"""How the facts of a field that holds several are set apart, other than as names are."""
_SENTENCES: Final = "sentences"
"""Sets them apart as sentences, each with what helps."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
"""What a name or a phone's own words may not bring into a line."""
_END: Final = "\x00"
"""Stands behind a sentence within another until both are whole; no value can hold it."""
_INNER_STOP: Final = re.compile(f"[.。]{_END}+(?=[^\\w\\s{_END}])|{_END}")
"""The full stop of a sentence within another, where the other goes on with a sign of its own."""


def fill_in(
    template: str,
    fields: Mapping[str, FieldValue],
    speak: Speak,
    speak_in_full: Speak | None = None,
) -> str:
    """Return a template with its fields filled in; `speak` says facts among them.

    `{size:bytes}`, `{time:seconds}` and `{rate:figure}` bring their unit or three digits,
    `{task:begin}` a capital letter; `{facts:sentences}` are said by `speak_in_full`, which brings
    what helps with each. Raises `KeyError` where the fact lacks a field.
    """
    filler = _Filler(speak, speak_in_full or speak)
    return _INNER_STOP.sub("", filler.vformat(template, (), fields)).rstrip()


class _Filler(string.Formatter):
    """Fills in fields by name alone: a value is never looked into."""

    def __init__(self, speak: Speak, speak_in_full: Speak) -> None:
        self._speak = speak
        self._speak_in_full = speak_in_full

    def get_field(
        self, field_name: str, _args: Sequence[object], kwargs: Mapping[str, FieldValue]
    ) -> tuple[FieldValue, str]:
        return kwargs[field_name], field_name

    def format_field(self, value: FieldValue, format_spec: str) -> str:
        if format_spec in _UNITS:
            return _UNITS[format_spec](value)
        if format_spec == _SENTENCES and isinstance(value, tuple):
            return together(*map(self._sentence, value))
        if format_spec in _JOINED and isinstance(value, tuple):
            return _JOINED[format_spec](map(self._told, value))
        if format_spec == "begin":
            told = self._told(value)
            return told[:1].upper() + told[1:]
        if format_spec:
            return format(value, format_spec)
        return self._told(value)

    def _sentence(self, value: FieldValue) -> str:
        return self._speak_in_full(value) if isinstance(value, Fact) else self._told(value)

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
        case ChainName():
            return chain_word(value)
        case FaultKind():
            return fault_word(value)
        case Objective():
            return objective_word(value)
        case ModelTask():
            return ability_words(value)
        case DutyOutcome():
            return duty_word(value)
        case Phase():
            return phase_word(value).lower()
        case RequestState():
            return request_state_word(value)
        case TaskKind():
            return task_verb(value)
        case _:
            return str(value.value)
