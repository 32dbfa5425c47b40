"""Readings do not pile up on a slow phone, and old ones show their age."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import cast

from app.core.device import DeviceState
from app.core.errors import PhoneLostError
from app.core.vitals import (
    RESTING_VITALS_INTERVAL_S,
    STALE_AFTER_INTERVALS,
    VITALS_INTERVAL_S,
    DeviceVitals,
)
from app.devices.condition.vitals import VitalsReader
from app.rack.phones.phone import Phone
from app.rack.phones.vitals_watch import VitalsWatch
from app.telemetry.history import HistoryStore, Metric, Window
from app.testing.clocks import ManualClock
from tests.unit.rack.support import a_context, a_phone

DEADLINE_S = 60.0
STALE_AFTER_S = STALE_AFTER_INTERVALS * VITALS_INTERVAL_S
VITALS = DeviceVitals(50, 30.0, 2_000, 1_000)


class Reader:
    """Waits for its gate, then tells the vitals or that the phone is gone."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.calls = 0
        self.is_lost = False

    def read(self) -> DeviceVitals:
        self.calls += 1
        assert self.gate.wait(DEADLINE_S)
        if self.is_lost:
            raise PhoneLostError("gone")
        return VITALS


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.reader = Reader()
        self.history = HistoryStore()
        self.changes = 0
        self.phone = phone("P-1", 1, self.reader)
        self.watch = VitalsWatch(
            replace(a_context(self.clock, threads=2), changed=self._count), self.history
        )

    def _count(self) -> None:
        self.changes += 1

    async def until_idle(self, *phones: Phone) -> None:
        async with asyncio.timeout(DEADLINE_S):
            for each in phones or (self.phone,):
                while each.connection.lock.locked():  # noqa: ASYNC110 - a lock cannot be waited for
                    await asyncio.sleep(0.005)


def phone(serial: str, position: int, reader: Reader) -> Phone:
    made = a_phone(serial, position, DeviceState.READY)
    made.connection.vitals_reader = cast(VitalsReader, reader)
    return made


async def begun(reader: Reader) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not reader.calls:  # noqa: ASYNC110 - the call is made by another thread
            await asyncio.sleep(0.005)


async def test_one_reading_at_a_time_is_under_way_on_a_phone() -> None:
    bench = Bench()
    for _ in range(5):
        bench.watch.look([bench.phone])
        await asyncio.sleep(0)
    await begun(bench.reader)
    bench.watch.look([bench.phone])
    bench.reader.gate.set()
    await bench.until_idle()
    assert bench.reader.calls == 1
    assert (bench.phone.vitals, bench.changes) == (VITALS, 1)
    kept = bench.history.points(Metric.BATTERY_PERCENT, Window.HOUR, 0.0)
    assert [point.mean for point in kept[bench.phone.serial]] == [50.0]


async def test_a_slow_phone_holds_up_no_other() -> None:
    bench, quick = Bench(), Reader()
    quick.gate.set()
    other = phone("P-2", 2, quick)
    bench.watch.look([bench.phone, other])
    await begun(bench.reader)
    await begun(quick)
    await bench.until_idle(other)
    assert (other.vitals, bench.phone.vitals) == (VITALS, None)
    bench.reader.gate.set()
    await bench.until_idle()


async def test_vitals_grow_stale_when_a_phone_is_silent_and_say_so() -> None:
    bench = Bench()
    bench.reader.gate.set()
    bench.watch.look([bench.phone])
    await begun(bench.reader)
    await bench.until_idle()
    bench.reader.is_lost = True
    bench.clock.advance(STALE_AFTER_S + 0.1)
    bench.watch.look([bench.phone])
    await asyncio.sleep(0)
    await bench.until_idle()
    shown = bench.phone.snapshot(working=False)
    assert shown.vitals == VITALS
    now_s = bench.clock.monotonic_s()
    assert shown.vitals_at_s == now_s - (STALE_AFTER_S + 0.1)
    assert shown.vitals_are_stale(now_s)
    assert not shown.vitals_are_stale(now_s - 1)


async def test_a_phone_whose_link_is_in_use_or_away_is_passed_over() -> None:
    bench = Bench()
    bench.reader.gate.set()
    async with bench.phone.connection.lock:
        bench.watch.look([bench.phone])
        await asyncio.sleep(0)
    bench.phone.connection.away = True
    bench.watch.look([bench.phone])
    await asyncio.sleep(0)
    assert bench.reader.calls == 0


async def test_a_phone_that_stands_by_is_read_more_seldom_and_is_not_stale_for_that() -> None:
    bench = Bench()
    bench.reader.gate.set()
    bench.phone.enter(DeviceState.PREPARING)
    bench.phone.enter(DeviceState.STANDBY)
    bench.clock.advance(RESTING_VITALS_INTERVAL_S)
    for _ in range(5):
        bench.watch.look([bench.phone])
        await asyncio.sleep(0)
        await bench.until_idle()
        bench.clock.advance(VITALS_INTERVAL_S)
    shown = bench.phone.snapshot(working=False)
    assert bench.reader.calls == 1
    now_s = bench.clock.monotonic_s()
    assert shown.vitals_at_s == now_s - 5 * VITALS_INTERVAL_S
    assert not shown.vitals_are_stale(now_s)
    bench.watch.look([bench.phone])
    await asyncio.sleep(0)
    await bench.until_idle()
    assert bench.reader.calls == 2
