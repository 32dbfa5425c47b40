"""Meeting a worker that runs on a phone: a new one, or one that went on out of reach."""

from __future__ import annotations

import logging

import zmq
import zmq.asyncio

from app.core.clock import Clock
from app.core.device import Route
from app.core.errors import PhoneLostError, ShardloomError, WorkerError
from app.devices.adb.link import PhoneLink
from app.devices.condition.probe import wifi_address
from app.devices.deployment.deployment import Deployer
from app.devices.deployment.worker_ports import reach_worker
from app.ledger.ledger import Ledger
from app.ledger.views.snapshot import PhoneStanding
from app.pipeline.worker_client import HostKeys, WorkerAddress, WorkerClient
from app.rack.blocking import BlockingPool
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.phone import Phone
from app.rack.snapshot import TimelineKind
from app.rack.timeline import Timeline
from workers.identity.identity import verify_hello
from workers.protocol.commands import Close, Hello, Introduction
from workers.protocol.configuration import WorkerReady
from workers.version import VERSION

_log = logging.getLogger("shardloom.rack")


class WorkerHandshake:
    """Connects to workers and lets them prove who they are. Lives on the service loop."""

    def __init__(
        self,
        context: zmq.asyncio.Context,
        ledger_thread: LedgerThread,
        pool: BlockingPool,
        timeline: Timeline,
        clock: Clock,
        patience: float = 1.0,
    ) -> None:
        """All that a worker is given time for takes `patience` times as long as usual."""
        self._context = context
        self._ledger_thread = ledger_thread
        self._pool = pool
        self._timeline = timeline
        self._clock = clock
        self._patience = patience
        self._keys = HostKeys(*(key.decode() for key in zmq.curve_keypair()))

    @property
    def public_key(self) -> str:
        """The host's CURVE key, which a worker is told at its launch."""
        return self._keys.public

    async def connect(
        self, phone: Phone, ready: WorkerReady, address: str | None, curve_key: str
    ) -> WorkerClient:
        """Connect to a phone's worker, which is the phone's from then on.

        Raises `PhoneLostError` where it cannot be reached. Whoever calls holds the `link_lock`.
        """
        link, _ = connection(phone)
        ports = await self._pool.run(reach_worker, link, address, ready)
        phone.process_id = ready.process_id
        phone.inbox_port = ready.inbox_port
        phone.wifi_inbox = f"tcp://{address}:{ready.inbox_port}" if address else None
        self._note_route(phone, ports.route)
        where = WorkerAddress(ports.host, ports.inbox_port, ports.pulse_port, curve_key)
        client = WorkerClient(
            self._context, phone.serial, where, self._keys, self._clock, self._patience
        )
        phone.client = client
        return client

    async def meet(self, phone: Phone, client: WorkerClient) -> Introduction:
        """Let a worker prove its key and register it; return what it told of itself.

        Raises `WorkerError` or `PhoneLostError`.
        """
        hello = Hello.anew()
        told = await client.call(hello)
        public_key, numerical_class = told.public_key, told.numerical_class
        if not verify_hello(public_key, hello.nonce, told.proof):
            raise WorkerError(f"{phone.name}'s worker could not prove its key.")
        phone.public_key = public_key

        def register(ledger: Ledger) -> PhoneStanding:
            ledger.register_phone(phone.serial, public_key, numerical_class)
            return ledger.standing(phone.serial)

        phone.standing = await self._ledger_thread.run(register)
        return told

    async def take_up(self, phone: Phone) -> bool:
        """Go on with a worker that ran on while the phone was away; false where there is none.

        One that was lost for more than silence, or that a tester broke, is not trusted again.
        """
        if not phone.worker_unheard or phone.fault is not None:
            return False
        try:
            taken_up = await self._take_up(phone)
        except ShardloomError as error:
            _log.info("%s: its worker is not taken up again: %s", phone.serial, error)
            return False
        if taken_up:
            text = f"{phone.name} is back; its worker went on meanwhile."
            self._timeline.add(TimelineKind.INFO, text, phone.serial)
        return taken_up

    async def _take_up(self, phone: Phone) -> bool:
        link, deployer = connection(phone)
        before, process_id, key = phone.client, phone.process_id, phone.public_key
        if before is None or process_id is None:
            return False
        async with phone.link_lock:
            ready = await self._pool.run(deployer.ready, process_id)
            if ready is None:
                return False
            address = await self._pool.run(wifi_address, link)
            await let_go(phone)
            client = await self.connect(phone, ready, address, before.address.public_key)
        told = await self.meet(phone, client)
        if (phone.public_key, told.version) != (key, VERSION):
            raise WorkerError(f"{phone.name} has another worker now.")
        for transaction in told.transactions:
            await client.call(Close(transaction))
        phone.kept_spans = set(told.spans)
        return True

    def _note_route(self, phone: Phone, route: Route) -> None:
        if route is Route.ADB and phone.route is not Route.ADB:
            why = "does not answer on its Wi-Fi address" if phone.wifi_inbox else "has no Wi-Fi"
            text = f"{phone.name} {why}: its worker is reached through adb."
            self._timeline.add(TimelineKind.INFO, text, phone.serial)
        phone.route = route


def connection(phone: Phone) -> tuple[PhoneLink, Deployer]:
    """Return a phone's link and what works on it. Raises `PhoneLostError` where it has none."""
    if phone.link is None or phone.deployer is None:
        raise PhoneLostError(f"{phone.name} is not connected.")
    return phone.link, phone.deployer


async def let_go(phone: Phone) -> None:
    """Let go of the phone's worker, if there is one; it goes on running."""
    client, phone.client = phone.client, None
    if client is not None:
        client.give_up()
        await client.close()
