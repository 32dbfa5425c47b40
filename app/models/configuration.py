"""Fields of a checkpoint's `config.json`, each checked as it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from app.core.errors import BadInputError, reason_of

MAXIMUM_FILE_BYTES = 16 << 20
MAXIMUM_DIMENSION = 1 << 24
MAXIMUM_NUMBER = 1e30
_SHOWN_CHARACTERS = 100


def shown(value: object) -> str:
    """Return a value of a file as an error tells it: cut where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


class Configuration:
    """A checked view of a JSON object. Every reader raises `BadInputError` on a wrong value."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    @classmethod
    def from_file(cls, path: Path) -> Configuration:
        """Read a JSON object. Raises `BadInputError` where the file holds anything else."""
        try:
            if path.stat().st_size > MAXIMUM_FILE_BYTES:
                raise BadInputError("configuration.too_large", file=path.name)
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise BadInputError(
                "file.unreadable", path=str(path), reason=reason_of(error)
            ) from error
        if not isinstance(values, dict):
            raise BadInputError("configuration.not_an_object", file=path.name)
        return cls(values)

    def dimension(
        self, name: str, default: int | None = None, maximum: int = MAXIMUM_DIMENSION
    ) -> int:
        """Return a positive size; null counts as absent."""
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= maximum:
            raise BadInputError("configuration.not_a_size", field=name, value=shown(value))
        return value

    def first_of(self, *names: str) -> str:
        """Return the first of the names that has a value: fields were renamed over the years.

        Where none has, it is the last, so that reading it tells what lacks.
        """
        return next((name for name in names if self.values.get(name) is not None), names[-1])

    def number(self, name: str, default: float | None = None) -> float:
        """Return a positive finite number."""
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadInputError("configuration.not_a_number", field=name, value=shown(value))
        if not 0 < value < MAXIMUM_NUMBER:
            raise BadInputError("configuration.not_positive", field=name, value=shown(value))
        return float(value)

    def numbers(self, name: str) -> tuple[float, ...]:
        """Return a list of positive finite numbers."""
        values = self._value(name, None)
        if not isinstance(values, list):
            raise BadInputError("configuration.not_a_list", field=name)
        return tuple(Configuration({name: value}).number(name) for value in values)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value."""
        value = self._value(name, default)
        if not isinstance(value, bool):
            raise BadInputError("configuration.not_a_flag", field=name, value=shown(value))
        return value

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text."""
        value = self._value(name, default)
        if not isinstance(value, str):
            raise BadInputError("configuration.not_a_text", field=name, value=shown(value))
        return value

    def tokens(self, name: str) -> tuple[int, ...]:
        """Return the token ids of a field that holds one, several or none."""
        value = self.values.get(name)
        listed = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(token, int) and token >= 0 for token in listed):
            raise BadInputError("configuration.not_a_token", field=name, value=shown(value))
        return tuple(listed)

    def section(self, name: str) -> Configuration | None:
        """Return a nested object, or None where it is absent."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise BadInputError("configuration.not_a_section", field=name)
        return Configuration(value)

    def _value(self, name: str, default: object) -> object:
        value = self.values.get(name)
        if value is not None:
            return value
        if default is None:
            raise BadInputError("configuration.field_lacking", field=name)
        return default
