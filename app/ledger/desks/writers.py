"""Who may write a ledger that several control centres share, and that this one still does."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.clock import Clock
from app.core.errors import LedgerError
from app.ledger.entry import EntryKind
from app.ledger.journal.journal import Journal
from app.ledger.rules.writers import admission_fields
from app.ledger.storage.sql import JournalStorage, StorageError


class WriterDesk:
    """Admits writers and holds the lease. Used from one thread."""

    def __init__(
        self, journal: Journal, key: Ed25519PrivateKey, clock: Clock, storage: JournalStorage
    ) -> None:
        self._journal = journal
        self._key = key
        self._clock = clock
        self._storage = storage

    def admit(self, key: bytes) -> None:
        """Let the control centre with that key (32 bytes) take over some day: the operator's word.

        Raises `LedgerError` for a key that is known, or unsafe.
        """
        with self._journal.atomic():
            fields = admission_fields(key, self._journal.last_hash, self._key)
            self._journal.record(EntryKind.WRITER_ADMITTED, fields, self._clock.wall_ms())

    def hold(self) -> None:
        """Tell others that this one still writes. Raises `LedgerError` where another took over."""
        try:
            self._storage.renew()
        except StorageError as error:
            raise LedgerError("ledger.unwritten", reason=error.fact) from error
