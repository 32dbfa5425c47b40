"""The one place where tasks begin: each has an owner and a name, and none fails unheard.

A nursery owns its tasks as trio's does, with one difference: what one of them raises ends that one
alone. `asyncio.TaskGroup` would cancel its neighbours, and a rack must not stop because one watch
over it met something unexpected.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from app.core.clock import Clock
from app.core.errors import ShardloomError

FIRST_RETRY_S: Final = 0.5
"""Pause before a watch that failed is started again; it doubles with each failure in a row."""
LONGEST_RETRY_S: Final = 30.0
CLOSING_TIMEOUT_S: Final = 20.0
"""How long cancelled tasks are waited for; those still running are named in the log."""

_Result = TypeVar("_Result")
_log = logging.getLogger("shardloom.tasks")


@dataclass(frozen=True)
class TaskFailure:
    """A task that ended with something nobody expected."""

    name: str
    error: BaseException
    retry_s: float | None = None
    """After how long it is started again; None where it is not."""
    in_a_row: int = 1
    """The how manieth failure without a success in between."""


class Nursery:
    """Owns tasks of one event loop: names them, tells of failures, cancels them together."""

    def __init__(self, clock: Clock, tell: Callable[[TaskFailure], None] | None = None) -> None:
        """`tell` hears of each failure nobody else would hear of, on the loop."""
        self._clock = clock
        self._tell = tell
        self._tasks: set[asyncio.Task[object]] = set()
        self._children: set[Nursery] = set()
        self.closed = False

    @property
    def task_count(self) -> int:
        """How many tasks of its own run now."""
        return len(self._tasks)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tasks that run now, those of its children included."""
        own = [task.get_name() for task in self._tasks]
        return tuple(sorted([*own, *(name for each in self._children for name in each.names)]))

    def child(self) -> Nursery:
        """Return a nursery that can be closed by itself, and is closed with this one."""
        child = Nursery(self._clock, self._tell)
        child.closed = self.closed
        self._children = {each for each in self._children if not each.closed} | {child}
        return child

    def start(self, work: Coroutine[object, object, _Result], name: str) -> asyncio.Task[_Result]:
        """Start work whose outcome the caller awaits; a failure is the caller's to tell.

        In a nursery that is closed the task is cancelled before it begins.
        """
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.closed:
            task.cancel()
        return task

    def start_soon(self, work: Coroutine[object, object, object], name: str) -> asyncio.Task[None]:
        """Start work that nobody awaits; what it raises is logged and told."""
        if self.closed:
            work.close()
        return self.start(self._to_its_end(work, name), name)

    def watch(
        self, look: Callable[[], Awaitable[object] | None], name: str, interval_s: float
    ) -> asyncio.Task[None]:
        """Call `look` again and again, `interval_s` after the last one ended, until closed.

        A `ShardloomError` is logged in a line. Anything else is a bug of ours: it is logged with
        its trace and told, and the watch goes on after a pause that grows with each such failure
        in a row.
        """
        return self.start(self._watch(look, name, interval_s), name)

    @contextmanager
    def adopted(self) -> Iterator[None]:
        """Own the task that runs this meanwhile: it ends with the others.

        In a nursery that is closed it is cancelled where it waits next. Raises `RuntimeError`
        outside of a task.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("not-in-a-task")
        self._tasks.add(task)
        if self.closed:
            task.cancel()
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def close(self, timeout_s: float = CLOSING_TIMEOUT_S) -> None:
        """Begin nothing any more, cancel every task and return once they have ended.

        The one that calls this goes on.
        """
        self.closed = True
        for child in tuple(self._children):
            await child.close(timeout_s)
        self._children.clear()
        await self.cancel_all(timeout_s)

    async def cancel_all(self, timeout_s: float = CLOSING_TIMEOUT_S) -> None:
        """Cancel its own tasks and return once they have ended; new ones may begin afterwards."""
        waited = self._others()
        for task in waited:
            task.cancel()
        if waited:
            _, left = await asyncio.wait(waited, timeout=timeout_s)
            for task in left:
                _log.error("%s was cancelled and did not end", task.get_name())

    def _others(self) -> set[asyncio.Task[object]]:
        return self._tasks - {asyncio.current_task()}

    async def _to_its_end(self, work: Coroutine[object, object, object], name: str) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - told; its neighbours go on
            self._failed(TaskFailure(name, error))

    async def _watch(
        self, look: Callable[[], Awaitable[object] | None], name: str, interval_s: float
    ) -> None:
        failures = 0
        while not self.closed:
            pause_s = interval_s
            try:
                outcome = look()
                if outcome is not None:
                    await outcome
                failures = 0
            except ShardloomError as error:
                _log.warning("%s: %s", name, error)
            except Exception as error:  # noqa: BLE001 - told; the watch goes on
                pause_s = max(interval_s, min(FIRST_RETRY_S * 2**failures, LONGEST_RETRY_S))
                failures += 1
                self._failed(TaskFailure(name, error, pause_s, failures))
            await self._clock.sleep(pause_s)

    def _failed(self, failure: TaskFailure) -> None:
        _log.error("%s failed", failure.name, exc_info=failure.error)
        if self._tell is not None:
            self._tell(failure)
