"""The journal's head for phones to cosign, what they signed of it, and who keeps receipts."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.clock import Clock
from app.core.identifiers import Serial
from app.ledger.entry import EntryKind
from app.ledger.journal.journal import Journal
from app.ledger.journal.keys import public_bytes
from workers.identity.checkpoint import LogCheckpoint, signed_note
from workers.protocol.between_phones.replica_messages import MAXIMUM_MEMBERS
from workers.replicas.members import Member, Members, SignedMembers


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

    def sign_members(self, members: tuple[Member, ...], number: int) -> SignedMembers:
        """Sign who keeps receipts together; other phones' receipts are kept by them too."""
        listed = {each.public_key for each in members}
        keys = (each.public_key.hex() for each in self._journal.state.phones.values())
        former = tuple(sorted({key for key in keys if key} - listed))[:MAXIMUM_MEMBERS]
        content = Members(public_bytes(self._key).hex(), number, members, former)
        return SignedMembers.made(content, self._key.sign)

    def record_cosigned(self, note: str, lines: Mapping[Serial, str]) -> None:
        """Put a head on record with the cosignatures of phones. Raises `LedgerError`."""
        signed = [{"serial": serial, "line": line} for serial, line in lines.items()]
        fields = {"note": note, "lines": signed}
        self._journal.record(EntryKind.COSIGNED, fields, self._clock.wall_ms())
