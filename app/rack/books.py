"""The ledger on its own thread: one writer, and the service loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from app.core.clock import Clock
from app.ledger.ledger import Ledger
from app.ledger.views import LedgerSnapshot
from app.rack.home import Home

_Result = TypeVar("_Result")


class Books:
    """Runs every ledger operation, in order, on one thread."""

    def __init__(self, home: Home, clock: Clock) -> None:
        self._home = home
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._ledger: Ledger | None = None
        self.newest: LedgerSnapshot | None = None

    async def open(self) -> None:
        """Open the ledger. Raises `LedgerError` where it cannot be used."""
        loop = asyncio.get_running_loop()
        self._ledger = await loop.run_in_executor(
            self._thread,
            lambda: Ledger(self._home.ledger_file, self._home.ledger_key, self._clock),
        )
        await self.run(lambda _ledger: None)

    async def run(self, operation: Callable[[Ledger], _Result]) -> _Result:
        """Run an operation on the ledger's thread and keep the snapshot after it."""
        ledger = self._ledger
        if ledger is None:
            raise RuntimeError("the ledger is not open")

        def operate() -> tuple[_Result, LedgerSnapshot]:
            return operation(ledger), ledger.snapshot()

        loop = asyncio.get_running_loop()
        result, self.newest = await loop.run_in_executor(self._thread, operate)
        return result

    async def close(self) -> None:
        """Close the ledger and end its thread."""
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, ledger.close)
        self._thread.shutdown()
