"""What receipts were found to say, kept for a while: each is asked several times.

Reading is pure, so that whoever read a text first, this process or one that checked its signature,
spares the next one.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final, Generic, TypeVar

_Value = TypeVar("_Value")
MOST_KEPT: Final = 4096


class RecentReadings(Generic[_Value]):
    """The newest readings by text. Any thread may add and ask."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[str, _Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, text: str) -> _Value | None:
        """Return what a text says, None where that is not known here."""
        return self._kept.get(text)

    def put(self, text: str, reading: _Value) -> None:
        """Remember what a text says; the oldest is forgotten where there are too many."""
        with self._lock:
            self._kept[text] = reading
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
