"""What the operator decides about a phone, journalled while no rack is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from app.core.clock import SystemClock
from app.core.errors import LedgerError
from app.ledger.ledger import Ledger
from app.rack.home import Home, HomeLock

_Result = TypeVar("_Result")


def decide(home: Home, decision: Callable[[Ledger], _Result]) -> _Result:
    """Return what a decision returns, once it is journalled. Blocking.

    Raises `BadInputError` where a rack of this home is open, `LedgerError` where there is no ledger
    or its rules refuse the decision.
    """
    if not home.has_ledger():
        raise LedgerError("ledger.none_there", path=str(home.ledger_file))
    lock = HomeLock(home)
    lock.acquire()
    try:
        ledger = Ledger(home.ledger_place, home.ledger_key, SystemClock())
        try:
            ledger.recover()
            return decision(ledger)
        finally:
            ledger.close()
    finally:
        lock.release()
