"""Audit secrets, and which receipts they pick.

A secret is committed to when an epoch opens, before its first transaction, and revealed when it
closes. Before, no phone can tell which receipts are audited; after, anybody can tell whether an
audit was skipped: the ledger's own rules do (`duties_left`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.ledger.entry import octets
from app.ledger.rules.state import State, TransactionRecord

COMMITMENT_TAG: Final = b"poip/v1/epoch-commitment\0"
AUDIT_TAG: Final = b"poip/v1/audit\0"
_DRAW_BYTES: Final = 8


@dataclass(frozen=True)
class Duty:
    """An audit that was drawn and of which the journal does not say what became."""

    transaction: str
    stage: int
    serial: str


def commitment_of(secret: bytes) -> bytes:
    """Return the SHA-256 that stands for a 32-byte secret in the journal, 32 bytes."""
    return hashlib.sha256(COMMITMENT_TAG + secret).digest()


def audit_is_due(
    secret: bytes, transaction: str, stage: int, output_root: str, rate: float
) -> bool:
    """Say whether a receipt is audited: HMAC-SHA256(secret, receipt) as a fraction < rate.

    `secret` is the epoch's, 32 bytes; `output_root` is hexadecimal: the phone committed to its
    output before anybody drew. `rate` is 0 to 1.
    """
    name = transaction.encode()
    message = len(name).to_bytes(4, "big") + name + stage.to_bytes(4, "big")
    digest = hmac.digest(secret, AUDIT_TAG + message + bytes.fromhex(output_root), "sha256")
    draw = int.from_bytes(digest[:_DRAW_BYTES], "big")
    return draw < round(rate * (1 << (8 * _DRAW_BYTES)))


def due_stages(attempt: TransactionRecord, secret: bytes) -> frozenset[int]:
    """Return the stages of a transaction whose receipts the secret of its epoch picks.

    Raises `LedgerError` for a receipt without a root: one in a journal that somebody else wrote.
    """
    return frozenset(
        stage
        for stage, content in attempt.receipts.items()
        if audit_is_due(
            secret,
            attempt.transaction,
            stage,
            octets(json.loads(content), "output_root", 32).hex(),
            attempt.audit_rates.get(stage, 0.0),
        )
    )


def duties_left(state: State, secret: bytes) -> Iterator[Duty]:
    """Yield the audits of the open epoch that were drawn and neither done nor accounted for."""
    for attempt in state.transactions_of(state.epoch.number):
        for stage in sorted(due_stages(attempt, secret)):
            if stage not in attempt.verdicts and stage not in attempt.not_audited:
                yield Duty(attempt.transaction, stage, attempt.stages[stage].serial)


def sharp_tests_left(state: State) -> Iterator[Duty]:
    """Yield the stages of the open epoch that deviate and of which nothing more is on record."""
    for attempt in state.transactions_of(state.epoch.number):
        for stage in sorted(attempt.sharp_due - attempt.sharp_tests.keys()):
            yield Duty(attempt.transaction, stage, attempt.stages[stage].serial)
