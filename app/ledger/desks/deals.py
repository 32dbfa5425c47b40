"""The money of transactions: committed, settled, void, released, and what a crash left unfinished.

Each move may be asked for again: it is made once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from app.core.errors import LedgerError
from app.core.identifiers import TransactionId
from app.ledger.desks.recorder import EntryRecorder
from app.ledger.entry import EntryKind
from app.ledger.rules.deals.closing import MOST_RELEASED, VoidReason
from app.ledger.rules.settlement import payments_of
from app.ledger.rules.state import TransactionRecord, TransactionStatus

_S = TransactionStatus


class DealDesk:
    """Moves transactions on. Used from one thread."""

    def __init__(self, recorder: EntryRecorder) -> None:
        self._recorder = recorder
        self._works: dict[TransactionId, str] = {}
        """By transaction that is not settled yet, the record of what it read and answered."""
        self._unreleased = {
            TransactionId(attempt.transaction): attempt.deal.release_from_ms or 0
            for attempt in recorder.state.transactions.at_work()
            if attempt.status is _S.SETTLED and attempt.deal is not None
        }

    def has_receipt(self, transaction: TransactionId, stage: int) -> bool:
        """Tell whether a stage's receipt is on record. Raises `LedgerError`."""
        return stage in self._recorder.state.transaction(transaction).receipts

    def commit(self, transaction: TransactionId, tokens: int) -> None:
        """Note that the work is done and signed for: for so many tokens, no receipt after it.

        Tokens beyond what is in escrow are given away. Where the transaction is of an older format
        there is nothing to note.
        """
        attempt = self._recorder.state.transaction(transaction)
        if attempt.deal is None or attempt.status is not _S.OPEN:
            return
        fields = {"transaction": transaction, "tokens": _covered(attempt, tokens)}
        self._recorder.record(EntryKind.COMMITTED, fields)

    def note_work(self, transaction: TransactionId, digest: str) -> None:
        """Let the entry that settles a transaction name the record of what it read and answered."""
        self._works[transaction] = digest

    def settle(self, transaction: TransactionId, tokens: int) -> None:
        """Fix who is paid for so many tokens: phones with a receipt and no offence; once."""
        state = self._recorder.state
        attempt = state.transaction(transaction)
        if attempt.status.paid and attempt.payable_tokens == tokens:
            return
        with self._recorder.atomic():
            self.commit(transaction, tokens)
            attempt = self._recorder.state.transaction(transaction)
            tokens = _covered(attempt, tokens)
            payments = [
                each.to_fields() for each in payments_of(self._recorder.state, attempt, tokens)
            ]
            fields = {"transaction": transaction, "tokens": tokens, "payments": payments}
            work = self._works.get(transaction)
            fields = fields if work is None else {**fields, "work": work}
            self._recorder.record(EntryKind.SETTLED, fields)
        self._works.pop(transaction, None)
        deal = self._recorder.state.transaction(transaction).deal
        if deal is not None:
            self._unreleased[transaction] = deal.release_from_ms or 0

    def roll_back(self, transaction: TransactionId, good_tokens: int, reason: str) -> None:
        """End an attempt early: only that many generated tokens count; none makes it void."""
        attempt = self._recorder.state.transaction(transaction)
        good_tokens = _covered(attempt, good_tokens)
        fields = {"transaction": transaction, "good_tokens": good_tokens, "reason": reason}
        ended = attempt.status in (_S.ROLLED_BACK, _S.VOID)
        if not (ended and attempt.payable_tokens == good_tokens):
            self._recorder.record(EntryKind.ROLLED_BACK, fields)

    def void(self, transaction: TransactionId, reason: VoidReason) -> None:
        """Give all of a transaction's escrow back."""
        if self._recorder.state.transaction(transaction).status is not _S.VOID:
            fields = {"transaction": transaction, "reason": reason.value}
            self._recorder.record(EntryKind.VOIDED, fields)

    def release_due(self) -> int:
        """Pay what waits no longer; return how many transactions that were.

        Nothing during an emergency stop.
        """
        now_ms, state = self._recorder.wall_ms, self._recorder.state
        if state.economy.stopped_at(now_ms):
            return 0
        due = [name for name, from_ms in self._unreleased.items() if from_ms <= now_ms]
        for name in due:
            if state.transactions[name].status is _S.RELEASED:
                del self._unreleased[name]
        due = [name for name in due if state.transactions[name].status is _S.SETTLED]
        for at in range(0, len(due), MOST_RELEASED):
            names = due[at : at + MOST_RELEASED]
            self._recorder.record(EntryKind.PAYMENTS_RELEASED, {"transactions": names})
        return len(due)

    def recover(self, running: Collection[TransactionId] = ()) -> None:
        """Bring to an end what was under way when a process ended, but for what is `running`.

        What nobody signed for is void; what was committed is settled as far as it is known to be
        good. Done once more, from wherever this was broken off, it comes to the same.
        """
        with self._recorder.atomic():
            for attempt in list(self._left(running)):
                self._end(attempt)

    def _left(self, running: Collection[TransactionId]) -> Iterator[TransactionRecord]:
        for attempt in self._recorder.state.transactions.at_work():
            ended = attempt.status in (_S.SETTLED, _S.RELEASED, _S.VOID)
            if attempt.deal is not None and not ended and attempt.transaction not in running:
                yield attempt

    def _end(self, attempt: TransactionRecord) -> None:
        name, deal = TransactionId(attempt.transaction), attempt.deal
        if deal is None:
            raise LedgerError("transaction.of_earlier_format", transaction=name)
        if attempt.status is not _S.OPEN:
            good = attempt.payable_tokens
            self.settle(name, deal.committed_tokens or 0 if good is None else good)
        elif not attempt.receipts:
            self.void(name, VoidReason.BROKEN_OFF)
        elif self._recorder.wall_ms > deal.commit_by_ms:
            self.void(name, VoidReason.EXPIRED)


def _covered(attempt: TransactionRecord, tokens: int) -> int:
    """Return how many of so many tokens the escrow pays for."""
    price, deal = attempt.price_per_token, attempt.deal
    return min(tokens, deal.held // price) if deal and price else tokens
