"""Canaries of an attempt: which stages are drawn, what excuses them, and what they cost."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from app.core.errors import LedgerError
from app.core.identifiers import Serial, TransactionId
from app.core.vitals import DeviceVitals, Throttling
from app.ledger.ledger import Ledger
from app.ledger.rules.phones.canaries import Excuse, SignedTimes
from app.pipeline.collection import SealedReceipt
from app.placement.rebalancing.readings import BodyLimits
from app.rack.phones.phone import Phone

_log = logging.getLogger("shardloom.rack")


def excuse_of(phone: Phone) -> Excuse:
    """Return why what a phone took just now would not be held against it, by its own vitals."""
    if phone.connection.away:
        return Excuse.CABLE
    return Excuse.HEAT if phone.vitals is not None and _is_hot(phone.vitals) else Excuse.NONE


def record_canaries(
    ledger: Ledger,
    transaction: TransactionId,
    receipts: Mapping[Serial, SealedReceipt],
    keys: Mapping[Serial, bytes],
    excuses: Mapping[Serial, Excuse],
) -> dict[Serial, int]:
    """Put on record what the drawn stages took; return what each pays that claimed too much.

    Who signed nothing of that, as an attempt of a single step leaves nothing to time, is passed
    over; what does not hold is told in the log and changes nothing.
    """
    due = ledger.canaries.due(transaction)
    paid: dict[Serial, int] = {}
    for stage, serial in enumerate(ledger.stages_of(transaction)):
        receipt = receipts.get(serial)
        if stage not in due or receipt is None or not receipt.times:
            continue
        signed = SignedTimes(
            receipt.times.decode(errors="replace"), receipt.times_signature, keys[serial]
        )
        try:
            taken = ledger.canaries.record(transaction, stage, signed, excuses[serial])
        except LedgerError as error:
            _log.warning("what %s signed of its times is void: %s", serial, error)
            continue
        if taken is not None:
            paid[serial] = taken
    return paid


def _is_hot(vitals: DeviceVitals) -> bool:
    celsius = vitals.temperature_celsius
    too_warm = celsius is not None and celsius >= BodyLimits().hot_celsius
    return too_warm or vitals.throttling not in (None, Throttling.NONE)
