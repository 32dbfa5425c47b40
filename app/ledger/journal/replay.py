"""Reading a ledger from its first entry: chain, rules, signed head and repeated tables checked."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from app.core.errors import LedgerError
from app.ledger.entry import FIRST_PREVIOUS_HASH, Entry, entry_hash
from app.ledger.head import SignedHead
from app.ledger.journal.frontier import Frontier
from app.ledger.merkle import leaf_hash
from app.ledger.rules.accounts import Posting
from app.ledger.rules.state import Change, State
from app.ledger.rules.transitions import change_of
from app.ledger.storage.sql import JournalStorage

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
    snapshot_entries: int = 0
    """How many entries the newest snapshot covers."""
    parts_digest: bytes = b""
    """Of the parts of that snapshot; none where there is none to go on from."""

    def take(self, entry: Entry) -> Change:
        """Check the next entry and apply it. Raises `LedgerError` naming the entry."""
        check_chain(self.last, entry)
        try:
            change = change_of(self.state, entry)
        except LedgerError as error:
            raise LedgerError(
                "ledger.entry_breaks_rule", entry=entry.sequence, reason=error.fact
            ) from None
        self.state.absorb(change)
        self.frontier.append(leaf_hash(entry.entry_hash))
        self.last = entry
        return change


def replay(
    store: JournalStorage,
    public_key: bytes | None,
    observers: tuple[Observer, ...],
    ahead: Callable[[Iterator[Entry]], Iterator[Entry]] = iter,
) -> ReplayedLedger:
    """Read the whole ledger at one moment; `ahead` sees the entries before their turn.

    `public_key` is the host's (32 bytes), or that of one who wrote before or may write; with None
    only the keys that the journal names are asked.
    Raises `LedgerError` with the first thing that is wrong.
    """
    with store.consistent_read():
        if damage := store.damage():
            raise LedgerError("ledger.file_damaged", reason=damage)
        return read_on(store, ReplayedLedger(), public_key, observers, ahead)


def read_on(
    store: JournalStorage,
    reading: ReplayedLedger,
    public_key: bytes | None,
    observers: tuple[Observer, ...],
    ahead: Callable[[Iterator[Entry]], Iterator[Entry]] = iter,
) -> ReplayedLedger:
    """Read what comes after a position, then check head, balances and transfers.

    Call inside `consistent_read`. Raises `LedgerError`.
    """
    known = reading.last.sequence if reading.last else 0
    transfers = _RepeatedTransfers(store.transfers(known))
    for entry in ahead(store.entries(known)):
        transfers.compare(entry.sequence, reading.take(entry).transfers)
        for observe in observers:
            observe(entry)
    reading.head = store.head()
    _check_head(reading, reading.head, public_key)
    if store.balances() != reading.state.balances:
        raise LedgerError("ledger.other_balances")
    if not transfers.were_the_same():
        raise LedgerError("ledger.other_transfers")
    return reading


def check_chain(previous: Entry | None, entry: Entry) -> None:
    """Raise `LedgerError` unless an entry is whole and follows the one before."""
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
    state = reading.state
    known = public_key is None or public_key == state.host_key or public_key in state.writers
    if not known or not head.is_signed_by(state.host_key):
        raise LedgerError("head.other_key")


class _RepeatedTransfers:
    """Compares the table of transfers with what the entries imply, a row at a time."""

    def __init__(self, rows: Iterator[tuple[int, Posting]]) -> None:
        """`rows` come by the sequence of their entries."""
        self._groups = itertools.groupby(rows, itemgetter(0))
        self._next = next(self._groups, None)
        self._same = True

    def compare(self, sequence: int, transfers: Sequence[Posting]) -> None:
        """Look at those of the next entry."""
        rows: list[Posting] = []
        if self._next is not None and self._next[0] == sequence:
            rows = [transfer for _, transfer in self._next[1]]
            self._next = next(self._groups, None)
        by_id = {transfer.id: transfer for transfer in rows}
        same = len(rows) == len(transfers) and all(by_id.get(each.id) == each for each in transfers)
        self._same = self._same and same

    def were_the_same(self) -> bool:
        """Tell whether there was nothing else, once all entries were looked at."""
        return self._same and self._next is None
