"""What a type of ours looks like in msgpack, and back, checked: made once for each type.

Dataclasses are lists of their fields, enums their values; of several types of a union it is said
which. Both ends are one version of this program (`messages.Welcome`), so that no field has a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    NamedTuple,
    NewType,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from app.core.audit_outcome import DutyOutcome
from app.core.device import DeviceState
from app.core.errors import ShardloomError
from app.core.facts import Fact, FieldValue
from app.core.model import ModelTask
from app.core.tasks import TaskKind
from app.faults.catalogue import FaultKind
from app.placement.problem import Objective
from app.rack.snapshot import Phase, RequestState
from workers.errors import WireError
from workers.protocol.chain import ChainName

Known = TypeVar("Known")
_MISFITS: Final = (
    ArithmeticError,
    LookupError,
    RecursionError,
    ShardloomError,
    TypeError,
    ValueError,
    WireError,
)
"""What reading, or a type that checks its own fields, raises for what does not fit."""
_PLAIN: Final = (bool, int, str, bytes)
_SPOKEN: Final[Mapping[str, type[Enum]]] = {
    each.__name__: each
    for each in (
        DeviceState,
        ChainName,
        FaultKind,
        Objective,
        ModelTask,
        DutyOutcome,
        Phase,
        RequestState,
        TaskKind,
    )
}
"""The enums that have words of their own in a fact; others are said by their value."""


class UnreadableError(ValueError):
    """What came is not what it has to be."""


class ValueForm(NamedTuple):
    """Both ways of one type. Reading raises `UnreadableError`, or what the type itself raises."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def write_as(annotation: Any, value: object) -> object:  # noqa: ANN401 - a type of any make
    """Return what msgpack takes for a value of that type."""
    return value_form(annotation).write(value)


def read_as(annotation: type[Known], given: object) -> Known:
    """Return what msgpack gave as a value of that type. Raises `UnreadableError`."""
    try:
        return cast(Known, value_form(cast(Any, annotation)).read(given))
    except UnreadableError:
        raise
    except _MISFITS as error:
        raise UnreadableError(type(error).__name__) from None


@cache
def value_form(annotation: Any) -> ValueForm:  # noqa: ANN401 - a type of any make
    """Return the form of a type. Raises `TypeError` for one that has none."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _union(arguments)
    if origin in (tuple, frozenset):
        return _several(origin, arguments)
    if origin is Mapping:
        return _mapping(*arguments)
    if isinstance(annotation, NewType):
        return value_form(annotation.__supertype__)
    if annotation is Fact:
        return ValueForm(_write_fact, _read_fact)
    if annotation is float:
        return ValueForm(float, _number)
    if annotation in (*_PLAIN, NoneType):
        return _as_it_is(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ValueForm(lambda member: member.value, annotation)
    if is_dataclass(annotation):
        return _record(cast(type, annotation))
    raise TypeError(annotation)


def _as_it_is(kind: type) -> ValueForm:
    def read(given: object) -> object:
        if type(given) is not kind:
            raise UnreadableError(kind.__name__)
        return given

    return ValueForm(lambda value: value if value is None else kind(value), read)


def _number(given: object) -> float:
    if type(given) not in (int, float):
        raise UnreadableError("number")
    return float(cast(float, given))


def _union(members: tuple[Any, ...]) -> ValueForm:
    others = [each for each in members if each is not NoneType]
    inner = value_form(others[0]) if len(others) == 1 else _either(others)
    if len(others) == len(members):
        return inner
    return ValueForm(
        lambda value: None if value is None else inner.write(value),
        lambda given: None if given is None else inner.read(given),
    )


def _either(members: list[Any]) -> ValueForm:
    forms = [value_form(each) for each in members]
    kinds = [get_origin(each) or each for each in members]

    def write(value: object) -> object:
        place = next(at for at, kind in enumerate(kinds) if isinstance(value, kind))
        return [place, forms[place].write(value)]

    def read(given: object) -> object:
        place, value = _list(given, 2)
        if type(place) is not int or not 0 <= place < len(forms):
            raise UnreadableError("member")
        return forms[place].read(value)

    return ValueForm(write, read)


def _several(make: Callable[[Any], Any], members: tuple[Any, ...]) -> ValueForm:
    if make is frozenset or members[-1] is Ellipsis:
        item = value_form(members[0])
        return ValueForm(
            lambda value: list(map(item.write, value)),
            lambda given: make(map(item.read, _list(given))),
        )
    forms = [value_form(each) for each in members]

    def write(value: tuple[object, ...]) -> object:
        return [form.write(each) for form, each in zip(forms, value, strict=True)]

    def read(given: object) -> object:
        values = _list(given, len(forms))
        return make(form.read(each) for form, each in zip(forms, values, strict=True))

    return ValueForm(write, read)


def _mapping(key: Any, value: Any) -> ValueForm:  # noqa: ANN401 - types of any make
    """Return the form of a mapping: its pairs, no key twice."""
    pairs = value_form(tuple[tuple[key, value], ...])

    def read(given: object) -> object:
        read_pairs = pairs.read(given)
        found = dict(read_pairs)
        if len(found) != len(read_pairs):
            raise UnreadableError("key")
        return found

    return ValueForm(lambda held: pairs.write(tuple(held.items())), read)


def _record(kind: type) -> ValueForm:
    """Return the form of a dataclass; those of its fields are made when first needed."""
    names = [each.name for each in fields(kind)]

    @cache
    def forms() -> list[ValueForm]:
        hints = get_type_hints(kind)
        return [value_form(hints[name]) for name in names]

    def write(value: object) -> object:
        if type(value) is not kind:
            raise TypeError(kind.__name__)
        return [form.write(getattr(value, name)) for form, name in zip(forms(), names, strict=True)]

    def read(given: object) -> object:
        values = _list(given, len(names))
        return kind(*(form.read(each) for form, each in zip(forms(), values, strict=True)))

    return ValueForm(write, read)


def _list(given: object, length: int | None = None) -> list[Any]:
    if type(given) is not list or length not in (None, len(given)):
        raise UnreadableError("list")
    return given


def _write_fact(fact: Fact) -> object:
    return [fact.code, [[name, _write_field(value)] for name, value in fact.fields]]


def _read_fact(given: object) -> Fact:
    code, told = _list(given, 2)
    values = dict(_list(each, 2) for each in _list(told))
    if not all(isinstance(each, str) for each in (code, *values)):
        raise UnreadableError("fact")
    return Fact(code, **{name: _read_field(value) for name, value in values.items()})


def _write_field(value: FieldValue) -> object:
    match value:
        case Fact():
            return {"fact": _write_fact(value)}
        case Enum():
            spoken = type(value).__name__ in _SPOKEN
            return {type(value).__name__: value.value} if spoken else str(value.value)
        case tuple():
            return [_write_field(each) for each in value]
        case str():
            return str(value)
        case _:
            return value


def _read_field(given: object) -> FieldValue:
    match given:
        case list():
            return tuple(_read_field(each) for each in given)
        case dict():
            ((kind, value),) = given.items()
            return _read_fact(value) if kind == "fact" else _SPOKEN[kind](value)
        case str() | int() | float():
            return given
        case _:
            raise UnreadableError("field")
