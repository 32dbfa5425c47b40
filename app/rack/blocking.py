"""A small pool of threads for calls that block: ADB, hashing, files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
_log = logging.getLogger("shardloom.rack")


class BlockingPool:
    """Lets coroutines await blocking calls."""

    def __init__(self, threads: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(
        self,
        function: Callable[_Parameters, _Result],
        *arguments: _Parameters.args,
        **keywords: _Parameters.kwargs,
    ) -> _Result:
        """Run a blocking call on the pool and return its result."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: function(*arguments, **keywords))

    async def run_to_its_end(
        self,
        function: Callable[_Parameters, _Result],
        *arguments: _Parameters.args,
        **keywords: _Parameters.kwargs,
    ) -> _Result:
        """Like `run`, but a cancelled caller leaves only once the call has ended.

        For calls on something that one thread at a time may use.
        """
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._executor, lambda: function(*arguments, **keywords))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            await asyncio.wait([call])
            _forgive(call)
            raise

    def shutdown(self) -> None:
        """End the threads once their calls are done."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _forgive(call: asyncio.Future[_Result]) -> None:
    """Note how a call ended that nobody waits for any more."""
    error = None if call.cancelled() else call.exception()
    if error is not None:
        _log.info("a call that was not needed any more ended with: %s", error)
