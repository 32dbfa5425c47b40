"""Whether the heads that phones signed are heads of this journal."""

from __future__ import annotations

from collections import deque

from app.core.errors import LedgerError
from app.ledger.entry import Entry, EntryKind
from app.ledger.journal.frontier import Frontier
from app.ledger.merkle import leaf_hash
from workers.identity.checkpoint import LogCheckpoint


class WitnessCheck:
    """Follows a replay; each cosigned head is compared with the tree at its size."""

    def __init__(self) -> None:
        self.size = 0
        """How many entries the newest cosigned head covers."""
        self.witnesses = 0
        """How many phones signed that head."""
        self._host_key = ""
        self._frontier = Frontier()
        self._later: deque[bytes] = deque()
        """Leaves after the newest cosigned head."""

    def take(self, entry: Entry) -> None:
        """Look at the next entry. Raises `LedgerError` for a head of another journal."""
        if entry.kind == EntryKind.GENESIS:
            self._host_key = str(entry.fields().get("host_key"))
        if entry.kind == EntryKind.WRITER_CHANGED:
            self._host_key = str(entry.fields().get("key"))
        if entry.kind == EntryKind.COSIGNED:
            self._compare(entry)
        self._later.append(leaf_hash(entry.entry_hash))

    def _compare(self, entry: Entry) -> None:
        checkpoint = LogCheckpoint.read(entry.fields()["note"])
        if checkpoint.log_key.hex() != self._host_key or checkpoint.size < self._frontier.size:
            raise LedgerError("ledger.cosigned_other", entry=entry.sequence)
        while self._frontier.size < checkpoint.size:
            self._frontier.append(self._later.popleft())
        if self._frontier.root() != checkpoint.root:
            raise LedgerError("ledger.cosigned_other", entry=entry.sequence)
        self.size, self.witnesses = checkpoint.size, len(entry.fields()["lines"])
