"""The journal's head for phones to cosign, and what they signed of it."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.clock import Clock
from app.core.identifiers import Serial
from app.ledger.entry import EntryKind
from app.ledger.journal.journal import Journal
from app.ledger.journal.keys import public_bytes
from workers.identity.checkpoint import LogCheckpoint, signed_note


class WitnessDesk:
    """Hands heads out and keeps cosignatures. Used from one thread."""

    def __init__(self, journal: Journal, key: Ed25519PrivateKey, clock: Clock) -> None:
        self._journal = journal
        self._key = key
        self._clock = clock

    def head_to_cosign(self) -> str | None:
        """Return the head on the disk as a note that this ledger signed, for phones to sign too.

        None where nothing was written since the last that they signed.
        """
        if self._journal.last_kind == EntryKind.COSIGNED:
            return None
        size, root = self._journal.written_tree
        return signed_note(LogCheckpoint(public_bytes(self._key), size, root), self._key)

    def record_cosigned(self, note: str, lines: Mapping[Serial, str]) -> None:
        """Put a head on record with the cosignatures of phones. Raises `LedgerError`."""
        signed = [{"serial": serial, "line": line} for serial, line in lines.items()]
        fields = {"note": note, "lines": signed}
        self._journal.record(EntryKind.COSIGNED, fields, self._clock.wall_ms())
