"""What a phone signed against its own word: journalled, and punished with its whole stake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.core.identifiers import Serial, TransactionId
from app.ledger.desks.recorder import EntryRecorder
from app.ledger.entry import EntryKind
from app.ledger.evidence_store import EvidenceStore
from app.ledger.rules.evidence import SignedReceipt, SignedWork, content_of, contradiction
from app.ledger.rules.phones.reused_numbers import ReusedNumber

OFFENCE = "equivocation"
Slash = Callable[[Serial, TransactionId, str, Mapping[str, Any]], int]


class ContradictionDesk:
    """Takes two signatures that contradict each other. Used from one thread."""

    def __init__(self, recorder: EntryRecorder, store: EvidenceStore, slash: Slash) -> None:
        self._recorder, self._store, self._slash = recorder, store, slash

    def of_one_opening(self, known: str, second: SignedReceipt, work: SignedWork) -> None:
        """Put a second receipt on record that says something else than the known one's content."""
        transaction, serial = TransactionId(work.transaction), Serial(work.stage.serial)
        if (serial, OFFENCE) in self._recorder.state.transaction(transaction).penalties:
            return
        differences = contradiction(known, content_of(second.data))
        fields = {"transaction": transaction, "stage": work.index, "second": second.to_fields()}
        with self._recorder.atomic():
            self._recorder.record(EntryKind.EQUIVOCATION, fields)
            evidence = {"stage": work.index, "differences": differences}
            self._slash(serial, transaction, OFFENCE, evidence)

    def of_one_number(self, pair: ReusedNumber) -> bool:
        """Put two receipts of one number on record; tell whether they were, and cost the stake.

        A phone that is banned already has nothing more to lose. What convinces others is kept as
        evidence. Raises `LedgerError` where the two prove nothing, or nothing against a phone of
        this ledger.
        """
        told = pair.proven()
        state, transaction = self._recorder.state, TransactionId(told.transaction)
        serial = Serial(state.transaction(transaction).stage(told.stage).serial)
        if state.phone(serial).tombstoned:
            return False
        fields = {"transaction": transaction, "stage": told.stage, **pair.to_fields()}
        with self._recorder.atomic():
            self._recorder.record(EntryKind.NUMBER_REUSED, fields)
            name = self._store.put(pair.content())
            evidence = {"stage": told.stage, "number": told.sequence, "evidence": name}
            self._slash(serial, transaction, OFFENCE, evidence)
        return True
