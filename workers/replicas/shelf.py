"""What a phone keeps of one signer, bounded: the newest records, and what contradicts itself.

What is kept is a function of all that ever came, whichever way and order it came: two phones that
exchanged everything keep the same. A signer that signs without end pushes out its own records and
nobody else's.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from dataclasses import dataclass
from heapq import nsmallest
from typing import Final

from workers.replicas.digest_tree import DigestTree
from workers.replicas.records import SignedRecord

MOST_NUMBERS: Final = 2_048
"""Of so many of a signer's numbers, the highest ones, records are kept."""
MOST_OF_A_NUMBER: Final = 2
"""Two prove the lie; a third says no more."""
MOST_CONFLICTS: Final = 8
"""Contradictions of a signer that are kept when its newer records push all else out."""


@dataclass(frozen=True, order=True)
class KeptRecord:
    """What is remembered of a record whose bytes lie on the disk."""

    number: tuple[int, int]
    """Kind and number."""
    digest: bytes
    opening: str
    content: bytes

    @classmethod
    def of(cls, record: SignedRecord) -> KeptRecord:
        """Return what is remembered of a record."""
        return cls(record.number, record.digest, record.opening, record.content)


class Shelf:
    """The records of one signer."""

    def __init__(self) -> None:
        self.tree = DigestTree()
        self._by_digest: dict[bytes, KeptRecord] = {}
        self._by_number: dict[tuple[int, int], list[bytes]] = {}
        self._numbers: list[tuple[int, int]] = []
        self._by_opening: defaultdict[str, list[bytes]] = defaultdict(list)
        self._conflicts: list[tuple[bytes, bytes]] = []

    def __contains__(self, digest: bytes) -> bool:
        """Tell whether a record is kept."""
        return digest in self._by_digest

    def __len__(self) -> int:
        """Return how many records are kept."""
        return len(self._by_digest)

    @property
    def digests(self) -> tuple[bytes, ...]:
        """All records, the oldest number first."""
        return tuple(digest for number in self._numbers for digest in self._by_number[number])

    @property
    def conflicts(self) -> tuple[tuple[bytes, bytes], ...]:
        """Pairs of records that contradict each other; at most `MOST_CONFLICTS`."""
        return tuple(self._conflicts)

    def order(self, digest: bytes) -> tuple[tuple[int, int], bytes]:
        """Return by what records are sorted, so that what contradicts itself goes together."""
        return self._by_digest[digest].number, digest

    def take(self, record: SignedRecord) -> list[bytes]:
        """Take in a record that is not kept; return those that are no longer, itself perhaps."""
        kept = KeptRecord.of(record)
        found = self._conflicts_of(record)
        self._put(kept)
        self._conflicts = nsmallest(MOST_CONFLICTS, {*self._conflicts, *found})
        return self._over(kept.number)

    def drop(self, digest: bytes) -> None:
        """Keep a record no longer."""
        kept = self._by_digest.pop(digest)
        self.tree.remove(digest)
        same = self._by_number[kept.number]
        same.remove(digest)
        if not same:
            del self._by_number[kept.number]
            self._numbers.remove(kept.number)
        if kept.opening:
            self._by_opening[kept.opening].remove(digest)
            if not self._by_opening[kept.opening]:
                del self._by_opening[kept.opening]
        self._conflicts = [pair for pair in self._conflicts if digest not in pair]

    def _put(self, kept: KeptRecord) -> None:
        self._by_digest[kept.digest] = kept
        self.tree.add(kept.digest)
        if kept.number not in self._by_number:
            self._by_number[kept.number] = []
            insort(self._numbers, kept.number)
        insort(self._by_number[kept.number], kept.digest)
        if kept.opening:
            insort(self._by_opening[kept.opening], kept.digest)

    def _conflicts_of(self, record: SignedRecord) -> set[tuple[bytes, bytes]]:
        rivals = [self._by_digest[each] for each in self._by_number.get(record.number, [])]
        for digest in self._by_opening.get(record.opening, []) if record.opening else []:
            other = self._by_digest[digest]
            if other.content != record.content:
                rivals.append(other)
        return {
            (min(record.digest, each.digest), max(record.digest, each.digest)) for each in rivals
        }

    def _over(self, number: tuple[int, int]) -> list[bytes]:
        """Drop what is beyond the bounds after a record of that number came; return it."""
        dropped = self._by_number[number][MOST_OF_A_NUMBER:]
        protected = {digest for pair in self._conflicts for digest in pair}
        surplus = max(len(self._numbers) - MOST_NUMBERS, 0)
        for old in self._numbers[:surplus]:
            dropped += [each for each in self._by_number[old] if each not in protected]
        dropped = list(dict.fromkeys(dropped))
        for digest in dropped:
            self.drop(digest)
        return dropped
