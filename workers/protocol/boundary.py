"""The form in which hidden states cross from one phone to the next."""

from __future__ import annotations

from enum import StrEnum


class Boundary(StrEnum):
    """`F16` halves the bytes on every link and keeps about three decimal digits."""

    F32 = "f4"
    F16 = "f2"

    @property
    def value_bytes(self) -> int:
        """Bytes of one number."""
        return 4 if self is Boundary.F32 else 2
