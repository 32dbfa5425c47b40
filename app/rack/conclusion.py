"""The two ends of a transaction: announced to the ledger; then receipts, transcripts, checks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.core.device import DeviceState
from app.core.errors import LedgerError, ShardloomError
from app.core.identifiers import RequestId, Serial, TransactionId
from app.ledger.ledger import Ledger
from app.pipeline.attempt import Attempt, SealedReceipt
from app.rack.auditing import (
    AttemptOutcome,
    ConcludedAttempt,
    check_attempt,
    due_stages,
    stages_to_fetch,
)
from app.rack.blocking import BlockingPool
from app.rack.books import Books
from app.rack.phone import Phone
from app.rack.spans import Applied
from workers.errors import ReceiptError
from workers.receipts import ReceiptBody, verify_receipt
from workers.wire import Tensor

PRICE_PER_TOKEN = 10_000
"""Micro-credits the operator pays for a settled token."""
_log = logging.getLogger("shardloom.rack")


class Concluder:
    """Opens and concludes transactions. Lives on the service loop."""

    def __init__(
        self, books: Books, audit_pool: BlockingPool, store: Path, audit_rate: float
    ) -> None:
        self._books = books
        self._audit_pool = audit_pool
        self._store = store
        self._audit_rate = audit_rate

    async def begin(self, transaction: TransactionId, request: RequestId, applied: Applied) -> None:
        """Journal that a transaction starts."""
        await self._books.run(
            lambda ledger: ledger.open_transaction(
                transaction, request, applied.model.name, applied.assignment, PRICE_PER_TOKEN
            )
        )

    async def conclude(
        self, attempt: Attempt, applied: Applied, phones: Mapping[Serial, Phone]
    ) -> ConcludedAttempt:
        """Collect receipts, decide what is audited, fetch what audits need, free the slots."""
        sealed = await asyncio.gather(*(attempt.seal(stage) for stage in attempt.stages))
        receipts = {receipt.serial: receipt for receipt in sealed if receipt is not None}
        keys = {serial: phones[serial].public_key for serial in receipts}
        bodies, secret = await self._books.run(lambda ledger: _record(ledger, receipts, keys))
        serials = applied.assignment.serials
        classes, rates = await self._books.run(
            lambda ledger: _classes_and_rates(ledger, serials, self._audit_rate)
        )
        due = due_stages(secret, attempt.transaction, bodies, rates)
        transcripts = await self._fetch(attempt, applied, due, bodies)
        await attempt.close()
        return ConcludedAttempt(
            transaction=attempt.transaction,
            spans=applied.spans,
            steps=tuple(attempt.steps),
            answers=tuple(attempt.answers),
            sampling=attempt.terms.sampling,
            boundary=attempt.terms.boundary,
            bodies=bodies,
            transcripts=transcripts,
            due=due,
            withheld=_withheld(attempt, bodies, phones),
            classes=classes,
        )

    async def check(self, attempt: ConcludedAttempt) -> AttemptOutcome:
        """Audit an attempt on the audit thread."""
        return await self._audit_pool.run(check_attempt, attempt, self._store)

    async def _fetch(
        self,
        attempt: Attempt,
        applied: Applied,
        due: frozenset[Serial],
        bodies: Mapping[Serial, ReceiptBody],
    ) -> dict[Serial, Sequence[Tensor]]:
        transcripts: dict[Serial, Sequence[Tensor]] = {}
        for index in stages_to_fetch(applied.spans, due, attempt.steps):
            stage = attempt.stages[index]
            body = bodies.get(stage.serial)
            if body is None:
                continue
            try:
                transcripts[stage.serial] = await attempt.transcript(stage, body.steps)
            except ShardloomError as error:
                _log.info("no transcript: %s", error)
        return transcripts


def _record(
    ledger: Ledger, receipts: Mapping[Serial, SealedReceipt], keys: Mapping[Serial, bytes]
) -> tuple[dict[Serial, ReceiptBody], bytes]:
    bodies = {}
    for serial, receipt in receipts.items():
        try:
            ledger.record_receipt(receipt.data, receipt.signature, keys[serial])
            bodies[serial] = verify_receipt(receipt.data, receipt.signature, keys[serial])
        except (LedgerError, ReceiptError) as error:
            _log.warning("a receipt of %s is void: %s", serial, error)
    return bodies, ledger.epoch_secret


def _classes_and_rates(
    ledger: Ledger, serials: Sequence[Serial], usual: float
) -> tuple[dict[Serial, str], dict[Serial, float]]:
    """Return each phone's numerical class and the share of its receipts to audit."""
    classes = {serial: ledger.numerical_class(serial) for serial in serials}
    return classes, {serial: ledger.audit_rate(serial, usual) for serial in serials}


def _withheld(
    attempt: Attempt, bodies: Mapping[Serial, ReceiptBody], phones: Mapping[Serial, Phone]
) -> frozenset[Serial]:
    """Return the stages that still answer but gave no receipt that holds."""
    return frozenset(
        stage.serial
        for stage in attempt.stages
        if attempt.answers
        and stage.serial not in bodies
        and phones[stage.serial].state is not DeviceState.LOST
        and not stage.client.lost
    )
