"""Receipts that come at a steady rate: how long each waits until it is on the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from app.benchmarks.stages.signed_receipts import SignedReceipt
from app.ledger.rules.evidence import SignedReceipt as Received
from app.rack.ledger_thread import LedgerThread

PER_SECOND: Final = 500


async def answered_after_s(books: LedgerThread, receipts: Sequence[SignedReceipt]) -> list[float]:
    """Hand in `PER_SECOND` receipts, evenly; return each one's seconds from when it was due.

    One that is handed in late has waited since then: the generator's own delay counts.
    """
    began_s = time.perf_counter()

    async def hand_in(number: int, receipt: SignedReceipt) -> float:
        due_s = began_s + number / PER_SECOND
        await asyncio.sleep(due_s - time.perf_counter())
        if books.receipt_checks.are_wanted(1):
            await books.receipt_checks.check([Received.of(*receipt)])
        await books.run(lambda ledger: ledger.record_receipt(*receipt))
        return time.perf_counter() - due_s

    handed_in = (hand_in(number, receipt) for number, receipt in enumerate(receipts))
    return list(await asyncio.gather(*handed_in))
