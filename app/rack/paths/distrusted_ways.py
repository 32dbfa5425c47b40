"""Ways between two phones of which one is wrong, or what lies between them: nobody can tell."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from app.core.device import LinkProfile
from app.core.identifiers import Serial
from app.ledger.rules.phones.distrust import standing_by

Way = tuple[Serial, Serial]
"""Sender and receiver."""
AS_IF: Final = LinkProfile(latency_s=5.0, bytes_per_second=1e3)
"""What a planner takes such a way for: slower than any other."""


class DistrustedWays:
    """Those not to be used again until the operator trusts them. Lives on the service loop.

    Nobody is blamed for one. Who has trouble with three different neighbours stands by.
    """

    def __init__(self) -> None:
        self._ways: set[Way] = set()

    def __contains__(self, way: object) -> bool:
        return way in self._ways

    def add(self, way: Way) -> None:
        """Do not use a way again."""
        self._ways.add(way)

    def among(self, serials: set[Serial]) -> list[Way]:
        """Return those between these phones."""
        return [way for way in self._ways if serials.issuperset(way)]

    def of_ring(self, ring: Sequence[Serial]) -> list[Way]:
        """Return those that a ring's steps would take, the way back to the first left aside."""
        return [way for way in pairwise(ring) if way in self._ways]

    @property
    def standing_by(self) -> frozenset[Serial]:
        """Those with whom too many different neighbours had trouble."""
        return frozenset(map(Serial, standing_by(self._ways)))

    def forget(self) -> None:
        """Trust all of them again."""
        self._ways.clear()
