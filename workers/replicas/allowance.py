"""How much one phone may make another do and say: a bucket for each that fills as time goes by."""

from __future__ import annotations

from typing import Final

BYTES_PER_SECOND: Final = 256 << 10
MOST_BYTES: Final = 4 << 20
CHECK_BYTES: Final = 512
"""What checking a signature counts as."""


class Allowances:
    """One bucket for each phone; who has used up its own is not listened to for a while."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def may(self, phone: str, now_s: float) -> bool:
        """Tell whether a phone is listened to now."""
        left, at_s = self._left.get(phone, (float(MOST_BYTES), now_s))
        left = min(left + (now_s - at_s) * BYTES_PER_SECOND, float(MOST_BYTES))
        self._left[phone] = left, now_s
        return left > 0

    def charge(self, phone: str, size_bytes: int) -> None:
        """Take that much from a phone's bucket; one that was forgotten meanwhile has none."""
        if phone in self._left:
            left, at_s = self._left[phone]
            self._left[phone] = left - size_bytes, at_s

    def keep_only(self, phones: frozenset[str]) -> None:
        """Forget the buckets of all others."""
        self._left = {phone: left for phone, left in self._left.items() if phone in phones}
