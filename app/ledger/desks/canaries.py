"""Canaries: drawn after the work was signed for, journalled, and what they add up to."""

from __future__ import annotations

import hmac
import json
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import LedgerError
from app.core.identifiers import Serial, TransactionId
from app.ledger.desks.contradictions import Slash
from app.ledger.desks.recorder import EntryRecorder
from app.ledger.entry import EntryKind, octets
from app.ledger.evidence_store import EvidenceStore
from app.ledger.journal.keys import epoch_secret
from app.ledger.rules.epochs import audit_is_due
from app.ledger.rules.phones.canaries import (
    FALSE_CAPABILITY,
    MOST_CANARIES,
    Excuse,
    FalseCapability,
    SignedTimes,
    recorded,
)
from app.ledger.rules.state import TransactionRecord

CANARY_RATE: Final = 0.1
"""Share of a known phone's work; of one that is new, and of one that is watched, all is drawn."""
_TAG: Final = b"poip/v1/canary\0"


class CanaryDesk:
    """Draws canaries and puts them on record. Used from one thread."""

    def __init__(
        self,
        recorder: EntryRecorder,
        key: Ed25519PrivateKey,
        store: EvidenceStore,
        slash: Slash,
    ) -> None:
        self._recorder, self._key = recorder, key
        self._store, self._slash = store, slash

    def due(self, transaction: TransactionId) -> frozenset[int]:
        """Return the stages that are canaries, by the epoch's secret and what they signed for."""
        attempt = self._recorder.state.transaction(transaction)
        secret = hmac.digest(epoch_secret(self._key, attempt.epoch), _TAG, "sha256")
        return frozenset(
            stage
            for stage, content in attempt.receipts.items()
            if stage not in attempt.canaries
            and audit_is_due(secret, transaction, stage, _root(content), self._rate(attempt, stage))
        )

    def record(
        self, transaction: TransactionId, stage: int, signed: SignedTimes, excuse: Excuse
    ) -> int | None:
        """Put a canary on record; return what claiming too much cost, None where it did not so far.

        Raises `LedgerError` for a statement that does not hold or is of other work.
        """
        state = self._recorder.state
        attempt = state.transaction(transaction)
        serial = Serial(attempt.stage(stage).serial)
        noted = recorded(transaction, stage, signed, signed.verified())
        last = (*state.phone(serial).canaries, noted)[-MOST_CANARIES:]
        fields = {"transaction": transaction, "stage": stage, "serial": serial, "excuse": excuse}
        with self._recorder.atomic():
            self._recorder.record(EntryKind.CANARY, {**fields, **signed.to_fields()})
            now = self._recorder.state.transaction(transaction).overclaimed
            if serial in attempt.overclaimed or serial not in now:
                return None
            found = FalseCapability.of(last)
            found.proven()
            evidence = {"stage": stage, "evidence": self._store.put(found.content())}
            return self._slash(serial, transaction, FALSE_CAPABILITY, evidence)

    def _rate(self, attempt: TransactionRecord, stage: int) -> float:
        phone = self._recorder.state.phone(attempt.stages[stage].serial)
        is_known = len(phone.canaries) >= MOST_CANARIES and not phone.watched
        return CANARY_RATE if is_known else 1.0


def _root(content: str) -> str:
    try:
        return octets(json.loads(content), "output_root", 32).hex()
    except ValueError:
        raise LedgerError("receipt.unreadable", reason="") from None
