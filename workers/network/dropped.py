"""What is dropped of what comes in: told once of each sender, counted, and no more memory."""

from __future__ import annotations

from collections import Counter
from typing import Final

from workers.log import log

MAXIMUM_SENDERS: Final = 256
"""How many are told apart; whoever comes after them is counted among all others."""
_OTHERS: Final = "others"


class DroppedMessages:
    """Counts by sender; the first of a sender and sort is logged, and each count at the end."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._told: set[tuple[str, str]] = set()

    def note(self, sender: str, sort: str, why: str) -> None:
        """Count one; `sort` is one of a few words of ours, `why` is what is logged."""
        known = sender in self.counts or len(self.counts) < MAXIMUM_SENDERS
        name = sender if known else _OTHERS
        self.counts[name] += 1
        if (name, sort) not in self._told:
            self._told.add((name, sort))
            log(f"dropped a message of {name}: {why}; no more of this sort is logged")

    def tell(self) -> None:
        """Log how many there were of each sender."""
        for sender, count in self.counts.items():
            log(f"{count} messages of {sender} were dropped")
