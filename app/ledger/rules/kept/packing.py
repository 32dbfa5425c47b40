"""Frozen dataclasses as JSON and back, every field checked on the way in."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from app.core.errors import LedgerError

_Value = TypeVar("_Value")
_CONFIG: Final = ConfigDict(
    extra="forbid", ser_json_bytes="hex", val_json_bytes="hex", ser_json_inf_nan="constants"
)


class Packing(Generic[_Value]):
    """Writes and reads values of one dataclass."""

    def __init__(self, kind: type[_Value]) -> None:
        # a dataclass alone takes no configuration; one in a tuple does
        self._adapter = TypeAdapter[tuple[_Value]](
            tuple[kind],  # type: ignore[valid-type,arg-type]
            config=_CONFIG,
        )

    def packed(self, value: _Value) -> bytes:
        """Return a value as JSON."""
        return self._adapter.dump_json((value,))

    def unpacked(self, content: bytes) -> _Value:
        """Return what JSON says. Raises `LedgerError` where it is not such a value."""
        try:
            return self._adapter.validate_json(content)[0]
        except ValidationError:
            raise LedgerError("snapshot.unreadable") from None
