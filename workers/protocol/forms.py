"""How a field's type is read from what msgpack gives and written back, made once for each type.

Dataclasses are maps, named tuples and fixed tuples lists of that length, other tuples lists of
any length that `Items` allows, text enumerations their texts. What carries a bound is checked by
it both ways. A type without a bound is refused when the form is made, at import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from operator import call
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from workers.protocol.bounds import Check, FieldError, Form, Items, OneOf, read_fields, write_fields


class UnboundedFieldError(TypeError):
    """A message was declared with a field of this type, which says not how much it may hold."""


def form_of(annotation: Any) -> Form:  # noqa: ANN401 - a type, of whatever make
    """Return the form of a type. Raises `UnboundedFieldError` for one without bounds."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _bounded(*arguments)
    if origin in (Union, UnionType):
        (inner,) = [each for each in arguments if each is not NoneType]
        return _nullable(form_of(inner))
    if origin is tuple:
        return _row([f"[{place}]" for place in range(len(arguments))], arguments, tuple)
    if annotation is bool:
        return Form(_flag, _flag, "true or false")
    if isinstance(annotation, type):
        return _form_of_class(annotation)
    raise UnboundedFieldError(annotation)


def _form_of_class(annotation: type) -> Form:
    if issubclass(annotation, StrEnum):
        return _choice(annotation)
    if issubclass(annotation, tuple):
        hints = get_type_hints(annotation, include_extras=True)
        return _row([*hints], [*hints.values()], annotation._make)  # type: ignore[attr-defined]
    if is_dataclass(annotation):
        return _group(annotation)
    raise UnboundedFieldError(annotation)


def field_forms(message: type) -> dict[str, Form]:
    """Return the form of each field of a dataclass, save `tensors`, in order."""
    hints = get_type_hints(message, include_extras=True)
    names = [each.name for each in fields(message) if each.name != "tensors"]
    return {name: form_of(hints[name]) for name in names}


def _bounded(base: Any, bound: Any) -> Form:  # noqa: ANN401
    if isinstance(bound, Items):
        item, _ = get_args(base)
        return _list(form_of(item), bound)
    check = bound.check()
    return Form(check, check, bound.words)


def _flag(value: object) -> bool:
    if value is True or value is False:
        return value
    raise FieldError("field.no_flag")


def _nullable(form: Form) -> Form:
    read, write, words = form

    def read_it(value: object) -> object:
        return None if value is None else read(value)

    def write_it(value: object) -> object:
        return None if value is None else write(value)

    return Form(read_it, write_it, f"{words}; or null")


def _choice(enumeration: type[StrEnum]) -> Form:
    texts = OneOf(tuple(enumeration))
    check = texts.check()

    def read(value: object) -> StrEnum:
        return enumeration(check(value))

    def write(value: object) -> str:
        if isinstance(value, enumeration):
            return value.value
        raise texts.refusal()

    return Form(read, write, texts.words)


def _list(item: Form, items: Items) -> Form:
    low, high, (read_item, write_item, words) = items.minimum, items.maximum, item

    def read(value: object) -> tuple[Any, ...]:
        if type(value) is not list or not low <= len(value) <= high:
            raise FieldError("field.no_list", low=low, high=high)
        try:
            return tuple(map(read_item, value))
        except FieldError:
            raise _first_wrong([read_item] * len(value), value) from None

    def write(value: object) -> list[Any]:
        if not isinstance(value, tuple) or not low <= len(value) <= high:
            raise FieldError("field.no_list", low=low, high=high)
        try:
            return list(map(write_item, value))
        except FieldError:
            raise _first_wrong([write_item] * len(value), value) from None

    return Form(read, write, f"list of {low} to {high:,}: {words}")


def _row(names: Sequence[str], types: Sequence[Any], make: Callable[[Iterable[Any]], Any]) -> Form:
    """Return the form of a list whose places have each a meaning."""
    forms = [form_of(each) for each in types]
    reads, writes = [form.read for form in forms], [form.write for form in forms]
    count: Final = len(forms)

    def read(value: object) -> object:
        if type(value) is not list or len(value) != count:
            raise FieldError("field.no_row", count=count)
        try:
            return make(map(call, reads, value))
        except FieldError:
            raise _first_wrong(reads, value, names) from None

    def write(value: object) -> list[Any]:
        if not isinstance(value, tuple) or len(value) != count:
            raise FieldError("field.no_row", count=count)
        try:
            return list(map(call, writes, value))
        except FieldError:
            raise _first_wrong(writes, value, names) from None

    told = [
        form.words if name.startswith("[") else f"{name} ({form.words})"
        for name, form in zip(names, forms, strict=True)
    ]
    return Form(read, write, f"[{', '.join(told)}]")


def _group(message: type) -> Form:
    forms = field_forms(message)

    def read(value: object) -> object:
        if type(value) is not dict:
            raise FieldError("field.no_map")
        return message(*read_fields(forms, value))

    def write(value: object) -> dict[str, Any]:
        if type(value) is not message:
            raise FieldError("field.of_another_class", wanted=message.__name__)
        return write_fields(forms, value)

    told = ", ".join(f"{name} ({form.words})" for name, form in forms.items())
    return Form(read, write, f"{{{told}}}")


def _first_wrong(
    checks: Sequence[Check], values: Sequence[Any], names: Sequence[str] = ()
) -> FieldError:
    """Return why the first value that is not allowed is not."""
    for place, (check, value) in enumerate(zip(checks, values, strict=True)):
        try:
            check(value)
        except FieldError as error:
            return error.inside(names[place] if names else f"[{place}]")
    raise AssertionError
