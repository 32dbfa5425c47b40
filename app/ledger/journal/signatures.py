"""The signatures of a whole journal: few are checked at once, many in several processes."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from types import TracebackType
from typing import Final, Self

from app.ledger.journal.signature_processes import SignatureProcesses
from app.ledger.rules.evidence import ReceiptReading, SignedReceipt

CHECKED_HERE: Final = 4000
"""So many are checked sooner than processes begin."""
_TOGETHER: Final = 128
_AHEAD: Final = 16
"""Groups that wait for processes at most: reading is quicker than checking."""


class SignatureRefusedError(Exception):
    """One of many receipts does not hold."""


def check_signature(receipt: SignedReceipt) -> None:
    """Check a receipt at once. Raises `LedgerError`."""
    receipt.verified()


class SignaturesInParallel:
    """Takes receipts one by one. By its end all of them were checked.

    Where one does not hold `take` raises `LedgerError`, or it or the end `SignatureRefusedError`
    at another's turn; `BrokenExecutor` where processes were ended from outside.
    """

    def __init__(self) -> None:
        self._taken = 0
        self._together: list[SignedReceipt] = []
        self._waiting: deque[Future[list[ReceiptReading | None]]] = deque()
        self._processes: SignatureProcesses | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            if error is None and self._processes is not None:
                self._hand_over(self._processes, most_waiting=0)
        finally:
            if self._processes is not None:
                self._processes.close()

    def take(self, receipt: SignedReceipt) -> None:
        """Check the next receipt, now or by the end."""
        self._taken += 1
        if self._taken <= CHECKED_HERE:
            receipt.verified()
            return
        if self._processes is None:
            self._processes = SignatureProcesses()
        self._together.append(receipt)
        if len(self._together) == _TOGETHER:
            self._hand_over(self._processes, _AHEAD)

    def _hand_over(self, processes: SignatureProcesses, most_waiting: int) -> None:
        if self._together:
            self._waiting.append(processes.check(self._together))
            self._together = []
        while len(self._waiting) > most_waiting or (self._waiting and self._waiting[0].done()):
            if None in self._waiting.popleft().result():
                raise SignatureRefusedError
