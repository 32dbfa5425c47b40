"""When a worker is started again, and when no more. The phone's side is a recorded answer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from app.core.device import DeviceState
from app.core.errors import PhoneLostError, WorkerError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.faults.catalogue import Fault, FaultKind
from app.pipeline.worker_client import WorkerClient
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.phones.watchdog import LOOKS_IN_VAIN, WINDOW_S, Watchdog
from app.testing.clocks import ManualClock
from app.words.sentences import reason_text
from tests.unit.rack.support import a_context, a_phone

SERIAL = Serial("FALLEN")


class Answering:
    """The one method of a deployer that is asked here."""

    def __init__(self, *, runs: bool = False, away: int = 0) -> None:
        """`away` is how many looks it takes until the link answers."""
        self._runs = runs
        self._away = away

    def runs(self, _process_id: int) -> bool:
        self._away -= 1
        if self._away >= 0:
            raise PhoneLostError("gone")
        return self._runs


class Bench:
    """A watchdog over one lost phone, whose restarts are counted and may fail."""

    def __init__(self, answer: Answering, fails: int = 0) -> None:
        self.clock = ManualClock()
        context = a_context(self.clock)
        self.timeline = context.timeline
        self.phone = a_phone(SERIAL, state=DeviceState.LOST, deployer=answer)
        self.phone.worker.process_id = 1
        self.restarts = 0
        self.restarted = asyncio.Event()
        self.taken_up = False
        self._fails = fails
        self._watchdog = Watchdog(context, self._restart, (0, 0, 0))

    async def _restart(self, phone: Phone) -> bool:
        self.restarts += 1
        if self.restarts <= self._fails:
            raise WorkerError("not now")
        phone.enter(DeviceState.PREPARING)
        phone.enter(DeviceState.READY)
        self.restarted.set()
        return self.taken_up

    async def lose(self) -> None:
        """Lose the worker and let the watchdog do all it will."""
        self.phone.enter(DeviceState.LOST)
        self._watchdog.worker_lost(self.phone)
        self._watchdog.worker_lost(self.phone)
        await asyncio.gather(*self._watchdog._reviving.values())


def run(bench: Bench, times: int = 1) -> Bench:
    async def scene() -> None:
        for _ in range(times):
            await bench.lose()

    asyncio.run(scene())
    return bench


def test_a_worker_that_is_gone_is_started_once() -> None:
    bench = run(Bench(Answering()))
    assert (bench.restarts, bench.phone.state) == (1, DeviceState.READY)
    assert bench.timeline.events == ()


def test_a_restart_that_fails_is_tried_again_three_times_in_all() -> None:
    assert run(Bench(Answering(), fails=2)).restarts == 3
    given_up = run(Bench(Answering(), fails=9))
    assert given_up.restarts == 3
    reason = given_up.phone.lifecycle.reason
    assert reason is not None
    assert reason.code == "phone.left_alone"
    assert [event.fact for event in given_up.timeline.events] == [reason]


def test_a_worker_that_ends_again_and_again_is_left_alone_until_time_has_passed() -> None:
    bench = run(Bench(Answering()), times=5)
    assert (bench.restarts, bench.phone.state) == (3, DeviceState.LOST)
    bench.clock.advance(WINDOW_S + 1)
    assert run(bench).restarts == 4


def test_a_worker_that_a_tester_broke_stays_down() -> None:
    bench = Bench(Answering())
    bench.phone.fault = Fault(FaultKind.CRASH, SERIAL)
    assert run(bench).restarts == 0


def test_a_phone_whose_link_does_not_answer_is_not_restarted() -> None:
    assert run(Bench(Answering(away=LOOKS_IN_VAIN))).restarts == 0


def heard(bench: Bench) -> Bench:
    """Let the worker run and its pulse be heard."""
    bench.phone.worker.client = cast(WorkerClient, SimpleNamespace(is_silent=False))
    return bench


def test_a_worker_that_only_its_connection_was_lost_of_is_taken_up_as_often_as_it_takes() -> None:
    bench = heard(Bench(Answering(runs=True)))
    bench.taken_up = bench.phone.worker.may_go_on = True
    assert (run(bench, times=5).restarts, bench.phone.state) == (5, DeviceState.READY)
    bench.phone.worker.may_go_on = False
    assert (run(bench).restarts, bench.phone.state) == (6, DeviceState.READY)


def test_a_worker_that_was_late_may_go_on_once_in_a_while() -> None:
    bench = heard(Bench(Answering(runs=True)))
    bench.taken_up = True
    run(bench)
    assert bench.phone.worker.may_go_on
    bench.phone.worker.may_go_on = bench.taken_up = False
    run(bench)
    assert not bench.phone.worker.may_go_on
    bench.clock.advance(WINDOW_S + 1)
    run(bench)
    assert bench.phone.worker.may_go_on


def test_a_worker_that_is_late_again_and_again_is_restarted_three_times() -> None:
    bench = heard(Bench(Answering(runs=True)))
    bench.taken_up = True
    run(bench)
    bench.taken_up = bench.phone.worker.may_go_on = False
    assert (run(bench, times=5).restarts, bench.phone.state) == (4, DeviceState.LOST)
    assert "left alone" in reason_text(bench.phone.lifecycle.reason)


@pytest.mark.parametrize("is_silent", [True, False])
def test_a_restart_counts_against_no_phone_that_did_nothing_wrong(*, is_silent: bool) -> None:
    bench = Bench(Answering(runs=True))
    bench.phone.worker.client = cast(WorkerClient, SimpleNamespace(is_silent=is_silent))
    for times in range(1, 9):
        bench.phone.worker.may_go_on = not is_silent
        assert (run(bench).restarts, bench.phone.state) == (times, DeviceState.READY)


def test_a_phone_lost_while_its_revival_ends_is_looked_after_again() -> None:
    bench = Bench(Answering())

    async def scene() -> None:
        bench.phone.enter(DeviceState.LOST)
        bench._watchdog.worker_lost(bench.phone)
        await bench.restarted.wait()
        await bench.lose()

    asyncio.run(scene())
    assert (bench.restarts, bench.phone.state) == (2, DeviceState.READY)


def test_a_link_that_answers_after_a_while_leads_to_a_restart() -> None:
    assert run(Bench(Answering(away=LOOKS_IN_VAIN - 1))).restarts == 1


@pytest.mark.parametrize("hangs", [True, False])
def test_a_phone_that_is_given_up_for_a_second_of_silence_is_as_blameless_as_after_three(
    *, hangs: bool
) -> None:
    """Else whoever is short of time now and then would be left alone in the end."""
    context, watched = a_context(), list[Phone]()
    client = SimpleNamespace(
        silent_s=1.5, is_silent=False, lost=False, hangs=hangs, give_up=lambda: None
    )
    phone = a_phone("A", state=DeviceState.READY, client=client)
    fleet = SimpleNamespace(
        _clock=context.clock,
        _timeline=context.timeline,
        preparer=SimpleNamespace(places=SimpleNamespace(give_back=lambda _serial: None)),
        _watchdog=SimpleNamespace(worker_lost=watched.append),
        _changed=context.changed,
    )
    Fleet.mark_lost(cast(Fleet, fleet), phone, Fact("phone.stopped_answering", phone="A"))
    assert (phone.worker.may_go_on, watched) == (hangs, [phone])
