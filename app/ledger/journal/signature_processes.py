"""Receipts' signatures checked in processes of their own: Ed25519 here holds Python's lock."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Final

from app.core.errors import LedgerError
from app.ledger.rules.evidence import ReceiptReading, SignedReceipt, content_of

MOST_PROCESSES: Final = 4


def readings_that_hold(receipts: Sequence[SignedReceipt]) -> list[ReceiptReading | None]:
    """Return what each receipt says, None where not everything about it holds."""
    return [_reading(receipt) for receipt in receipts]


class SignatureProcesses:
    """Processes that check receipts. They begin at once, and end with this process."""

    def __init__(self) -> None:
        self.count = self.most()
        # spawned: a fork would copy threads' locks in whatever state they are
        self._pool = ProcessPoolExecutor(self.count, get_context("spawn"), _end_with_parent)
        self._beginning = [self.check(()) for _ in range(self.count)]

    @staticmethod
    def most() -> int:
        """Return how many there are on this computer."""
        return max(1, min(MOST_PROCESSES, os.cpu_count() or 1))

    @property
    def ready(self) -> bool:
        """Whether they have begun, which takes a second and more; or will not."""
        return all(each.done() for each in self._beginning)

    def check(self, receipts: Sequence[SignedReceipt]) -> Future[list[ReceiptReading | None]]:
        """Begin to check receipts (`readings_that_hold`)."""
        return self._pool.submit(readings_that_hold, receipts)

    def close(self) -> None:
        """End the processes once what they do is done."""
        self._pool.shutdown(cancel_futures=True)


def _reading(receipt: SignedReceipt) -> ReceiptReading | None:
    try:
        return ReceiptReading(receipt.verified(), content_of(receipt.data))
    except LedgerError:
        return None


def _end_with_parent() -> None:
    """Leave interruption to the parent, and end where it ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_parent, name="parent", daemon=True).start()


def _wait_for_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
