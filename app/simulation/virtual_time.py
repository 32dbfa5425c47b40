"""An event loop on which waiting takes no time: where nothing is ready, its clock jumps.

As trio's `MockClock` with `autojump` does it, below asyncio: the selector is asked without
waiting, and the pause it was asked for is added to the loop's time. All that waits by the loop,
`asyncio.sleep` and `asyncio.timeout` among it, so waits virtually, in the order in which it would
have ended. What is handed to an executor runs at once, in place, so that no thread begins; its
outcome is known a moment later. Nothing may wait for a process or a socket of another process.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from app.core.clock import WaitsOnTheLoop

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")
_START_WALL_MS = 1_800_000_000_000
_LEAST_S = 1e-9
"""What passes while the loop goes round once: a wait shorter than the clock can tell has an end."""


class NothingHappensError(Exception):
    """Every task waits for something that can never come."""


class _JumpingSelector(selectors.BaseSelector):
    """Never waits: moves the time instead."""

    def __init__(self) -> None:
        self._real = selectors.SelectSelector()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready:
            return ready
        if timeout is None:
            raise NothingHappensError
        self.now_s += max(timeout, _LEAST_S)
        return []

    def register(
        self, fileobj: FileDescriptorLike, events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Starts at 0 s; what is due at the same moment runs in the order in which it was asked for."""

    def __init__(self, call_s: Callable[[], float] = lambda: 0.0) -> None:
        """Each call on an executor takes `call_s()` seconds."""
        self._jumping = _JumpingSelector()
        self._call_s = call_s
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._jumping.now_s

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
