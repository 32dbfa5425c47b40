"""Phones that work for another control centre: asked, taken over, let go of."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.device import DeviceState
from app.devices.deployment.worker_host import WorkerHost
from app.devices.discovery.discovery import Discovery
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.phones.preparation import Preparer
from app.telemetry.samples import TelemetryStore
from app.testing.clocks import SkippingClock
from tests.unit.rack.support import a_context, a_phone


class Held:
    """What a phone answers when it is asked whose it is."""

    def __init__(self, answer: Callable[[], WorkerHost | None]) -> None:
        self.other = answer
        self.given_back = False

    def give_back(self) -> None:
        self.given_back = True


class Care:
    """Notes that a phone may sleep again."""

    asleep = False

    def let_sleep(self) -> None:
        self.asleep = True


def a_fleet(*phones: Phone) -> Fleet:
    discovery = SimpleNamespace(listen=lambda _listener: None)
    fleet = Fleet(
        a_context(SkippingClock()),
        cast(Discovery, discovery),
        cast(Preparer, SimpleNamespace()),
        TelemetryStore(),
    )
    fleet.phones.update({phone.serial: phone for phone in phones})
    return fleet


def a_held_phone(serial: str, state: DeviceState, hold: Held, care: Care | None = None) -> Phone:
    deployer = SimpleNamespace(stop=lambda: None, care=care or Care())
    phone = a_phone(serial, state=state, deployer=deployer)
    phone.connection.hold = cast(Any, hold)
    return phone


async def test_a_phone_that_is_a_surprise_keeps_no_other_from_being_let_go_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def surprise() -> WorkerHost | None:
        raise ZeroDivisionError

    care, hold = Care(), Held(lambda: None)
    odd = a_held_phone("ODD", DeviceState.READY, Held(surprise))
    even = a_held_phone("EVEN", DeviceState.READY, hold, care)
    await a_fleet(odd, even).stop()
    assert (care.asleep, hold.given_back) == (True, True)
    assert ["ODD" in record.message for record in caplog.records] == [True]
