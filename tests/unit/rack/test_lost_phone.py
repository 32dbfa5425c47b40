"""A phone that fell silent: the moment is kept, and no sentence has an age in it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from app.core.device import DeviceState
from app.devices.discovery.discovery import Discovery
from app.rack.phones.fleet import Fleet
from app.rack.phones.preparation import Preparer
from app.rack.snapshot import PhoneSnapshot
from app.telemetry.samples import TelemetryStore
from app.testing.clocks import ManualClock
from app.words.sentences import fact_text
from tests.unit.rack.support import a_context, a_phone

SILENT_S = 0.5


class Bench:
    """A fleet of one phone whose worker has been silent for a while."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.clock.advance(100.0)
        context = a_context(self.clock)
        self.timeline = context.timeline
        places = SimpleNamespace(give_back=lambda _: None)
        self.fleet = Fleet(
            context,
            cast(Discovery, SimpleNamespace()),
            cast(Preparer, SimpleNamespace(places=places)),
            TelemetryStore(),
        )
        client = SimpleNamespace(silent_s=SILENT_S, lost=True, pulse=None, give_up=lambda: None)
        self.phone = a_phone("P", state=DeviceState.READY, client=client)
        self.fleet.phones[self.phone.serial] = self.phone

    def shown(self) -> PhoneSnapshot:
        return self.phone.snapshot(working=False)


async def test_a_lost_phone_tells_when_it_was_heard_last_and_not_how_long_ago() -> None:
    bench = Bench()
    bench.fleet._watch()
    bench.clock.advance(32.0)
    shown = bench.shown()
    assert (shown.state, shown.state_reason) == (DeviceState.LOST, bench.timeline.events[0].fact)
    assert shown.lost_at_s == pytest.approx(100.0 - SILENT_S)
    assert [fact_text(event.fact) for event in bench.timeline.events] == ["P stopped answering."]


async def test_a_phone_that_is_back_is_not_lost_since_anything() -> None:
    bench = Bench()
    bench.fleet._watch()
    bench.phone.enter(DeviceState.PREPARING)
    bench.phone.enter(DeviceState.READY)
    assert bench.shown().lost_at_s is None
    bench.fleet._announce_joined(bench.phone)
    bench.phone.enter(DeviceState.LOST)
    assert bench.shown().lost_at_s is None
