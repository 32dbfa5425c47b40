"""An event loop on which waiting takes no time: where nothing is ready, its clock jumps.

As trio's `MockClock` with `autojump` does it, below asyncio: all that waits by the loop,
`asyncio.sleep` and `asyncio.timeout` among it, so waits virtually, in the order in which it would
have ended. There is no selector: nothing may wait for a process or a socket. What is handed to an
executor runs at once, in place, so that no thread begins; its outcome is known a moment later.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context
from typing import TypeVar, TypeVarTuple

from app.core.clock import WaitsOnTheLoop

_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")
_START_WALL_MS = 1_800_000_000_000
_LEAST_S = 1e-9
"""What passes in each turn of the loop: a wait shorter than the clock can tell has an end."""


class NothingHappensError(Exception):
    """Every task waits for something that can never come."""


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """Starts at 0 s; what is due at the same moment runs in the order in which it was asked for."""

    def __init__(self, call_s: Callable[[], float] = lambda: 0.0) -> None:
        """Each call on an executor takes `call_s()` seconds."""
        super().__init__()
        self._call_s = call_s
        self._now_s = 0.0
        self._numbers = itertools.count()
        self._soon: deque[asyncio.Handle] = deque()
        self._due: list[tuple[float, int, asyncio.TimerHandle]] = []

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._now_s

    def call_soon(
        self,
        callback: Callable[[*_Arguments], object],
        *args: *_Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Call it in the next turn."""
        handle = asyncio.Handle(callback, args, self, context)
        self._soon.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # there is no other thread

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Arguments], object],
        *args: *_Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call it at a moment of the loop's time."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._due, (when, next(self._numbers), handle))
        return handle

    def _timer_handle_cancelled(self, _handle: asyncio.TimerHandle) -> None:
        """Leave it where it is: it is passed over when its turn comes."""

    def _run_once(self) -> None:
        """Run what is ready; where nothing is, go to the moment at which something will be."""
        due, soon = self._due, self._soon
        self._now_s += _LEAST_S
        while due and (due[0][0] <= self._now_s or not soon or due[0][2].cancelled()):
            when_s, _, handle = heapq.heappop(due)
            if not handle.cancelled():
                self._now_s = max(self._now_s, when_s)
                soon.append(handle)
        if not soon:
            raise NothingHappensError
        for _ in range(len(soon)):
            ready = soon.popleft()
            if not ready.cancelled():
                ready._run()  # noqa: SLF001 - what `BaseEventLoop` does here

    def run_in_executor(
        self,
        _executor: Executor | None,
        func: Callable[[*_Arguments], _Result],
        *args: *_Arguments,
    ) -> asyncio.Future[_Result]:
        """Call the function here and now; what it returns or raises is known `call_s()` later."""
        future: asyncio.Future[_Result] = self.create_future()
        try:
            result = func(*args)
        except Exception as error:  # noqa: BLE001 - whoever awaits it hears of it
            self.call_later(self._call_s(), _fail, future, error)
        else:
            self.call_later(self._call_s(), _succeed, future, result)
        return future


def _succeed(future: asyncio.Future[_Result], result: _Result) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[_Result], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


class LoopClock(WaitsOnTheLoop):
    """The running event loop's time as a clock."""

    def monotonic_s(self) -> float:
        """Return the loop's seconds."""
        return asyncio.get_running_loop().time()

    def wall_ms(self) -> int:
        """Return a fixed start plus the loop's time, so that journals repeat to the byte."""
        return _START_WALL_MS + int(self.monotonic_s() * 1000)


def run_in_virtual_time(
    work: Coroutine[object, object, _Result], call_s: Callable[[], float] = lambda: 0.0
) -> _Result:
    """Run to its end on a loop of its own; each call on an executor takes `call_s()` seconds.

    Raises `NothingHappensError` where everything waits for what can never come.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(call_s)) as runner:
        return runner.run(work)
