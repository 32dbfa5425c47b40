"""How many workers a rack runs at a time; phones beyond that stand by, with everything on them."""

from __future__ import annotations

from app.core.identifiers import Serial


class WorkerQuota:
    """Places for workers, taken in the order of asking. Lives on the service loop."""

    def __init__(self, limit: int | None = None) -> None:
        """None is as many as there are phones."""
        self._limit = limit
        self._taken: set[Serial] = set()

    def take(self, serial: Serial) -> bool:
        """Take a place for a phone's worker; tell whether the phone has one now."""
        if self._limit is None or len(self._taken) < self._limit:
            self._taken.add(serial)
        return serial in self._taken

    def give_back(self, serial: Serial) -> None:
        """Leave the place of a phone that has lost its worker to another."""
        self._taken.discard(serial)
