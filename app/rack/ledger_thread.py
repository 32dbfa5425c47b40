"""The ledger on its own thread: one writer, and the service loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar, cast

from app.core.clock import Clock
from app.core.nursery import Nursery
from app.ledger.group_commit import OperationOutcome, commit_together
from app.ledger.journal.receipt_checks import ReceiptChecks
from app.ledger.ledger import Ledger
from app.ledger.rules.governance.statement import SignedStatement
from app.ledger.rules.kept.evidence_rule import EvidenceRule
from app.ledger.views.journal_page import JournalPage, JournalSearch
from app.ledger.views.pages import read_page
from app.ledger.views.snapshot import LedgerSnapshot
from app.proof.convicting.facts import proven_fault
from app.rack.home import Home

LARGEST_GROUP = 256
"""So many operations share a commit at most: one at the end of a group waits for all of it."""
HOLD_INTERVAL_S = 5.0
"""A lease lasts three times as long (`app.ledger.storage.postgres`)."""
MOST_WAITING = 1024
"""Operations waiting for the ledger's thread; whoever comes with one more waits to hand it in."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class _QueuedOperation:
    """An operation and where its outcome is awaited."""

    operation: Callable[[Ledger], object]
    outcome: asyncio.Future[OperationOutcome]


class LedgerThread:
    """Runs every ledger operation, in order, on one thread. Lives on the service loop.

    What arrives while a commit runs is committed together after it.
    """

    def __init__(
        self, home: Home, clock: Clock, nursery: Nursery, largest_group: int = LARGEST_GROUP
    ) -> None:
        """Take a nursery that is closed later, so that no commit is broken off."""
        self._home = home
        self._clock = clock
        self._nursery = nursery
        self._largest_group = largest_group
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._ledger: Ledger | None = None
        self.receipt_checks = ReceiptChecks()
        """Checks receipts beside this thread where many come; it then need not do so."""
        self._room = asyncio.Semaphore(MOST_WAITING)
        self._waiting: deque[_QueuedOperation] = deque()
        self._committing: asyncio.Task[None] | None = None
        self.newest: LedgerSnapshot | None = None
        self.host_key = b""
        """The ledger's public key, once it is open."""

    @property
    def is_open(self) -> bool:
        """Tell whether there is a ledger to run operations on."""
        return self._ledger is not None

    async def open(self) -> None:
        """Open the ledger. Raises `LedgerError` where it cannot be used."""
        loop = asyncio.get_running_loop()
        self._ledger = await loop.run_in_executor(
            self._thread,
            lambda: Ledger(
                self._home.ledger_place, self._home.ledger_key, self._clock, proven_fault
            ),
        )
        self.host_key = self._ledger.host_key
        await self.run(lambda ledger: ledger.recover())

    async def run(self, operation: Callable[[Ledger], _Result]) -> _Result:
        """Run an operation on the ledger's thread; return once what it wrote is on the disk.

        It counts whole or, where this raises, not at all. `newest` is the snapshot after it.
        """
        async with self._room:
            if self._ledger is None:
                raise RuntimeError("ledger-not-open")
            call = _QueuedOperation(operation, asyncio.get_running_loop().create_future())
            self._waiting.append(call)
            if self._committing is None:
                self._committing = self._nursery.start(
                    self._commit_waiting(self._ledger), "commit of the ledger"
                )
            outcome = await call.outcome
        return cast(_Result, outcome.result())

    async def hold(self) -> None:
        """Tell others that this one writes. Raises `LedgerError` where it may no more."""
        await self.run(lambda ledger: ledger.writers.hold())

    async def read_page(self, before: int | None, count: int, search: JournalSearch) -> JournalPage:
        """Read rows of the journal as it is on the disk, beside this thread."""
        path, loop = self._home.ledger_place, asyncio.get_running_loop()
        return await loop.run_in_executor(None, read_page, path, before, count, search)

    async def confirm_class(self, name: str) -> None:
        """Close the breaker of a class. Raises `LedgerError` where it is not in doubt."""
        await self.run(lambda ledger: ledger.confirm_class(name))

    async def keep_evidence(self, most_days: int, most_bytes: int) -> None:
        """Keep evidence by another rule. Raises `LedgerError` for one out of bounds."""
        rule = EvidenceRule(most_days, most_bytes)
        await self.run(lambda ledger: ledger.kept_evidence.keep_by(rule))

    async def submit(self, data: str, signature: str, key: str) -> str:
        """Journal what a keeper signed; signature and key are hexadecimal. Raises `LedgerError`."""
        signed = SignedStatement.from_fields({"data": data, "signature": signature, "key": key})
        return await self.run(lambda ledger: ledger.intake.submit(signed))

    async def stop_payments(self, seconds: int, reason: str) -> None:
        """Begin an emergency stop of so many seconds; end the one in force where it is of 0."""

        def order(ledger: Ledger) -> None:
            if seconds:
                ledger.governance.stop_for(seconds, reason)
            else:
                ledger.governance.resume()

        await self.run(order)

    async def close(self) -> None:
        """Write what is waiting, then close the ledger and end its thread."""
        ledger, self._ledger = self._ledger, None
        if self._committing is not None:
            await self._committing
        if ledger is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, ledger.close)
        self._thread.shutdown()
        await asyncio.get_running_loop().run_in_executor(None, self.receipt_checks.close)

    async def _commit_waiting(self, ledger: Ledger) -> None:
        try:
            while group := self._next_group():
                for call, outcome in zip(group, await self._commit(ledger, group), strict=True):
                    if not call.outcome.done():
                        call.outcome.set_result(outcome)
        finally:
            self._committing = None

    def _next_group(self) -> list[_QueuedOperation]:
        """Take the calls that waited longest, without those that nobody waits for any more."""
        group: list[_QueuedOperation] = []
        while self._waiting and len(group) < self._largest_group:
            call = self._waiting.popleft()
            if not call.outcome.done():
                group.append(call)
        return group

    async def _commit(
        self, ledger: Ledger, group: list[_QueuedOperation]
    ) -> list[OperationOutcome]:
        operations = [call.operation for call in group]

        def commit() -> tuple[list[OperationOutcome], LedgerSnapshot]:
            return commit_together(ledger, operations), ledger.snapshot()

        try:
            loop = asyncio.get_running_loop()
            outcomes, self.newest = await loop.run_in_executor(self._thread, commit)
        except Exception as error:  # noqa: BLE001 - nobody may wait for ever
            return [OperationOutcome(error=error) for _ in group]
        return outcomes
