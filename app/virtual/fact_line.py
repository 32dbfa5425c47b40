"""A fact as one line between a virtual phone's process and whoever started it."""

from __future__ import annotations

import json

from app.core.facts import Fact, FieldValue


def line_of(fact: Fact) -> str:
    """Return the fact as one line of JSON; a state becomes its value."""
    return json.dumps(_table(fact))


def fact_of(line: str) -> Fact | None:
    """Return the fact that a line tells, None where it tells none."""
    try:
        return _fact(json.loads(line))
    except (ValueError, RecursionError):
        return None


def _table(fact: Fact) -> dict[str, object]:
    return {"code": fact.code, "fields": {name: _told(value) for name, value in fact.fields}}


def _told(value: FieldValue) -> object:
    if isinstance(value, Fact):
        return _table(value)
    return [_told(each) for each in value] if isinstance(value, tuple) else value


def _fact(table: object) -> Fact:
    match table:
        case {"code": str(code), "fields": dict(fields)}:
            return Fact(code, **{str(name): _value(value) for name, value in fields.items()})
        case _:
            raise ValueError(table)


def _value(value: object) -> FieldValue:
    match value:
        case str() | int() | float():
            return value
        case list():
            return tuple(map(_value, value))
        case _:
            return _fact(value)
