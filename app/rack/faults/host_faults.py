"""What befalls this computer itself: it stands still for a moment. Over by itself."""

from __future__ import annotations

import time

from app.faults.catalogue import Fault, FaultKind
from app.rack.ledger_thread import LedgerThread


async def befall_host(fault: Fault, ledger_thread: LedgerThread) -> None:
    """Let it happen to the loop that calls this, or to the ledger. Blocks what it is to block."""
    still_s = fault.dose / 1000
    if fault.kind is FaultKind.HOST_STALL:
        time.sleep(still_s)  # noqa: ASYNC251 - that the loop stands still is the fault
    elif fault.kind is FaultKind.LEDGER_STALL:
        await ledger_thread.run(lambda _ledger: time.sleep(still_s))
    else:
        raise ValueError(fault.kind)
