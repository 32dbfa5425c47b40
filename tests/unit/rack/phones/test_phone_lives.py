"""Phones found, prepared, lost, jailed, revived and promoted in any order, by the real parts.

Only what lies on the phone is scripted: each question to it waits until it is answered, well,
badly or by a surprise. No order may ask for a state that cannot follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.core.device import DeviceState
from app.core.errors import PhoneLostError, ShardloomError, WorkerError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.core.nursery import Nursery, TaskFailure
from app.devices.discovery.discovery import Discovery
from app.devices.discovery.found_phone import FoundPhone
from app.ledger.views.snapshot import PhoneStanding
from app.pipeline.worker_client import WorkerClient
from app.rack.blocking import BlockingPool
from app.rack.context import RackContext
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import WAITING, MeasuredSpeed, Phone
from app.rack.phones.preparation import Preparer
from app.rack.phones.worker_handshake import WorkerHandshake, let_go
from app.rack.settlement.penalties import Penalties
from app.telemetry.samples import TelemetryStore
from app.testing.clocks import SkippingClock
from tests.unit.rack.support import a_context

SERIALS = (Serial("A"), Serial("B"))
PLACES = 1
"""Fewer than phones, so that one stands by."""
TURNS = 40
"""Of the loop after each step: more than anything needs that waits for no answer."""
NEVER_MS = 1 << 60


class Client:
    """The host's end of a worker that is never asked anything itself."""

    silent_s, is_silent, hangs, pulse = 0.0, False, False, None

    def __init__(self) -> None:
        self.lost = False

    def give_up(self) -> None:
        self.lost = True

    async def close(self) -> None:
        """Be let go."""


class World:
    """What the phones and the ledger would say: questions wait for their answers."""

    def __init__(self) -> None:
        self.questions: list[asyncio.Future[None]] = []
        self.sentenced: set[Serial] = set()

    async def ask(self) -> None:
        question = asyncio.get_running_loop().create_future()
        self.questions.append(question)
        try:
            await question
        finally:
            self.questions.remove(question)

    def judge(self, phone: Phone) -> None:
        until_ms = NEVER_MS if phone.serial in self.sentenced else None
        phone.standing = cast(
            PhoneStanding, SimpleNamespace(jailed_until_ms=until_ms, admitted=True)
        )


class ScriptedPool:
    """Asks the world instead of a phone."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self, _function: Callable[..., object], *_arguments: object) -> None:
        await self._world.ask()

    run_to_its_end = run


class ScriptedHandshake:
    """Meets workers whose answers the world gives."""

    public_key = "key"

    def __init__(self, world: World) -> None:
        self._world = world

    async def connect(self, phone: Phone, *_given: object) -> WorkerClient:
        phone.worker.client = cast(WorkerClient, Client())
        return phone.worker.client

    async def meet(self, phone: Phone, _client: object) -> None:
        await self._world.ask()
        self._world.judge(phone)

    async def take_up(self, phone: Phone) -> bool:
        if not phone.worker.may_go_on:
            return False
        with suppress(ShardloomError):
            await self._world.ask()
            await let_go(phone)
            await self.meet(phone, await self.connect(phone))
            return True
        return False


class ScriptedPreparer(Preparer):
    """The real one, but for what it asks of links and of the worker's canary."""

    def __init__(self, context: RackContext, world: World) -> None:
        super().__init__(context, cast(WorkerHandshake, ScriptedHandshake(world)), PLACES)
        self._world = world

    async def _connect(self, phone: Phone, _found: FoundPhone) -> None:
        await self._world.ask()
        phone.connection.link = cast(Any, SimpleNamespace())
        phone.connection.deployer = cast(
            Any, SimpleNamespace(launch=None, runs=None, care=SimpleNamespace(keep_awake=None))
        )
        phone.worker.process_id = 1

    async def _measure(self, _client: WorkerClient) -> MeasuredSpeed:
        await self._world.ask()
        return MeasuredSpeed(1.0, 1.0, 0.0)


class Lives(RuleBasedStateMachine):
    """Two phones, of which one at a time may have a worker."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.told: list[TaskFailure] = []
        self.world = World()
        self.loop.run_until_complete(self._open())

    async def _open(self) -> None:
        clock = SkippingClock()
        self.context = replace(
            a_context(clock),
            nursery=Nursery(clock, self.told.append),
            pool=cast(BlockingPool, ScriptedPool(self.world)),
        )
        preparer = ScriptedPreparer(self.context, self.world)
        discovery = cast(Discovery, SimpleNamespace())
        self.fleet = Fleet(self.context, discovery, preparer, TelemetryStore())
        self.penalties = Penalties(self.context, cast(LedgerThread, None), self.fleet)

    def _settle(self, act: Callable[[], object]) -> None:
        async def scene() -> None:
            act()
            for _ in range(TURNS):
                await asyncio.sleep(0)

        self.loop.run_until_complete(scene())

    def _each(self, serial: Serial, act: Callable[[Phone], object]) -> None:
        phone = self.fleet.phones.get(serial)
        if phone is not None:
            self._settle(lambda: act(phone))

    @rule(
        serial=st.sampled_from(SERIALS),
        state=st.sampled_from([DeviceState.FOUND] * 4 + [DeviceState.LOST, *sorted(WAITING)]),
        connection=st.integers(0, 2),
    )
    def discover(self, serial: Serial, state: DeviceState, connection: int) -> None:
        found = FoundPhone(
            serial, state, Fact(f"phone.{state.name.lower()}"), "usb", cast(Any, None), connection
        )
        self._settle(lambda: self.fleet._registry._consider(found, 1))

    @rule(
        number=st.integers(0, 9),
        outcome=st.sampled_from([None] * 6 + [PhoneLostError, WorkerError, ZeroDivisionError]),
    )
    def answer(self, number: int, outcome: type[Exception] | None) -> None:
        questions = self.world.questions
        if not questions:
            return
        question = questions[number % len(questions)]
        if outcome is None:
            self._settle(lambda: question.set_result(None))
        else:
            self._settle(lambda: question.set_exception(outcome("scripted")))

    @rule(serial=st.sampled_from(SERIALS), count=st.integers(1, 12))
    def let_everything_go_well(self, serial: Serial, count: int) -> None:
        for _ in range(count):
            self.answer(0, None)
        self._each(serial, lambda _phone: None)

    @rule(serial=st.sampled_from(SERIALS))
    def fall_silent(self, serial: Serial) -> None:
        def fall(phone: Phone) -> None:
            if phone.client is not None:
                cast(Client, phone.client).lost = True
            self.fleet._watch()

        self._each(serial, fall)

    @rule(serial=st.sampled_from(SERIALS))
    def fail_in_an_attempt(self, serial: Serial) -> None:
        """Fail as a request tells of a phone that holds its layers; only such a one was ready."""
        self._each(serial, self._lose)

    def _lose(self, phone: Phone) -> None:
        if phone.state is not DeviceState.FOUND:
            self.fleet.mark_lost(phone, Fact("phone.stopped_answering", phone=phone.name))

    @rule(serial=st.sampled_from(SERIALS))
    def set_aside(self, serial: Serial) -> None:
        def act(phone: Phone) -> None:
            if phone.usable:
                self.fleet.set_aside(phone, Fact("dispute.one_is_wrong", phone=phone.name))

        self._each(serial, act)

    @rule(serial=st.sampled_from(SERIALS))
    def convict(self, serial: Serial) -> None:
        def act(phone: Phone) -> None:
            self.world.sentenced.add(phone.serial)
            self.penalties._put_in_jail(phone, Fact("audit.wrong_output"))

        self._each(serial, act)

    @rule(serial=st.sampled_from(SERIALS))
    def release(self, serial: Serial) -> None:
        def act(phone: Phone) -> None:
            self.world.sentenced.discard(phone.serial)
            if phone.standing is not None:
                self.world.judge(phone)
            phone.release()

        self._each(serial, act)

    @rule(serial=st.sampled_from(SERIALS))
    def relaunch(self, serial: Serial) -> None:
        async def act(phone: Phone) -> None:
            with suppress(ShardloomError):
                await self.fleet.relaunch(phone)

        self._each(serial, lambda phone: self.context.nursery.start_soon(act(phone), "relaunch"))

    @rule()
    def promote(self) -> None:
        self._settle(self.fleet._promote)

    @invariant()
    def nobody_asked_for_a_state_that_cannot_follow(self) -> None:
        surprises = [each.error for each in self.told]
        assert all(isinstance(error, ZeroDivisionError) for error in surprises), surprises

    @invariant()
    def a_phone_is_preparing_only_while_somebody_prepares_it(self) -> None:
        for phone in self.fleet.phones.values():
            assert phone.state is not DeviceState.PREPARING or phone.making_ready.locked()

    @invariant()
    def a_phone_that_is_ready_has_a_worker(self) -> None:
        for phone in self.fleet.phones.values():
            if phone.state is DeviceState.READY:
                assert phone.client is not None

    @invariant()
    def nobody_works_that_the_ledger_holds_in_jail(self) -> None:
        for phone in self.fleet.phones.values():
            assert not (phone.usable and phone.serial in self.world.sentenced)

    def teardown(self) -> None:
        self.loop.run_until_complete(self.context.nursery.close())
        self.loop.close()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
