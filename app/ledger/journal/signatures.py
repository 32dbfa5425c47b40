"""The signatures of a whole journal: few are checked at once, many in several processes."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Final, Self

from app.ledger.entry import Entry, EntryKind
from app.ledger.journal.signature_processes import SignatureProcesses
from app.ledger.rules.evidence import ReceiptReading, SignedReceipt

CHECKED_HERE: Final = 4000
"""So many are checked sooner than processes begin."""
_TOGETHER: Final = 128
_AHEAD: Final = 16
"""Groups that wait for processes at most: reading is quicker than checking."""


_Group = tuple[list[Entry], list[SignedReceipt], "Future[list[ReceiptReading | None]] | None"]


class SignatureRefusedError(Exception):
    """One of many receipts does not hold."""


def check_signature(receipt: SignedReceipt) -> None:
    """Check a receipt at once. Raises `LedgerError`."""
    receipt.verified()


class SignaturesInParallel:
    """Checks receipts of entries that are yet to be read: what they say is then known as well.

    Where one does not hold `ahead` raises `SignatureRefusedError` before its turn, or `take`
    `LedgerError`; `BrokenExecutor` where processes were ended from outside.
    """

    def __init__(self) -> None:
        self._seen = 0
        self._held: set[SignedReceipt] = set()
        self._processes: SignatureProcesses | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._processes is not None:
            self._processes.close()

    def ahead(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """Yield entries in their order, the receipts in them checked as far as there are many."""
        waiting: deque[_Group] = deque()
        while group := list(itertools.islice(entries, _TOGETHER)):
            waiting.append(self._begun(group))
            if len(waiting) > _AHEAD:
                yield from self._checked(waiting.popleft())
        while waiting:
            yield from self._checked(waiting.popleft())

    def take(self, receipt: SignedReceipt) -> None:
        """Check a receipt unless it was checked ahead. Raises `LedgerError`."""
        if receipt in self._held:
            self._held.remove(receipt)
        else:
            receipt.verified()

    def _begun(self, entries: list[Entry]) -> _Group:
        receipts = [
            SignedReceipt.from_fields(entry.fields())
            for entry in entries
            if entry.kind == EntryKind.RECEIPT
        ]
        self._seen += len(receipts)
        if self._seen <= CHECKED_HERE or not receipts:
            return entries, [], None
        self._processes = self._processes or SignatureProcesses()
        return entries, receipts, self._processes.check(receipts)

    def _checked(self, group: _Group) -> list[Entry]:
        entries, receipts, found = group
        for receipt, reading in zip(receipts, found.result() if found else (), strict=True):
            if reading is None:
                raise SignatureRefusedError
            receipt.take_as_verified(reading)
            self._held.add(receipt)
        return entries
