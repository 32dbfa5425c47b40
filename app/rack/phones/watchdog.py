"""Workers that ended by themselves, started again; not those a tester broke, and not for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from app.core.device import DeviceState
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.rack.context import RackContext
from app.rack.phones.phone import Phone
from app.rack.snapshot import TimelineKind

PAUSES_S = (1.0, 4.0, 16.0)
"""Before the first, second and third restart in a window; there is no fourth."""
WINDOW_S = 300.0
_log = logging.getLogger("shardloom.rack")


class Watchdog:
    """Restarts of all phones of a rack. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        revive: Callable[[Phone], Awaitable[bool]],
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        """`revive` tells whether it only took the worker up again, else it started a new one.

        It raises `ShardloomError` where neither can be done.
        """
        self._pool = context.pool
        self._timeline = context.timeline
        self._clock = context.clock
        self._nursery = context.nursery.child()
        self._restart_or_take_up = revive
        self._pauses_s = tuple(pauses_s)
        self._restarted_at_s: dict[Serial, list[float]] = {}
        self._reviving: dict[Serial, asyncio.Task[None]] = {}

    def worker_lost(self, phone: Phone) -> None:
        """Begin to look after a phone whose worker does not answer; returns at once."""
        if phone.fault is not None or phone.serial in self._reviving:
            return
        task = self._nursery.start_soon(self._revive(phone), f"reviving {phone.name}")
        self._reviving[phone.serial] = task
        task.add_done_callback(lambda _task: self._reviving.pop(phone.serial, None))

    def may_restart(self, serial: Serial) -> bool:
        """Tell whether a restart is under way or another one would be tried."""
        return serial in self._reviving or self._next_pause_s(serial) is not None

    async def stop(self) -> None:
        """Restart nothing more."""
        await self._nursery.close()

    async def _revive(self, phone: Phone) -> None:
        """Start a worker until one stands, the phone is gone or it was tried often enough."""
        while (pause_s := self._next_pause_s(phone.serial)) is not None:
            await self._clock.sleep(pause_s)
            if not await self._has_fallen(phone):
                return
            restarts = self._restarted_at_s.setdefault(phone.serial, [])
            restarts.append(self._clock.monotonic_s())
            try:
                if await self._restart_or_take_up(phone):
                    restarts.pop()
            except ShardloomError as error:
                _log.warning("%s: its worker was not restarted: %s", phone.serial, error)
            else:
                return
        self._leave_alone(phone)

    def _next_pause_s(self, serial: Serial) -> float | None:
        """Return how long to wait before the next restart, None where there was one too many."""
        begin_s = self._clock.monotonic_s() - WINDOW_S
        recent = [at_s for at_s in self._restarted_at_s.get(serial, []) if at_s > begin_s]
        self._restarted_at_s[serial] = recent
        return self._pauses_s[len(recent)] if len(recent) < len(self._pauses_s) else None

    async def _has_fallen(self, phone: Phone) -> bool:
        """Ask the phone itself whether its worker is gone; one that cannot be asked is away.

        So has one that runs on where only the connection to it was lost.
        """
        if phone.state is not DeviceState.LOST or phone.fault is not None or phone.connection.away:
            return False
        silent = phone.client is None or phone.client.is_silent
        async with phone.connection.lock:
            deployer, process_id = phone.connection.deployer, phone.worker.process_id
            if deployer is None or process_id is None:
                return False
            try:
                runs = await self._pool.run(deployer.runs, process_id)
            except ShardloomError as error:
                _log.info("%s: its link does not answer: %s", phone.serial, error)
                return False
        return phone.state is DeviceState.LOST and (silent or not runs or phone.worker.unheard)

    def _leave_alone(self, phone: Phone) -> None:
        told = Fact(
            "phone.left_alone",
            phone=phone.name,
            restarts=len(self._pauses_s),
            minutes=round(WINDOW_S / 60),
        )
        if phone.state is DeviceState.LOST:
            phone.enter(DeviceState.LOST, told)
        self._timeline.add(TimelineKind.ERROR, told, phone.serial)
