"""What a rack learnt of classes, ways between phones and answers of phones that audit others."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.identifiers import Serial, TransactionId
from app.ledger.desks.recorder import EntryRecorder
from app.ledger.entry import EntryKind
from app.ledger.rules.audits.verifiers import may_verify
from app.ledger.rules.phones.distrust import DistrustReason


class TrustDesk:
    """Puts it on record. Used from one thread."""

    def __init__(self, recorder: EntryRecorder) -> None:
        self._recorder = recorder

    def is_class_reproduced(self, name: str) -> bool | None:
        """Return what is on record of a class; None where nothing is."""
        return self._recorder.state.class_record(name).reproduced

    def note_class(self, name: str, *, reproduced: bool) -> None:
        """Put on record whether a class is reproduced; once it is, that stands."""
        if self.is_class_reproduced(name) not in (reproduced, True):
            fields = {"class": name, "reproduced": reproduced}
            self._recorder.record(EntryKind.CLASS_READ, fields)

    def verifiers(
        self, transaction: TransactionId, stage: int, serials: Sequence[Serial]
    ) -> list[Serial]:
        """Return which of the phones may audit a stage's receipt."""
        state = self._recorder.state
        attempt = state.transaction(transaction)
        return [serial for serial in serials if may_verify(state, attempt, stage, serial)]

    def note_answer(
        self, transaction: TransactionId, stage: int, serial: Serial, *, right: bool
    ) -> None:
        """Put on record whether what a phone answered is what this computer computes.

        Raises `LedgerError`.
        """
        fields = {"transaction": transaction, "stage": stage, "serial": serial, "right": right}
        self._recorder.record(EntryKind.VERIFIER_CHECKED, fields)

    @property
    def distrusted(self) -> frozenset[tuple[Serial, Serial]]:
        """The ways, as sender and receiver, that nothing goes by."""
        ways = self._recorder.state.distrusted
        return frozenset((Serial(sender), Serial(receiver)) for sender, receiver in ways)

    def distrust(
        self, sender: Serial, receiver: Serial, transaction: TransactionId, reason: DistrustReason
    ) -> None:
        """Put on record that nothing goes that way any more. Raises `LedgerError`."""
        if (sender, receiver) in self._recorder.state.distrusted:
            return
        fields = {
            "sender": sender,
            "receiver": receiver,
            "transaction": transaction,
            "reason": reason.value,
        }
        self._recorder.record(EntryKind.WAY_DISTRUSTED, fields)

    def trust_all(self) -> None:
        """Put on record that the operator trusts all ways again."""
        if self._recorder.state.distrusted:
            self._recorder.record(EntryKind.WAYS_TRUSTED, {})
