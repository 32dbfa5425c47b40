"""Reading every phone's vitals at a pace, one reading at a time for each phone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from functools import partial

from app.core.device import DeviceState
from app.core.errors import ShardloomError
from app.core.identifiers import Serial
from app.core.vitals import RESTING_VITALS_INTERVAL_S, DeviceVitals
from app.devices.condition.vitals import VitalsReader
from app.rack.context import RackContext
from app.rack.phones.phone import Phone
from app.telemetry.history import HistoryStore, Metric

STOP_TIMEOUT_S = 1.0
_READ_STATES = frozenset(
    {DeviceState.READY, DeviceState.JAILED, DeviceState.STANDBY, DeviceState.LOST}
)
"""A phone whose worker is lost may still tell by its own vitals why: asleep, hot, empty."""

_log = logging.getLogger("shardloom.rack")


class VitalsWatch:
    """A slow phone is read less often and holds up no other. Lives on the service loop."""

    def __init__(self, context: RackContext, history: HistoryStore) -> None:
        self._history = history
        self._pool = context.pool
        self._clock = context.clock
        self._changed = context.changed
        self._nursery = context.nursery.child()
        self._reading: dict[Serial, asyncio.Task[None]] = {}

    def look(self, phones: Iterable[Phone]) -> None:
        """Begin to read every phone that can be read now; one still being read is passed over."""
        for phone in phones:
            if self._is_due(phone):
                task = self._nursery.start_soon(self._read(phone), f"vitals of {phone.name}")
                self._reading[phone.serial] = task
                task.add_done_callback(partial(self._ended, phone.serial))

    async def stop(self) -> None:
        """Read no more; readings under way keep their links locked until they have ended."""
        await self._nursery.close(STOP_TIMEOUT_S)

    def _is_due(self, phone: Phone) -> bool:
        return (
            phone.connection.vitals_reader is not None
            and not phone.connection.away
            and phone.state in _READ_STATES
            and phone.serial not in self._reading
            and not phone.connection.lock.locked()
            and not self._rests(phone)
        )

    def _rests(self, phone: Phone) -> bool:
        """Whether a phone without a worker was read a short while ago."""
        age_s = self._clock.monotonic_s() - phone.vitals_at_s
        return phone.state is DeviceState.STANDBY and age_s < RESTING_VITALS_INTERVAL_S

    async def _read(self, phone: Phone) -> None:
        async with phone.connection.lock:
            reader = phone.connection.vitals_reader
            if reader is not None:
                await self._note(phone, reader)

    async def _note(self, phone: Phone, reader: VitalsReader) -> None:
        try:
            vitals = await self._pool.run_to_its_end(reader.read)
        except ShardloomError as error:
            _log.info("%s: vitals not read: %s", phone.serial, error)
        else:
            phone.vitals, phone.vitals_at_s = vitals, self._clock.monotonic_s()
            phone.drain.note(phone.vitals_at_s, phone.worker.computed_s, vitals)
            self._keep(phone.serial, vitals, phone.vitals_at_s)
            self._changed()

    def _keep(self, serial: Serial, vitals: DeviceVitals, at_s: float) -> None:
        figures: dict[Metric, float | None] = {
            Metric.TEMPERATURE_CELSIUS: vitals.temperature_celsius,
            Metric.BATTERY_PERCENT: vitals.battery_percent,
            Metric.PROCESSOR_LOAD: vitals.processor_load,
            Metric.WIFI_MBIT_PER_SECOND: (
                vitals.wifi.speed_mbit_per_second if vitals.wifi else None
            ),
        }
        for metric, value in figures.items():
            self._history.record(serial, metric, at_s, value)

    def _ended(self, serial: Serial, _task: asyncio.Task[None]) -> None:
        self._reading.pop(serial, None)
