"""A long journal, made through the ledger's own rules: of nine entries six are receipts.

Phones, keys and signatures are real; time is not: a transaction begins every second of a clock that
is wound on, so that what is due an hour later, as payments are, comes in between as it would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.benchmarks.stages.signed_receipts import SigningPhones
from app.core.clock import SystemClock
from app.core.identifiers import TransactionId
from app.ledger.ledger import Ledger
from app.ledger.rules.evidence import SignedReceipt
from app.rack.home import Home

_STAGES: Final = 6
_TRANSACTIONS_A_COMMIT: Final = 32


class _WoundClock(SystemClock):
    """A wall clock that stands still until it is wound on."""

    def __init__(self) -> None:
        self.now_ms = super().wall_ms()

    def wall_ms(self) -> int:
        """Return the moment that it was wound to."""
        return self.now_ms


def make_long_journal(home: Home, entries: int, told: Callable[[int], None]) -> None:
    """Write a ledger of at least so many entries; `told` hears how many there are."""
    clock = _WoundClock()
    ledger = Ledger(home.ledger_file, home.ledger_key, clock)
    try:
        with ledger.atomic():
            phones = SigningPhones(ledger, _STAGES)
        written = 0
        while written < entries:
            with ledger.atomic():
                for _ in range(_TRANSACTIONS_A_COMMIT):
                    clock.now_ms += 1000
                    _work(ledger, phones, TransactionId(f"t{written}"))
                    written += _STAGES + 3
                ledger.look_after()
            told(min(written, entries))
    finally:
        ledger.close()


def _work(ledger: Ledger, phones: SigningPhones, name: TransactionId) -> None:
    """Have one transaction done, signed for and settled."""
    for receipt in phones.begin(name):
        signed = SignedReceipt.of(*receipt)
        signed.take_as_verified(signed.reading())  # signed a moment ago, in this process
        ledger.record_receipt(*receipt)
    ledger.settle(name, 1)
