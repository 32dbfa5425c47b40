"""Who has still to acknowledge what: records that others should have and may not have yet.

A record is owed to each of its keepers until that one has said that it lies on its disk. It is
offered again after rests that grow, so that a phone out of reach costs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from workers.protocol.between_phones.replica_messages import MAXIMUM_NAMED

FIRST_REST_S: Final = 2.0
LONGEST_REST_S: Final = 16.0


@dataclass
class _Debt:
    """What is owed to one phone: what was offered longest ago, or never, in front."""

    signers: dict[bytes, bytes] = field(default_factory=dict)
    """Signer by digest."""
    due_s: float = 0.0
    rest_s: float = FIRST_REST_S

    def next_offers(self) -> list[tuple[bytes, tuple[bytes, ...]]]:
        """Return what to offer of each signer; next time it is the turn of what comes behind.

        So records that a phone never acknowledges keep no others from being offered.
        """
        by_signer: dict[bytes, list[bytes]] = {}
        for digest, signer in self.signers.items():
            some = by_signer.setdefault(signer, [])
            if len(some) < MAXIMUM_NAMED:
                some.append(digest)
        for signer, digests in by_signer.items():
            for digest in digests:
                del self.signers[digest]
                self.signers[digest] = signer
        return [(signer, tuple(digests)) for signer, digests in by_signer.items()]


class Debts:
    """Records owed, by the phone that is owed them."""

    def __init__(self) -> None:
        self._debts: dict[str, _Debt] = {}

    def __len__(self) -> int:
        """Return how many records are owed to anybody."""
        return len({digest for debt in self._debts.values() for digest in debt.signers})

    def owe(
        self, phone: str, digest: bytes, signer: bytes, now_s: float, *, sent: bool = True
    ) -> None:
        """Owe a record to a phone; one that was not `sent` is to be offered at once."""
        debt = self._debts.setdefault(phone, _Debt(due_s=now_s + FIRST_REST_S))
        debt.signers[digest] = signer
        if not sent:
            debt.due_s = min(debt.due_s, now_s)

    def settle(self, phone: str, digest: bytes) -> bool:
        """Owe a record to a phone no longer; tell whether it was owed."""
        debt = self._debts.get(phone)
        if debt is None or debt.signers.pop(digest, None) is None:
            return False
        if not debt.signers:
            del self._debts[phone]
        return True

    def forgive(self, digest: bytes) -> None:
        """Owe a record to nobody."""
        for phone in list(self._debts):
            self.settle(phone, digest)

    def clear(self) -> None:
        """Owe nothing."""
        self._debts.clear()

    def heard(self, phone: str, now_s: float) -> None:
        """Note that a phone is there: what was rested for is due at once."""
        debt = self._debts.get(phone)
        if debt is not None and debt.rest_s > FIRST_REST_S:
            debt.rest_s, debt.due_s = FIRST_REST_S, now_s

    def due(self, now_s: float) -> list[tuple[str, bytes, tuple[bytes, ...]]]:
        """Return what to offer now: to whom, of which signer, which records."""
        offers = []
        for phone, debt in self._debts.items():
            if now_s < debt.due_s:
                continue
            debt.rest_s = min(2 * debt.rest_s, LONGEST_REST_S)
            debt.due_s = now_s + debt.rest_s
            offers += [(phone, signer, digests) for signer, digests in debt.next_offers()]
        return offers
