"""Meeting a worker that runs on a phone: a new one, or one that went on out of reach."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import zmq

from app.core.device import Route
from app.core.errors import PhoneLostError, ShardloomError, WorkerError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink
from app.devices.condition.probe import wifi_address
from app.devices.deployment.deployment import Deployer
from app.devices.deployment.worker_host import WorkerHost, this_host
from app.devices.deployment.worker_ports import WorkerPorts, reach_worker
from app.ledger.ledger import Ledger
from app.ledger.rules.phones.registration import ProvenKey
from app.ledger.views.reasons import STARTED_ANEW
from app.ledger.views.snapshot import PhoneStanding
from app.pipeline.ports import WorkerPort
from app.pipeline.worker_client import WorkerAddress, WorkerClient
from app.pipeline.zmq_port import HostKeys
from app.rack.context import RackContext
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.phone import Phone
from app.rack.snapshot import TimelineKind
from workers.protocol.commands import Close, Hello, Introduction
from workers.protocol.configuration import WorkerReady
from workers.protocol.wire import PROTOCOL_VERSION
from workers.version import VERSION

OpenPort = Callable[[WorkerAddress, HostKeys], WorkerPort]
Reach = Callable[[PhoneLink, str | None, WorkerReady], WorkerPorts]
_log = logging.getLogger("shardloom.rack")


class WorkerHandshake:
    """Connects to workers and lets them prove who they are. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        ledger_thread: LedgerThread,
        open_port: OpenPort,
        reach: Reach = reach_worker,
        own_phones: frozenset[Serial] = frozenset(),
    ) -> None:
        """`open_port` begins a connection to a worker's address, which `reach` finds, blocking.

        For `own_phones`, which this computer runs itself, the operator decided by opening the rack:
        each gets a stake, and may come with a new key.
        """
        self._context = context
        self._open_port = open_port
        self._reach = reach
        self._own_phones = own_phones
        self._ledger_thread = ledger_thread
        self._pool = context.pool
        self._timeline = context.timeline
        self._since_s = context.clock.wall_ms() // 1000
        self._keys = HostKeys(*(key.decode() for key in zmq.curve_keypair()))

    @property
    def host(self) -> WorkerHost:
        """Return who this is, as phones tell others that they work for it."""
        return this_host(self._ledger_thread.host_key, self._since_s)

    @property
    def public_key(self) -> str:
        """The host's CURVE key, which a worker is told at its launch."""
        return self._keys.public

    def hello(self) -> Hello:
        """Return a greeting that only this host could be meant by, with a nonce of its own."""
        return Hello.anew(self._ledger_thread.host_key, self._context.random_bytes)

    async def connect(
        self, phone: Phone, ready: WorkerReady, address: str | None, curve_key: str
    ) -> WorkerClient:
        """Connect to a phone's worker, which is the phone's from then on.

        Raises `PhoneLostError` where it cannot be reached. Whoever calls holds the `link_lock`.
        """
        link, _ = connection(phone)
        ports = await self._pool.run(self._reach, link, address, ready)
        phone.worker.process_id = ready.process_id
        phone.worker.inbox_port = ready.inbox_port
        phone.worker.wifi_inbox = f"tcp://{address}:{ready.inbox_port}" if address else None
        self._note_route(phone, ports.route)
        where = WorkerAddress(ports.host, ports.inbox_port, ports.pulse_port, curve_key)
        client = WorkerClient(
            self._open_port(where, self._keys),
            phone.serial,
            where,
            self._context.clock,
            self._context.nursery,
            self._context.patience,
        )
        phone.worker.client = client
        return client

    async def meet(self, phone: Phone, client: WorkerClient) -> Introduction:
        """Let a worker prove its key and register it; return what it told of itself.

        Raises `WorkerError` or `PhoneLostError`.
        """
        hello = self.hello()
        told = await _introduction(phone, client, hello)
        key = ProvenKey(told.public_key, client.address.public_key, hello.nonce, told.proof)
        if not key.holds_for(phone.serial, hello.host_key):
            raise WorkerError("phone.worker_without_key", phone=phone.name)
        phone.worker.public_key = told.public_key
        phone.worker.numerical_class = told.numerical_class
        register = partial(self._register, phone.serial, key, told.numerical_class)
        before, phone.standing = phone.standing, await self._ledger_thread.run(register)
        if before is None and phone.standing.stake == 0:
            bare = Fact("phone.without_stake", phone=phone.name)
            self._timeline.add(TimelineKind.INFO, bare, phone.serial)
        return told

    def _register(
        self, serial: Serial, key: ProvenKey, numerical_class: str, ledger: Ledger
    ) -> PhoneStanding:
        own = serial in self._own_phones
        if own and ledger.knows_other_key(serial, key.public_key):
            ledger.withdraw_key(serial, STARTED_ANEW)
        ledger.register_phone(serial, key, numerical_class)
        if own:
            ledger.grant_stake(serial)
        return ledger.standing(serial)

    async def take_up(self, phone: Phone) -> bool:
        """Reattach to a worker that survived the disconnect. Returns False if none did.

        One of which something is held against it, or that a tester broke, is not trusted again.
        """
        if not phone.worker.may_go_on or phone.fault is not None:
            return False
        try:
            taken_up = await self._take_up(phone)
        except ShardloomError as error:
            _log.info("%s: its worker is not taken up again: %s", phone.serial, error)
            return False
        if taken_up:
            back = Fact("phone.back", phone=phone.name)
            self._timeline.add(TimelineKind.INFO, back, phone.serial)
        return taken_up

    async def _take_up(self, phone: Phone) -> bool:
        link, deployer = connection(phone)
        before, process_id, key = phone.client, phone.worker.process_id, phone.worker.public_key
        if before is None or process_id is None:
            return False
        async with phone.connection.lock:
            ready = await self._pool.run(deployer.ready, process_id)
            if ready is None:
                return False
            address = await self._pool.run(wifi_address, link)
            await let_go(phone)
            client = await self.connect(phone, ready, address, before.address.public_key)
        told = await self.meet(phone, client)
        if (phone.worker.public_key, told.version) != (key, VERSION):
            raise WorkerError("phone.another_worker", phone=phone.name)
        for transaction in told.transactions:
            await client.call(Close(transaction, kept_steps=0))
        phone.worker.kept_spans = set(told.spans)
        return True

    def _note_route(self, phone: Phone, route: Route) -> None:
        if route is Route.ADB and phone.worker.route is not Route.ADB:
            has_wifi = phone.worker.wifi_inbox is not None
            code = "path.wifi_silent" if has_wifi else "path.no_wifi"
            self._timeline.add(TimelineKind.INFO, Fact(code, phone=phone.name), phone.serial)
        phone.worker.route = route


def connection(phone: Phone) -> tuple[PhoneLink, Deployer]:
    """Return a phone's link and what works on it. Raises `PhoneLostError` where it has none."""
    if phone.link is None or phone.connection.deployer is None:
        raise PhoneLostError("phone.not_connected", phone=phone.name)
    return phone.link, phone.connection.deployer


async def _introduction(phone: Phone, client: WorkerClient, hello: Hello) -> Introduction:
    try:
        return await client.call(hello)
    except WorkerError as error:
        raise WorkerError(
            "worker.other_protocol",
            phone=phone.name,
            protocol=PROTOCOL_VERSION,
            reason=error.fact,
        ) from None


async def let_go(phone: Phone) -> None:
    """Let go of the phone's worker, if there is one; it goes on running."""
    client, phone.worker.client = phone.client, None
    if client is not None:
        client.give_up()
        await client.close()
