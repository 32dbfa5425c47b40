"""Reading what a record holds, each field within its bounds: such files come from outside."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from app.core.errors import BadInputError
from workers.protocol.bounds import FieldError, Form, Integer, Items, Text, TokenId, read_fields

MOST_NUMBERS: Final = 1 << 24
AnyText = Annotated[str, Text(0, 1 << 28)]
ExactInteger = Annotated[int, Integer(0, (1 << 53) - 1)]
"""What JSON carries without rounding it."""
TokenIds = Annotated[tuple[TokenId, ...], Items(MOST_NUMBERS)]


def json_object(data: bytes) -> dict[str, Any]:
    """Return a JSON object. Raises `BadInputError`."""
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise BadInputError("proof.no_json") from None
    if not isinstance(content, dict):
        raise BadInputError("proof.no_json")
    return content


def read_written(forms: dict[str, Form], data: bytes) -> list[Any]:
    """Return the fields of a JSON object, in the order of the forms.

    Raises `BadInputError` naming the first that is missing, too much or out of its bounds.
    """
    try:
        return read_fields(forms, json_object(data))
    except FieldError as error:
        raise BadInputError("proof.odd_field", field=error.field) from None
