"""Ways out of a phone that end on its holder's loopback, and go on into the next phone's worker."""

from __future__ import annotations

from typing import Final

from app.core.device import Route
from app.devices.adb.link import PhoneLink
from app.devices.links.port_forward import PortForward, relay_to
from app.pipeline.worker_client import WorkerClient
from app.rack.context import RackContext
from app.rack.phones.phone import Phone
from workers.protocol.commands import SECRET_BYTES, OpenOutlet

OUTLET_TIMEOUT_S: Final = 10.0


class Relays:
    """What this computer passes on between phones, unread. Lives on the service loop."""

    def __init__(self, context: RackContext) -> None:
        self._pool = context.pool
        self._random_bytes = context.random_bytes
        self._relays: dict[WorkerClient, PortForward] = {}
        self._fetched: dict[tuple[WorkerClient, WorkerClient], tuple[PhoneLink, int]] = {}

    async def open(
        self, link: PhoneLink, here: WorkerClient, receiver: Phone, there: WorkerClient
    ) -> tuple[str, Route]:
        """Return where a worker behind a link reaches another's inbox, and what passes it on.

        Raises `ShardloomError` where the phone or its holder does not do its part.
        """
        await self._drop_lost()
        other = receiver.link
        if not link.holder:
            port = await self._pool.run(link.reverse, self._port_here(receiver, there))
            return _loopback(port), Route.RELAYED
        inbox_port = receiver.worker.inbox_port
        if other is not None and other.holder == link.holder and inbox_port is not None:
            port_there = await self._pool.run(other.forward_there, inbox_port)
            port = await self._pool.run(link.reverse, port_there)
            return _loopback(port), Route.SERVER
        return await self._outlet(link, here, receiver, there), Route.RELAYED

    def close(self) -> None:
        """Let go of every relay; what is fetched from phones ends with their links."""
        for relay in self._relays.values():
            relay.close()
        self._relays.clear()

    async def _outlet(
        self, link: PhoneLink, here: WorkerClient, receiver: Phone, there: WorkerClient
    ) -> str:
        """Fetch what the worker sends: the phone's holder could only keep it to itself."""
        secret = self._random_bytes(SECRET_BYTES)
        told = await here.call(OpenOutlet(there.address.public_key, secret), OUTLET_TIMEOUT_S)
        target = self._port_here(receiver, there)
        await self._pool.run(link.fetch, told.intake_port, secret, target)
        self._fetched[here, there] = link, told.intake_port
        return told.endpoint

    def _port_here(self, receiver: Phone, there: WorkerClient) -> int:
        """Return a loopback port of this computer that comes out at the receiver's inbox."""
        if receiver.worker.route is Route.ADB:
            return there.address.inbox_port
        if there not in self._relays:
            self._relays[there] = relay_to(there.address.host, there.address.inbox_port)
        return self._relays[there].port

    async def _drop_lost(self) -> None:
        """Let go of relays to workers that are gone, and of what came from them."""
        for client in [each for each in self._relays if each.lost]:
            self._relays.pop(client).close()
        for pair in [pair for pair in self._fetched if any(client.lost for client in pair)]:
            link, intake_port = self._fetched.pop(pair)
            await self._pool.run(link.stop_fetching, intake_port)


def _loopback(port: int) -> str:
    return f"tcp://127.0.0.1:{port}"
