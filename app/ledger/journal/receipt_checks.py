"""Receipts checked before the ledger takes them: in processes, as soon as there are many."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from math import inf
from typing import Final

from app.ledger.journal.signature_processes import SignatureProcesses
from app.ledger.rules.evidence import ReceiptReading, SignedReceipt

MANY: Final = 64
MANY_WITHIN_S: Final = 0.25
"""So many receipts within that time, and processes begin."""
_TOGETHER: Final = 32
REST_S: Final = 30.0
"""After processes were ended from outside none are begun for so long."""


@dataclass
class _Call:
    """Receipts that somebody waits for."""

    left: int
    done: asyncio.Future[None]

    def take(self) -> None:
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)


_Waiting = tuple[SignedReceipt, _Call]
_Found = list[ReceiptReading | None]


class ReceiptChecks:
    """Takes receipts as they come and checks those of a loop's turn together. Lives on the loop."""

    def __init__(self) -> None:
        self._processes: SignatureProcesses | None = None
        self._times: deque[float] = deque(maxlen=MANY)
        self._waiting: deque[_Waiting] = deque()
        self._at_work = 0
        self._called = False
        self._rests_until_s = 0.0

    def are_wanted(self, count: int) -> bool:
        """Count receipts that came, and tell whether to `check` them before the ledger does.

        Not where there are few, or processes are yet to begin.
        """
        now_s = asyncio.get_running_loop().time()
        self._times.extend([now_s] * count)
        return bool(count) and self._are_many(now_s) and self._are_ready(now_s)

    async def check(self, receipts: Sequence[SignedReceipt]) -> None:
        """Find out which receipts hold: these are then known as verified."""
        call = _Call(len(receipts), asyncio.get_running_loop().create_future())
        self._waiting.extend((receipt, call) for receipt in receipts)
        self._call_soon()
        await call.done

    def close(self) -> None:
        """End the processes; none begin any more."""
        self._rests_until_s = inf
        if self._processes is not None:
            self._processes.close()

    def _are_many(self, now_s: float) -> bool:
        return len(self._times) == MANY and now_s - self._times[0] < MANY_WITHIN_S

    def _are_ready(self, now_s: float) -> bool:
        """Tell whether processes take receipts now; begin them where there are none."""
        if now_s < self._rests_until_s:
            return False
        self._processes = self._processes or SignatureProcesses()
        return self._processes.ready

    def _call_soon(self) -> None:
        if not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._called = False
        processes = self._processes
        if processes is None:  # ended from outside a moment ago
            self._take(self._next_group(len(self._waiting)), None)
            return
        while self._waiting and self._at_work < 2 * processes.count:
            group = self._next_group(max(1, -(-len(self._waiting) // processes.count)))
            self._at_work += 1
            try:
                found = processes.check([receipt for receipt, _ in group])
            except BrokenExecutor:
                self._back(group, None)
            else:
                asyncio.wrap_future(found).add_done_callback(
                    lambda done, group=group: self._back(group, done)  # type: ignore[misc]
                )

    def _next_group(self, count: int) -> list[_Waiting]:
        count = min(count, _TOGETHER, len(self._waiting))
        return [self._waiting.popleft() for _ in range(count)]

    def _back(self, group: list[_Waiting], done: asyncio.Future[_Found] | None) -> None:
        """Take what processes found; where they were ended, the ledger finds out by itself."""
        self._at_work -= 1
        if done is None or done.cancelled() or done.exception() is not None:
            self._rest()
            self._take(group, None)
        else:
            self._take(group, done.result())

    def _rest(self) -> None:
        """Do without processes for a while: what ended them may end the next ones as well."""
        self._processes = None
        until_s = asyncio.get_running_loop().time() + REST_S
        self._rests_until_s = max(self._rests_until_s, until_s)

    def _take(self, group: Sequence[_Waiting], found: _Found | None) -> None:
        for (receipt, call), reading in zip(group, found or [None] * len(group), strict=True):
            if reading is not None:
                receipt.take_as_verified(reading)
            call.take()
        if self._waiting:
            self._call_soon()
