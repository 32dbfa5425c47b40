"""Receipts checked before the ledger takes them: in processes, as soon as there are many."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from typing import Final

from app.ledger.journal.signature_processes import CheckedReceipts, SignatureProcesses
from app.ledger.rules.evidence import SignedReceipt

MANY: Final = 64
MANY_WITHIN_S: Final = 0.25
"""So many receipts within that time, and processes begin."""
_TOGETHER: Final = 32

_Waiting = tuple[SignedReceipt, "asyncio.Future[None]"]


class ReceiptChecks:
    """Takes receipts as they come and checks those of a loop's turn together. Lives on the loop."""

    def __init__(self) -> None:
        self._processes: SignatureProcesses | None = None
        self._times: deque[float] = deque(maxlen=MANY)
        self._waiting: deque[_Waiting] = deque()
        self._at_work = 0
        self._called = False

    async def check(self, receipts: Sequence[SignedReceipt], checked: CheckedReceipts) -> None:
        """Let `checked` know those that hold.

        Where there are few it returns at once: whoever takes them checks what it does not know.
        """
        loop = asyncio.get_running_loop()
        self._times.extend([loop.time()] * len(receipts))
        if not self._are_many(loop.time()):
            return
        asked = [(receipt, loop.create_future()) for receipt in receipts]
        self._waiting.extend(asked)
        if not self._called:
            self._called = True
            loop.call_soon(self._hand_over, checked)
        await asyncio.gather(*(done for _, done in asked))

    def close(self) -> None:
        """End the processes."""
        if self._processes is not None:
            self._processes.close()

    def _are_many(self, now_s: float) -> bool:
        return len(self._times) == MANY and now_s - self._times[0] < MANY_WITHIN_S

    def _hand_over(self, checked: CheckedReceipts) -> None:
        self._called = False
        processes = self._processes = self._processes or SignatureProcesses()
        while self._waiting and self._at_work < 2 * processes.count:
            count = min(_TOGETHER, max(1, -(-len(self._waiting) // processes.count)))
            group = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
            self._at_work += 1
            try:
                found = processes.check([receipt for receipt, _ in group])
            except BrokenExecutor:
                self._take(group, None, checked)
            else:
                asyncio.wrap_future(found).add_done_callback(
                    lambda done, group=group: self._take(group, done, checked)  # type: ignore[misc]
                )

    def _take(
        self,
        group: Sequence[_Waiting],
        done: asyncio.Future[list[bool]] | None,
        checked: CheckedReceipts,
    ) -> None:
        """Take what processes found; where they were ended, the ledger finds out by itself."""
        self._at_work -= 1
        if done is None or done.cancelled() or done.exception() is not None:
            self._processes = None
            holds = [False] * len(group)
        else:
            holds = done.result()
        for (receipt, waits), holding in zip(group, holds, strict=True):
            if holding:
                checked.add(receipt)
            if not waits.done():
                waits.set_result(None)
        if self._waiting and not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._hand_over, checked)
