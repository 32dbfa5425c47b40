"""Reading a ledger from its first entry: chain, rules, signed head and repeated tables checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from app.core.errors import LedgerError
from app.ledger.entry import FIRST_PREVIOUS_HASH, Entry, entry_hash
from app.ledger.journal.frontier import Frontier
from app.ledger.journal.head import SignedHead
from app.ledger.journal.store import LedgerStore
from app.ledger.merkle import leaf_hash
from app.ledger.rules.state import State
from app.ledger.rules.transitions import apply

_COLUMN_TYPES = (int, int, str, str, bytes, bytes)

Observer = Callable[[Entry], None]
"""Called with every entry once it was accepted."""


@dataclass
class ReplayedLedger:
    """Where a ledger stands after its newest entry."""

    state: State = field(default_factory=State)
    frontier: Frontier = field(default_factory=Frontier)
    last: Entry | None = None
    head: SignedHead | None = None

    def take(self, entry: Entry) -> None:
        """Check the next entry and apply it. Raises `LedgerError` naming the entry."""
        _check_chain(self.last, entry)
        try:
            apply(self.state, entry)
        except LedgerError as error:
            raise LedgerError(
                "ledger.entry_breaks_rule", entry=entry.sequence, reason=error.fact
            ) from None
        self.frontier.append(leaf_hash(entry.entry_hash))
        self.last = entry


def replay(
    store: LedgerStore, public_key: bytes | None, observers: tuple[Observer, ...]
) -> ReplayedLedger:
    """Read the whole ledger at one moment.

    `public_key` is the host's (32 bytes); None leaves the head's signature unchecked.
    Raises `LedgerError` with the first thing that is wrong.
    """
    with store.consistent_read():
        if damage := store.damage():
            raise LedgerError("ledger.file_damaged", reason=damage)
        reading = ReplayedLedger()
        for entry in store.entries():
            reading.take(entry)
            for observe in observers:
                observe(entry)
        reading.head = store.head()
        _check_head(reading, reading.head, public_key)
        _check_repeated(reading.state, store)
    return reading


def _check_chain(previous: Entry | None, entry: Entry) -> None:
    columns = (
        entry.sequence,
        entry.wall_ms,
        entry.kind,
        entry.body,
        entry.previous_hash,
        entry.entry_hash,
    )
    expected = previous.sequence + 1 if previous else 1
    if tuple(map(type, columns)) != _COLUMN_TYPES or entry.wall_ms < 0:
        raise LedgerError("entry.malformed", entry=expected)
    if entry.sequence != expected:
        raise LedgerError("entry.missing", entry=expected)
    if entry.previous_hash != (previous.entry_hash if previous else FIRST_PREVIOUS_HASH):
        raise LedgerError("entry.does_not_follow", entry=expected)
    if entry.entry_hash != entry_hash(entry.previous_hash, *columns[:4]):
        raise LedgerError("entry.changed", entry=expected)
    entry.check_canonical()


def _check_head(reading: ReplayedLedger, head: SignedHead | None, public_key: bytes | None) -> None:
    if reading.last is None or head is None:
        raise LedgerError("head.none")
    if head.size != reading.last.sequence or head.last_hash != reading.last.entry_hash:
        raise LedgerError("head.other_size", covered=head.size, entries=reading.last.sequence)
    if head.root != reading.frontier.root():
        raise LedgerError("head.other_entries")
    if public_key is not None and not head.is_signed_by(public_key):
        raise LedgerError("head.other_key")


def _check_repeated(state: State, store: LedgerStore) -> None:
    if store.balances() != state.balances:
        raise LedgerError("ledger.other_balances")
    transfers = list(store.transfers())
    by_id = {transfer.id: (sequence, transfer) for sequence, transfer in transfers}
    if len(transfers) != len(by_id) or by_id != state.transfers:
        raise LedgerError("ledger.other_transfers")
