"""Reading what a proof or a record holds, types checked: such files come from outside."""

from __future__ import annotations

import json
from typing import Any, Final

from app.core.errors import BadInputError
from app.core.facts import FieldValue
from app.core.reading.json_fields import FieldReader, Fields, JsonKind

__all__ = [
    "Fields",
    "flag",
    "json_object",
    "octets",
    "record",
    "records",
    "text",
    "whole_number",
    "whole_numbers",
]


def json_object(data: bytes) -> Fields:
    """Return a JSON object. Raises `BadInputError`, as all that read a field do."""
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise BadInputError("proof.no_json") from None
    if not isinstance(content, dict):
        raise BadInputError("proof.no_json")
    return content


def _misfit(_wanted: JsonKind, /, **told: FieldValue) -> BadInputError:
    return BadInputError("proof.odd_field", field=told["field"])


_READER: Final = FieldReader(_misfit)
text = _READER.text
flag = _READER.flag
whole_number = _READER.whole_number
whole_numbers = _READER.whole_numbers
record = _READER.record
records = _READER.records
octets = _READER.octets
