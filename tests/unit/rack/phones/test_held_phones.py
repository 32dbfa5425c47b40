"""Phones that work for another control centre: asked, taken over, let go of."""

from __future__ import annotations

import asyncio
import threading
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

OTHER = WorkerHost("0f" * 32, "ann@bench", 0)


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


@pytest.mark.parametrize("answer", [OTHER, None])
async def test_a_phone_taken_while_it_is_asked_whose_it_is_stays_taken(
    answer: WorkerHost | None,
) -> None:
    asked, answered = threading.Event(), threading.Event()

    def other() -> WorkerHost | None:
        asked.set()
        assert answered.wait(10)
        return answer

    phone = a_held_phone("P", DeviceState.BUSY, Held(other))
    fleet = a_fleet(phone)
    asking = asyncio.create_task(fleet._ask_held())
    await asyncio.to_thread(asked.wait, 10)
    await fleet.take(phone.serial)
    answered.set()
    await asking
    assert phone.connection.away


@pytest.mark.parametrize(("answer", "away"), [(OTHER, False), (None, True)])
async def test_a_phone_is_made_ready_once_another_has_let_go_of_it(
    answer: WorkerHost | None, *, away: bool
) -> None:
    phone = a_held_phone("P", DeviceState.BUSY, Held(lambda: answer))
    await a_fleet(phone)._ask_held()
    assert phone.connection.away is away


async def test_an_answer_that_comes_late_disturbs_no_phone_that_is_made_ready_meanwhile() -> None:
    asked, answered = threading.Event(), threading.Event()

    def other() -> WorkerHost | None:
        asked.set()
        assert answered.wait(10)
        return None

    phone = a_held_phone("P", DeviceState.BUSY, Held(other))
    asking = asyncio.create_task(a_fleet(phone)._ask_held())
    await asyncio.to_thread(asked.wait, 10)
    phone.enter(DeviceState.PREPARING)
    answered.set()
    await asking
    assert not phone.connection.away
