"""Making a found phone ready: describe it, put the worker on it, meet it, measure it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

import zmq

from app.core.device import DeviceDescription, DeviceState, KnownPhone
from app.core.errors import PhoneLostError, ShardloomError
from app.core.facts import Fact
from app.devices.adb.link import PhoneLink
from app.devices.condition.probe import describe, wifi_address
from app.devices.condition.vitals import VitalsReader
from app.devices.deployment.deployment import Deployer
from app.devices.deployment.link_probe import measure_link
from app.devices.deployment.runtime_bundle import build_runtime_bundle
from app.devices.deployment.worker_host import PhoneHeldError, PhoneHold
from app.devices.discovery.found_phone import FoundPhone
from app.devices.errors import PhoneRefusedError
from app.pipeline.worker_client import WorkerClient
from app.rack.context import RackContext
from app.rack.phones.phone import MeasuredSpeed, Phone
from app.rack.phones.transfer_meter import TransferMeter
from app.rack.phones.worker_handshake import WorkerHandshake, connection, let_go
from app.rack.phones.worker_quota import WorkerQuota
from app.rack.snapshot import Cargo, TimelineKind
from workers.protocol.commands import Hello, Measure
from workers.protocol.configuration import LOOPBACK, WorkerConfiguration

WORKER_THREADS = 1

LAUNCH_TIMEOUT_S = 30.0
MEASURE_TIMEOUT_S = 30.0
MEASURED_AT_ONCE = 2
JAILED_REASON: Final = Fact("phone.jailed_by_ledger")
NOT_ADMITTED_REASON: Final = Fact("phone.not_admitted")
UNFORESEEN_REASON: Final = Fact("phone.unforeseen")
STANDBY_REASON: Final = Fact("phone.stands_by")
_log = logging.getLogger("shardloom.rack")


class Preparer:
    """Takes a phone from found to ready. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        handshake: WorkerHandshake,
        workers: int | None = None,
        *,
        take: bool = False,
        known: Sequence[KnownPhone] = (),
    ) -> None:
        """At most that many workers are started by `prepare`; the other phones stand by.

        Phones that work for another control centre are left to it, unless `take`. Of those
        `known` an operator says what they are called and what memory layers may take.
        """
        self.places = WorkerQuota(workers)
        self._handshake = handshake
        self._take = take
        self._known = tuple(known)
        self._timeline = context.timeline
        self._pool = context.pool
        self._clock = context.clock
        self._patience = context.patience
        self._changed = context.changed
        self._bundle = build_runtime_bundle()
        self._measuring = asyncio.Semaphore(MEASURED_AT_ONCE)

    @property
    def transport_key(self) -> str:
        """The CURVE key by which workers know this computer."""
        return self._handshake.public_key

    def hello(self) -> Hello:
        """Return a greeting for a worker."""
        return self._handshake.hello()

    async def prepare(self, phone: Phone, found: FoundPhone) -> None:
        """Connect, install, launch, meet and measure; the phone's state tells how it went.

        A worker that went on while the phone was away is not started again.
        """
        async with phone.making_ready:
            phone.worker.may_go_on |= phone.usable
            has_place = self.places.take(phone.serial)
            with suppress(ShardloomError), self._preparing(phone):
                await self._make_ready_patiently(phone, found, has_place=has_place)

    @contextmanager
    def _preparing(self, phone: Phone) -> Iterator[None]:
        """Show that a phone is made ready; it is lost, and leaves its place, where that fails."""
        phone.enter(DeviceState.PREPARING)
        phone.sentence = None
        phone.connection.broken_off_at_s = None
        self._changed()
        try:
            yield
        except PhoneHeldError as error:
            phone.enter(DeviceState.BUSY, error.fact)
            self.places.give_back(phone.serial)
            self._timeline.add(TimelineKind.ERROR, error.fact, phone.serial)
            raise
        except BaseException as error:
            reason = error.fact if isinstance(error, ShardloomError) else UNFORESEEN_REASON
            if isinstance(error, PhoneLostError):
                phone.connection.broken_off_at_s = self._clock.monotonic_s()
            phone.enter(DeviceState.LOST, reason)
            self.places.give_back(phone.serial)
            raise
        finally:
            phone.transfer = None
            self._changed()

    async def _make_ready_patiently(
        self, phone: Phone, found: FoundPhone, *, has_place: bool
    ) -> None:
        """Try once more where the phone was silent: one that is there may only have been slow."""
        try:
            await self._make_ready(phone, found, has_place=has_place)
        except PhoneHeldError:
            raise
        except PhoneLostError as error:
            _log.info("%s: it gets a second chance: %s", phone.serial, error)
            await self._make_ready(phone, found, has_place=has_place)

    async def _make_ready(self, phone: Phone, found: FoundPhone, *, has_place: bool) -> None:
        async with phone.connection.lock:
            await self._connect(phone, found)
        if has_place:
            await self._start(phone)
        else:
            phone.enter(DeviceState.STANDBY, STANDBY_REASON)

    async def reconnect(self, phone: Phone, found: FoundPhone) -> None:
        """Connect again to a phone whose worker never stopped."""
        try:
            async with phone.connection.lock:
                await self._connect(phone, found)
        except ShardloomError as error:
            _log.info("%s: not connected again: %s", phone.serial, error)
            phone.connection.away = True

    async def _connect(self, phone: Phone, found: FoundPhone) -> None:
        if phone.link is not None:
            await self._pool.run(phone.link.close)
        link = await self._pool.run(found.connect)
        phone.connection.link = link
        await self._refuse_held(phone, link)
        phone.identity.description = await self._pool.run(describe, link)
        self._heed_operator(phone, phone.identity.description)
        phone.connection.vitals_reader = VitalsReader(link)
        phone.vitals = await self._pool.run(phone.connection.vitals_reader.read)
        phone.vitals_at_s = self._clock.monotonic_s()
        self._changed()
        deployer = Deployer(link, phone.serial, self._bundle)
        await self._pool.run(deployer.install_runtime, self._progress(phone, Cargo.WORKER))
        phone.connection.stored = set(await self._pool.run(deployer.stored))
        phone.connection.deployer = deployer
        phone.connection.push_profile = await self._pool.run(measure_link, link)

    def _heed_operator(self, phone: Phone, description: DeviceDescription) -> None:
        """Call it and give it memory as was said beforehand; what was said last counts."""
        for said in self._known:
            if phone.is_called(said.phone):
                phone.memory_share = said.memory_share or phone.memory_share
                phone.identity.description = replace(description, name=said.name or phone.name)

    async def _refuse_held(self, phone: Phone, link: PhoneLink) -> None:
        """Raise `PhoneHeldError` where it works for another and is not to be taken from it."""
        hold = phone.connection.hold = PhoneHold(link, phone.serial, self._handshake.host)
        if not self._may_take(phone):
            await self._pool.run(hold.refuse_other)

    def _may_take(self, phone: Phone) -> bool:
        told = phone.connection.may_take
        return self._take if told is None else told

    async def _hold(self, phone: Phone) -> None:
        """Take a phone on which a worker is about to start; once it is lost, it is lost."""
        hold = phone.connection.hold
        if hold is None:
            return
        if not self._may_take(phone):
            await self._pool.run(hold.refuse_other)
        await self._pool.run(hold.take)
        phone.connection.may_take = False

    async def _start(self, phone: Phone) -> None:
        if not await self._take_up(phone):
            await self._launch(phone)

    async def revive(self, phone: Phone) -> bool:
        """Take up a worker that runs and is heard, else start one; measure it in either case.

        Returns whether it was taken up. Raises `ShardloomError` where neither can be done.
        """
        async with phone.making_ready:
            silent = phone.client is None or phone.client.is_silent
            with self._preparing(phone):
                if not silent and await self._is_taken_up_and_measured(phone):
                    return True
                await self._launch(phone)
        return False

    async def _is_taken_up_and_measured(self, phone: Phone) -> bool:
        """Take its worker up, whose speed may be another now: it may have been late."""
        if not await self._handshake.take_up(phone) or phone.client is None:
            return False
        try:
            phone.worker.speed = await self._measure(phone.client)
        except ShardloomError as error:
            _log.info("%s: taken up, but it did not measure itself: %s", phone.serial, error)
            return False
        self._enter_taken_up(phone)
        return True

    async def _take_up(self, phone: Phone) -> bool:
        if not await self._handshake.take_up(phone):
            return False
        self._enter_taken_up(phone)
        return True

    def _enter_taken_up(self, phone: Phone) -> None:
        phone.worker.may_go_on = False
        self._enter_standing(phone)

    async def launch(self, phone: Phone) -> None:
        """Start a worker on a connected phone, check who it is and how fast.

        An older worker of the phone is ended. Raises `ShardloomError` where any of it fails.
        """
        async with phone.making_ready:
            with self._preparing(phone):
                await self._launch(phone)

    async def _launch(self, phone: Phone) -> None:
        link, deployer = connection(phone)
        await let_go(phone)
        phone.worker.may_go_on, phone.worker.kept_spans = False, set()
        async with phone.connection.lock:
            await self._hold(phone)
            address = await self._pool.run(wifi_address, link)
            public, secret = (key.decode() for key in zmq.curve_keypair())
            configuration = WorkerConfiguration(
                serial=phone.serial,
                folder=".",
                bind_address=address or LOOPBACK,
                curve_public_key=public,
                curve_secret_key=secret,
                host_public_key=self._handshake.public_key,
                threads=WORKER_THREADS,
            )
            ready = await self._pool.run_to_its_end(
                deployer.launch, configuration, LAUNCH_TIMEOUT_S * self._patience
            )
            await self._keep_awake(phone, deployer)
            client = await self._handshake.connect(phone, ready, address, public)
        await self._handshake.meet(phone, client)
        phone.worker.speed = await self._measure(client)
        phone.fault = None
        self._enter_standing(phone)

    async def _keep_awake(self, phone: Phone, deployer: Deployer) -> None:
        try:
            await self._pool.run(deployer.care.keep_awake)
        except PhoneRefusedError as error:
            _log.warning("%s may fall asleep while it works: %s", phone.serial, error)

    def _enter_standing(self, phone: Phone) -> None:
        """Let a phone be ready, unless the ledger held it in jail or it was sent there since."""
        jailed_until_ms = phone.standing.jailed_until_ms if phone.standing else None
        if phone.sentence:
            phone.enter(DeviceState.JAILED, phone.sentence)
        elif jailed_until_ms is not None and jailed_until_ms > self._clock.wall_ms():
            phone.enter(DeviceState.JAILED, JAILED_REASON)
        elif phone.standing and not phone.standing.admitted:
            phone.enter(DeviceState.JAILED, NOT_ADMITTED_REASON)
        else:
            phone.enter(DeviceState.READY)
            phone.ready_since_s = self._clock.monotonic_s()

    async def _measure(self, client: WorkerClient) -> MeasuredSpeed:
        async with self._measuring:
            measured = await client.call(Measure(), MEASURE_TIMEOUT_S)
        return MeasuredSpeed(
            measured.weight_bytes_per_second, measured.flops_per_second, measured.step_overhead_s
        )

    def _progress(self, phone: Phone, what: Cargo) -> Callable[[int, int], None]:
        meter = TransferMeter(what, self._clock)

        def report(done_bytes: int, total_bytes: int) -> None:
            phone.transfer = meter.measure(done_bytes, total_bytes)
            self._changed()

        return report
