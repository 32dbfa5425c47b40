"""The phones of the rack: found, prepared, watched, lost, and let go."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable

from app.core.clock import Clock
from app.core.device import DeviceState
from app.core.errors import PhoneLostError, ShardloomError, WorkerError
from app.core.identifiers import Serial
from app.devices.discovery import Discovery
from app.devices.found_phone import FoundPhone
from app.devices.probe import read_vitals
from app.rack.blocking import BlockingPool
from app.rack.phone import Phone
from app.rack.preparation import Preparer
from app.rack.snapshot import TimelineKind
from app.rack.timeline import Timeline
from app.telemetry.samples import TelemetryStore
from workers.wire import PROTOCOL_VERSION, Kind

POLL_INTERVAL_S = 1.0
WATCH_INTERVAL_S = 0.25
VITALS_INTERVAL_S = 5.0
GREETING_INTERVAL_S = 10.0
SETTLED_TIMEOUT_S = 60.0
SETTLING_INTERVAL_S = 0.05
ACCEPTANCE_TIMEOUT_S = 5.0
"""How long an opening rack waits for a person to accept this computer on a phone."""
_log = logging.getLogger("shardloom.rack")


class Fleet:
    """Every phone ever seen by this rack, by serial. Lives on the service loop."""

    def __init__(
        self,
        discovery: Discovery,
        preparer: Preparer,
        pool: BlockingPool,
        telemetry: TelemetryStore,
        timeline: Timeline,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self.phones: dict[Serial, Phone] = {}
        self.preparer = preparer
        self._discovery = discovery
        self._pool = pool
        self._telemetry = telemetry
        self._timeline = timeline
        self._clock = clock
        self._changed = changed
        self._preparing: dict[Serial, asyncio.Task[None]] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._on_lost: list[Callable[[Phone], None]] = []

    @property
    def usable(self) -> list[Phone]:
        """Phones layers may be given to, in rack order."""
        phones = sorted(self.phones.values(), key=lambda phone: phone.position)
        return [phone for phone in phones if phone.usable and phone.profile is not None]

    def on_lost(self, listener: Callable[[Phone], None]) -> None:
        """Call the listener when a usable phone stops answering."""
        self._on_lost.append(listener)

    async def start(self) -> None:
        """Find the first phones and wait until each is ready, has failed or waits for a person."""
        started_s = self._clock.monotonic_s()
        await self._poll()
        self._loops = [
            asyncio.create_task(self._forever(self._poll, POLL_INTERVAL_S)),
            asyncio.create_task(self._forever(self._watch, WATCH_INTERVAL_S)),
            asyncio.create_task(self._forever(self._read_vitals, VITALS_INTERVAL_S)),
            asyncio.create_task(self._forever(self._greet, GREETING_INTERVAL_S)),
        ]
        while not self._settled(self._clock.monotonic_s() - started_s):  # noqa: ASYNC110 - two clocks decide, not one event
            await asyncio.sleep(SETTLING_INTERVAL_S)

    async def stop(self) -> None:
        """Stop every worker and let go of every phone."""
        tasks = [*self._loops, *self._preparing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(self._release(phone) for phone in self.phones.values()))

    def mark_lost(self, phone: Phone, reason: str) -> None:
        """Note that a phone cannot be used; said once."""
        if phone.state is DeviceState.LOST:
            return
        phone.state, phone.state_reason = DeviceState.LOST, reason
        if phone.client is not None:
            phone.client.give_up()
        self._timeline.add(TimelineKind.ERROR, reason, phone.serial)
        self._changed()

    async def relaunch(self, phone: Phone) -> None:
        """Start a new worker on a phone whose worker is gone."""
        phone.state, phone.state_reason = DeviceState.PREPARING, ""
        self._changed()
        try:
            await self.preparer.launch(phone)
        except ShardloomError as error:
            phone.state, phone.state_reason = DeviceState.LOST, str(error)
            raise
        finally:
            self._changed()

    async def _forever(self, action: Callable[[], object], interval_s: float) -> None:
        while True:
            try:
                outcome = action()
                if asyncio.iscoroutine(outcome):
                    await outcome
            except ShardloomError as error:
                _log.warning("%s", error)
            except Exception:  # noqa: BLE001 - the watch goes on; the log has the trace
                _log.exception("a watch over the rack failed")
            await asyncio.sleep(interval_s)

    def _settled(self, elapsed_s: float) -> bool:
        states = {phone.state for phone in self.phones.values()}
        if elapsed_s > SETTLED_TIMEOUT_S:
            return True
        if states & {DeviceState.FOUND, DeviceState.PREPARING}:
            return False
        return DeviceState.UNAUTHORIZED not in states or elapsed_s > ACCEPTANCE_TIMEOUT_S

    async def _poll(self) -> None:
        everything = await self._pool.run(self._discovery.poll)
        self._forget_strangers({found.serial for found in everything})
        for place, found in enumerate(everything, start=1):
            self._consider(found, place)

    def _forget_strangers(self, seen: set[Serial]) -> None:
        """Drop addresses that stood for phones whose serial is known by now."""
        for phone in list(self.phones.values()):
            stranger = phone.description is None and phone.serial not in self._preparing
            if stranger and phone.serial not in seen:
                del self.phones[phone.serial]

    def _free_position(self, place: int) -> int:
        taken = {phone.position for phone in self.phones.values()}
        return place if place not in taken else max(taken) + 1

    def _consider(self, found: FoundPhone, place: int) -> None:
        phone = self.phones.get(found.serial)
        if phone is None:
            phone = Phone(found.serial, self._free_position(place))
            self.phones[found.serial] = phone
            phone.state, phone.state_reason = found.state, found.reason
            self._changed()
        if found.serial in self._preparing or phone.client is not None:
            return
        waiting = phone.state in {DeviceState.FOUND, DeviceState.UNAUTHORIZED}
        if waiting and found.state not in {DeviceState.LOST, DeviceState.UNAUTHORIZED}:
            task = asyncio.create_task(self.preparer.prepare(phone, found))
            self._preparing[found.serial] = task
            task.add_done_callback(lambda _task: self._preparing.pop(found.serial, None))
        elif waiting:
            phone.state, phone.state_reason = found.state, found.reason

    def _watch(self) -> None:
        now_s = self._clock.monotonic_s()
        for phone in self.phones.values():
            client = phone.client
            if client is None or not phone.usable:
                continue
            if client.pulse is not None:
                self._telemetry.record_memory(phone.serial, now_s, client.pulse.resident_bytes)
            if client.lost:
                reason = f"{phone.name} stopped answering {client.silent_s:.1f} s ago."
                self.mark_lost(phone, reason)
                for listener in self._on_lost:
                    listener(phone)

    async def _read_vitals(self) -> None:
        await asyncio.gather(*(self._read_vitals_of(phone) for phone in self.phones.values()))

    async def _read_vitals_of(self, phone: Phone) -> None:
        if phone.link is None or not phone.usable or phone.link_lock.locked():
            return
        async with phone.link_lock:
            try:
                phone.vitals = await self._pool.run(read_vitals, phone.link)
            except ShardloomError as error:
                _log.info("%s: vitals not read: %s", phone.serial, error)

    async def _greet(self) -> None:
        clients = [phone.client for phone in self.phones.values() if phone.client is not None]
        await asyncio.gather(
            *(
                client.call(Kind.HELLO, protocol=PROTOCOL_VERSION, nonce=os.urandom(32))
                for client in clients
                if not client.lost
            ),
            return_exceptions=True,
        )

    async def _release(self, phone: Phone) -> None:
        client = phone.client
        if client is not None and not client.lost:
            try:
                await client.call(Kind.STOP, timeout_s=2.0)
            except (PhoneLostError, WorkerError) as error:
                _log.info("%s did not stop by itself: %s", phone.serial, error)
                await self._end_worker(phone)
        await self.preparer.disconnect(phone)
        if phone.link is not None:
            await self._pool.run(phone.link.close)

    async def _end_worker(self, phone: Phone) -> None:
        if phone.deployer is None or phone.process_id is None:
            return
        try:
            await self._pool.run(phone.deployer.stop, phone.process_id)
        except ShardloomError as error:
            _log.warning("%s: its worker could not be ended: %s", phone.serial, error)
