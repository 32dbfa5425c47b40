"""Lost workers, taken up or started again; not those a tester broke, and not for ever.

A worker that runs on is taken up: one out of reach or at odds with another phone as often as it
takes, one that was late or could not go on once in a while. Where that fails, where it came to it
again or where the worker has ended, a new one is started. What counts against a phone is a restart
that it gave cause for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.core.device import DeviceState
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.rack.context import RackContext
from app.rack.phones.phone import Phone
from app.rack.snapshot import TimelineKind

PAUSES_S = (1.0, 4.0, 16.0)
"""Before the first, second and third revival in a window; there is no fourth restart."""
WINDOW_S = 300.0
LOOKS_IN_VAIN = 20
"""How often a phone is asked that does not answer; as a rule discovery sees before that it is gone,
and it is prepared again on its return."""
_log = logging.getLogger("shardloom.rack")


@dataclass(frozen=True)
class _Revival:
    """One time a worker was looked after, and whether that counts against its phone."""

    at_s: float
    counts: bool


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
        self._revivals: dict[Serial, list[_Revival]] = {}
        self._reviving: dict[Serial, asyncio.Task[None]] = {}

    def worker_lost(self, phone: Phone) -> None:
        """Begin to look after a phone whose worker does not answer; returns at once."""
        if phone.fault is not None or phone.serial in self._reviving:
            return
        task = self._nursery.start_soon(self._look_after(phone), f"reviving {phone.name}")
        self._reviving[phone.serial] = task

    def may_restart(self, serial: Serial) -> bool:
        """Tell whether a restart is under way or another one would be tried."""
        return serial in self._reviving or self._next_pause_s(serial) is not None

    async def stop(self) -> None:
        """Restart nothing more."""
        await self._nursery.close()

    async def _look_after(self, phone: Phone) -> None:
        try:
            await self._revive(phone)
        finally:  # at once: whoever loses it in the next moment must find it looked after by nobody
            self._reviving.pop(phone.serial, None)

    async def _revive(self, phone: Phone) -> None:
        """Look after a worker until one stands, the phone is gone or it was tried often enough."""
        looks_in_vain = 0
        while (pause_s := self._next_pause_s(phone.serial)) is not None:
            await self._clock.sleep(pause_s)
            if not _is_ours_to_revive(phone):
                return
            runs = await self._runs(phone)
            if runs is None:
                looks_in_vain += 1
                if looks_in_vain >= LOOKS_IN_VAIN:
                    return
            elif not _is_ours_to_revive(phone) or await self._is_revived(phone, runs=runs):
                return
        self._leave_alone(phone)

    async def _is_revived(self, phone: Phone, *, runs: bool) -> bool:
        """Take the worker up or start one; note what is to count against the phone."""
        was_silent = phone.client is None or phone.client.is_silent
        blameless = runs and (was_silent or phone.worker.may_go_on)
        phone.worker.may_go_on |= runs and not self._revivals[phone.serial]
        try:
            taken_up = await self._restart_or_take_up(phone)
        except ShardloomError as error:
            _log.warning("%s: its worker was not restarted: %s", phone.serial, error)
            self._note(phone, counts=True)
            return False
        if not (taken_up and blameless):
            self._note(phone, counts=not (taken_up or blameless))
        return True

    def _note(self, phone: Phone, *, counts: bool) -> None:
        revival = _Revival(self._clock.monotonic_s(), counts)
        self._revivals.setdefault(phone.serial, []).append(revival)

    def _next_pause_s(self, serial: Serial) -> float | None:
        """Return how long to wait before the next revival, None where there was one too many."""
        begin_s = self._clock.monotonic_s() - WINDOW_S
        recent = [each for each in self._revivals.get(serial, []) if each.at_s > begin_s]
        self._revivals[serial] = recent
        if sum(each.counts for each in recent) >= len(self._pauses_s):
            return None
        return self._pauses_s[min(len(recent), len(self._pauses_s) - 1)]

    async def _runs(self, phone: Phone) -> bool | None:
        """Ask the phone itself whether its worker runs; None where the phone does not answer."""
        async with phone.connection.lock:
            deployer, process_id = phone.connection.deployer, phone.worker.process_id
            if deployer is None or process_id is None:
                return None
            try:
                return await self._pool.run(deployer.runs, process_id)
            except ShardloomError as error:
                _log.info("%s: its link does not answer: %s", phone.serial, error)
                return None

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


def _is_ours_to_revive(phone: Phone) -> bool:
    """Tell whether it is lost, but neither broken by a tester nor away, which others see to."""
    return phone.state is DeviceState.LOST and phone.fault is None and not phone.connection.away
