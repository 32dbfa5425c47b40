"""Making a found phone ready: describe it, put the worker on it, meet it, measure it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable

import zmq
import zmq.asyncio

from app.core.clock import Clock
from app.core.device import DeviceState, Route
from app.core.errors import PhoneLostError, ShardloomError, WorkerError
from app.devices.deployment import Deployer
from app.devices.errors import PhoneRefusedError
from app.devices.found_phone import FoundPhone
from app.devices.link_probe import measure_link
from app.devices.probe import describe, wifi_address
from app.devices.runtime_bundle import build_runtime_bundle
from app.devices.vitals import VitalsReader
from app.devices.worker_ports import LOOPBACK, reach_worker
from app.ledger.ledger import Ledger
from app.ledger.views import PhoneStanding
from app.pipeline.worker_client import HostKeys, WorkerAddress, WorkerClient
from app.rack.blocking import BlockingPool
from app.rack.books import Books
from app.rack.phone import MeasuredSpeed, Phone
from app.rack.snapshot import TimelineKind
from app.rack.spans import WORKER_THREADS
from app.rack.timeline import Timeline
from app.rack.transfer_meter import TransferMeter
from app.rack.worker_places import WorkerPlaces
from workers.configuration import WorkerConfiguration
from workers.identity import verify_hello
from workers.wire import PROTOCOL_VERSION, Kind, Message

LAUNCH_TIMEOUT_S = 30.0
MEASURE_TIMEOUT_S = 30.0
MEASURED_AT_ONCE = 2
STANDBY_REASON = "Everything is on it; its worker starts when another phone falls out."
_log = logging.getLogger("shardloom.rack")


class Preparer:
    """Takes a phone from found to ready. Lives on the service loop."""

    def __init__(
        self,
        context: zmq.asyncio.Context,
        books: Books,
        pool: BlockingPool,
        timeline: Timeline,
        clock: Clock,
        changed: Callable[[], None],
        workers: int | None = None,
        patience: float = 1.0,
    ) -> None:
        """At most that many workers are started by `prepare`; the other phones stand by.

        All that a phone is given time for takes `patience` times as long as usual.
        """
        self.places = WorkerPlaces(workers)
        self.patience = patience
        self._context = context
        self._timeline = timeline
        self._books = books
        self._pool = pool
        self._clock = clock
        self._changed = changed
        self._keys = HostKeys(*(key.decode() for key in zmq.curve_keypair()))
        self._bundle = build_runtime_bundle()
        self._measuring = asyncio.Semaphore(MEASURED_AT_ONCE)

    async def prepare(self, phone: Phone, found: FoundPhone) -> None:
        """Connect, install, launch, meet and measure; the phone's state tells how it went."""
        phone.state, phone.state_reason = DeviceState.PREPARING, ""
        has_place = self.places.take(phone.serial)
        self._changed()
        try:
            await self._make_ready_patiently(phone, found, has_place=has_place)
        except ShardloomError as error:
            self.places.give_back(phone.serial)
            phone.state, phone.state_reason = DeviceState.LOST, str(error)
        finally:
            phone.transfer = None
            self._changed()

    async def _make_ready_patiently(
        self, phone: Phone, found: FoundPhone, *, has_place: bool
    ) -> None:
        """Try once more where the phone was silent: one that is there may only have been slow."""
        try:
            await self._make_ready(phone, found, has_place=has_place)
        except PhoneLostError as error:
            _log.info("%s: it gets a second chance: %s", phone.serial, error)
            await self._make_ready(phone, found, has_place=has_place)

    async def _make_ready(self, phone: Phone, found: FoundPhone, *, has_place: bool) -> None:
        async with phone.link_lock:
            await self._connect(phone, found)
        if has_place:
            await self.launch(phone)
        else:
            phone.state, phone.state_reason = DeviceState.STANDBY, STANDBY_REASON

    async def reconnect(self, phone: Phone, found: FoundPhone) -> None:
        """Connect again to a phone whose worker never stopped."""
        try:
            async with phone.link_lock:
                await self._connect(phone, found)
        except ShardloomError as error:
            _log.info("%s: not connected again: %s", phone.serial, error)
            phone.away = True

    async def _connect(self, phone: Phone, found: FoundPhone) -> None:
        if phone.link is not None:
            await self._pool.run(phone.link.close)
        link = await self._pool.run(found.connect)
        phone.link = link
        phone.description = await self._pool.run(describe, link)
        phone.vitals_reader = VitalsReader(link)
        phone.vitals = await self._pool.run(phone.vitals_reader.read)
        phone.vitals_at_s = self._clock.monotonic_s()
        self._changed()
        deployer = Deployer(link, phone.serial, self._bundle)
        await self._pool.run(deployer.install_runtime, self._progress(phone, "worker"))
        phone.stored = set(await self._pool.run(deployer.stored))
        phone.deployer = deployer
        phone.host_link = await self._pool.run(measure_link, link)

    async def launch(self, phone: Phone) -> None:
        """Start a worker on a connected phone, check who it is and how fast.

        An older worker of the phone is ended. Raises `ShardloomError` where any of it fails.
        """
        async with phone.worker_lock:
            await self._launch(phone)

    async def _launch(self, phone: Phone) -> None:
        link, deployer = phone.link, phone.deployer
        if link is None or deployer is None:
            raise PhoneLostError(f"{phone.name} is not connected.")
        await self.disconnect(phone)
        async with phone.link_lock:
            address = await self._pool.run(wifi_address, link)
            public, secret = (key.decode() for key in zmq.curve_keypair())
            configuration = WorkerConfiguration(
                serial=phone.serial,
                folder=".",
                bind_address=address or LOOPBACK,
                curve_public_key=public,
                curve_secret_key=secret,
                host_public_key=self._keys.public,
                threads=WORKER_THREADS,
            )
            ready = await self._pool.run_to_its_end(
                deployer.launch, configuration, LAUNCH_TIMEOUT_S * self.patience
            )
            await self._keep_awake(phone, deployer)
            ports = await self._pool.run(reach_worker, link, address, ready)
        phone.process_id = ready.process_id
        phone.inbox_port = ready.inbox_port
        phone.wifi_inbox = f"tcp://{address}:{ready.inbox_port}" if address else None
        self._note_route(phone, ports.route)
        where = WorkerAddress(ports.host, ports.inbox_port, ports.pulse_port, public)
        client = WorkerClient(
            self._context, phone.serial, where, self._keys, self._clock, self.patience
        )
        phone.client = client
        await self._meet(phone, client)
        phone.speed = await self._measure(client)
        phone.fault = None
        phone.state, phone.state_reason = self._standing_state(phone)

    def _note_route(self, phone: Phone, route: Route) -> None:
        if route is Route.ADB and phone.route is not Route.ADB:
            why = "does not answer on its Wi-Fi address" if phone.wifi_inbox else "has no Wi-Fi"
            text = f"{phone.name} {why}: its worker is reached through adb."
            self._timeline.add(TimelineKind.INFO, text, phone.serial)
        phone.route = route

    async def _keep_awake(self, phone: Phone, deployer: Deployer) -> None:
        try:
            await self._pool.run(deployer.care.keep_awake)
        except PhoneRefusedError as error:
            _log.warning("%s may fall asleep while it works: %s", phone.serial, error)

    async def disconnect(self, phone: Phone) -> None:
        """Let go of the phone's worker, if there is one."""
        client, phone.client = phone.client, None
        if client is not None:
            client.give_up()
            await client.close()

    def _standing_state(self, phone: Phone) -> tuple[DeviceState, str]:
        jailed_until_ms = phone.standing.jailed_until_ms if phone.standing else None
        if jailed_until_ms is not None and jailed_until_ms > self._clock.wall_ms():
            return DeviceState.JAILED, "Jailed by the ledger; release it to use it again."
        return DeviceState.READY, ""

    async def _meet(self, phone: Phone, client: WorkerClient) -> None:
        nonce = os.urandom(32)
        reply = await client.call(Kind.HELLO, protocol=PROTOCOL_VERSION, nonce=nonce)
        public_key = _proven_key(phone, reply, nonce)
        numerical_class = str(reply.fields["numerical_class"])
        phone.public_key = public_key

        def register(ledger: Ledger) -> PhoneStanding:
            ledger.register_phone(phone.serial, public_key, numerical_class)
            return ledger.standing(phone.serial)

        phone.standing = await self._books.run(register)

    async def _measure(self, client: WorkerClient) -> MeasuredSpeed:
        async with self._measuring:
            fields = (await client.call(Kind.MEASURE, timeout_s=MEASURE_TIMEOUT_S)).fields
        return MeasuredSpeed(
            float(fields["weight_bytes_per_second"]),
            float(fields["flops_per_second"]),
            float(fields["step_overhead_s"]),
        )

    def _progress(self, phone: Phone, what: str) -> Callable[[int, int], None]:
        meter = TransferMeter(what, self._clock)

        def report(done_bytes: int, total_bytes: int) -> None:
            phone.transfer = meter.measure(done_bytes, total_bytes)
            self._changed()

        return report


def _proven_key(phone: Phone, reply: Message, nonce: bytes) -> bytes:
    public_key = bytes(reply.fields["public_key"])
    if not verify_hello(public_key, nonce, bytes(reply.fields["proof"])):
        raise WorkerError(f"{phone.name}'s worker could not prove its key.")
    return public_key
