"""What slots of ended transactions still hold, so that later ones may begin with their rows.

The rows themselves stay where they are, in the slot's cache; what is kept besides is the transcript
of how they came about, which whoever resumes signs for again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from workers.identity.transcript import Transcript

MOST_BYTES: Final = 64 << 20
"""Inputs of all kept transcripts; the least recently used are forgotten first."""

Place = tuple[str, int]
"""A span's id and a slot of it."""


class KeptRows(NamedTuple):
    """The transaction that filled a slot, and its first steps."""

    transaction: str
    transcript: Transcript


class KeptSlots:
    """By place, the least recently used first. Used by the main thread only."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: dict[Place, KeptRows] = {}

    def keep(self, place: Place, rows: KeptRows) -> None:
        """Keep what a slot holds now; others are forgotten where together it would be too much."""
        self._kept.pop(place, None)
        self._kept[place] = rows
        while self.size_bytes > self._most_bytes:
            self.forget(next(iter(self._kept)))

    def find(self, place: Place, transaction: str) -> Transcript | None:
        """Return the steps in a slot, if they are still that transaction's."""
        rows = self._kept.get(place)
        if rows is None or rows.transaction != transaction:
            return None
        self.keep(place, rows)
        return rows.transcript

    def forget(self, place: Place) -> None:
        """Forget what a slot holds; nothing changes where that is nothing."""
        self._kept.pop(place, None)

    def forget_span(self, span: str) -> None:
        """Forget what all slots of a span hold."""
        for place in [place for place in self._kept if place[0] == span]:
            self.forget(place)

    def clear(self) -> None:
        """Forget everything, to give its memory back."""
        self._kept.clear()

    @property
    def size_bytes(self) -> int:
        """Memory that the kept inputs take."""
        return sum(rows.transcript.size_bytes for rows in self._kept.values())
