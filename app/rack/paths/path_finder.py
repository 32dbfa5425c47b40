"""The way from each phone of a ring to the next: found by trying, found again when it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from weakref import WeakKeyDictionary

from app.core.device import Route
from app.core.errors import PhoneLostError, ShardloomError, WorkerError, reason_of
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink
from app.pipeline.failures import StageFailedError
from app.pipeline.worker_client import WorkerClient
from app.rack.context import RackContext
from app.rack.paths.link_table import LinkTable
from app.rack.paths.relays import Relays
from app.rack.phones.phone import Phone
from app.rack.snapshot import TimelineKind
from workers.protocol.commands import MAXIMUM_LIMIT_S, Admit, Ping, Probe

_log = logging.getLogger("shardloom.rack")
TRY_LIMIT_S: Final = 2.0
"""How long a phone may take to reach another before the way counts as closed."""
TRIES_IN_VAIN: Final = 2
"""After so many phones that it did not reach, and none that it did, a phone is helped at once."""
TRIED_AT_ONCE: Final = 4
"""More would keep phones that run on a busy computer from answering in time."""
RELAY_TRY_LIMIT_S: Final = 4.0
CALL_MARGIN_S: Final = 6.0


@dataclass(frozen=True)
class Hop:
    """A way that was found; it holds as long as both workers and the link it goes through do."""

    sender: WorkerClient
    receiver: WorkerClient
    link: PhoneLink | None
    """What a relayed hop goes through."""
    route: Route
    endpoint: str

    def holds(self, sender: Phone, receiver: Phone) -> bool:
        """Tell whether nothing that it needs was replaced since."""
        same = self.sender is sender.client and self.receiver is receiver.client
        return same and (self.link is None or self.link is sender.link)


class PathFinder:
    """The hops of a rack. Lives on the service loop.

    A worker that tries a way answers nobody meanwhile: whoever asks for hops holds the `turn`, and
    asks for none at once that share a phone.
    """

    def __init__(self, context: RackContext, measured: LinkTable) -> None:
        self.measured = measured
        """What the hops were measured to be."""
        self.turn = asyncio.Lock()
        self._timeline = context.timeline
        self._hops: dict[tuple[Serial, Serial], Hop] = {}
        self._relays = Relays(context)
        self._in_vain: WeakKeyDictionary[WorkerClient, int] = WeakKeyDictionary()
        self._apart: dict[tuple[Serial, Serial], tuple[WorkerClient | None, ...]] = {}
        """Workers between which no way was found."""
        self._places = asyncio.Semaphore(TRIED_AT_ONCE)

    async def connect(self, ring: Sequence[Phone]) -> bool:
        """Find a way for each hop of a ring; the workers admit each other already.

        Returns whether the ring is closed: its last phone reaches its first, and sooner than by
        way of this computer. Raises `StageFailedError` for a phone that cannot reach the next one
        in any way.
        """
        hops = list(pairwise(ring))
        if not all(self._known(*hop) for hop in hops):
            async with self.turn:
                for apart in (hops[::2], hops[1::2]):
                    await asyncio.gather(*(self._hop_in_turn(*hop) for hop in apart))
        return bool(ring) and await self._close(ring[-1], ring[0])

    async def _close(self, last: Phone, first: Phone) -> bool:
        """Find the way back to the first phone, trying only once where there is none."""
        pair, workers = (last.serial, first.serial), (last.client, first.client)
        if last is first:
            return _reach_itself(last)
        if self._apart.get(pair) == workers or not self.measured.is_shorter_than_by_host(*pair):
            return False
        if self._known(last, first):
            return True
        try:
            async with self.turn:
                await self.hop(last, first)
        except StageFailedError as error:
            self._apart[pair] = workers
            _log.info("every token comes by this computer: %s", error)
            return False
        return True

    async def _hop_in_turn(self, sender: Phone, receiver: Phone) -> None:
        async with self._places:
            await self.hop(sender, receiver)

    async def hop(self, sender: Phone, receiver: Phone, *, again: bool = False) -> Hop:
        """Return the way between two phones, the one known as long as it holds.

        With `again` a phone that did not reach the other by itself tries anew. Raises
        `StageFailedError` where there is no way.
        """
        pair = sender.serial, receiver.serial
        known = self._known(sender, receiver)
        if known is not None and not (again and known.route is not Route.DIRECT):
            return known
        direct = None
        if known is not None or not self._looks_apart(sender):
            direct = await self._direct(sender, receiver)
        hop = direct or known or await self._relayed(sender, receiver)
        self._tell(sender, receiver, hop.route)
        self._hops[pair] = hop
        hop.sender.reach(hop.receiver.address, hop.endpoint)
        return hop

    def _looks_apart(self, sender: Phone) -> bool:
        """Tell whether the phone reached nobody by itself so far, and tried more than once."""
        client = sender.client
        if client is None or self._in_vain.get(client, 0) < TRIES_IN_VAIN:
            return False
        routes = {hop.route for hop in self._hops.values() if hop.sender is client}
        return Route.DIRECT not in routes

    async def recheck(self, ring: Sequence[Phone]) -> list[tuple[Phone, Phone]]:
        """Try every way in use in a ring, and forget and return those that carry nothing.

        Raises `StageFailedError` for a phone that does not answer this computer either.
        """
        pairs = [
            pair for pair in zip(ring, (*ring[1:], *ring[:1]), strict=True) if self._known(*pair)
        ]
        async with self.turn:
            await asyncio.gather(*map(_answers, ring))
            return [pair for pair in pairs if not await self._carries(*pair)]

    async def _carries(self, sender: Phone, receiver: Phone) -> bool:
        hop = self._known(sender, receiver)
        if hop is None:
            return False
        try:
            await _try(hop.sender, hop.receiver, hop.endpoint, RELAY_TRY_LIMIT_S)
        except WorkerError as error:
            _log.info("%s reaches %s no more: %s", sender.serial, receiver.serial, error)
            self.drop(hop)
            return False
        except PhoneLostError as error:
            raise _silent(sender, error) from None
        return True

    def forget(self, phone: Phone) -> None:
        """Forget the ways that go through a phone's ADB connection; connections in use go on."""
        for hop in [hop for hop in self._hops.values() if hop.link is not None]:
            if phone.client in (hop.sender, hop.receiver):
                self.drop(hop)

    def drop(self, hop: Hop) -> None:
        """Forget a way that carries nothing any more."""
        for pair in [pair for pair, each in self._hops.items() if each is hop]:
            del self._hops[pair]

    def _known(self, sender: Phone, receiver: Phone) -> Hop | None:
        hop = self._hops.get((sender.serial, receiver.serial))
        return hop if hop is not None and hop.holds(sender, receiver) else None

    def endpoint(self, sender: Phone, receiver: Phone) -> str | None:
        """Return where a phone reaches another, as far as is known; nothing is tried."""
        known = self._known(sender, receiver)
        if known is not None:
            return known.endpoint
        return receiver.worker.wifi_inbox if sender.worker.wifi_inbox is not None else None

    def close(self) -> None:
        """Let go of every relay."""
        self._relays.close()

    async def _direct(self, sender: Phone, receiver: Phone) -> Hop | None:
        here, there = _workers(sender, receiver)
        if sender.worker.wifi_inbox is None or receiver.worker.wifi_inbox is None:
            return None
        try:
            await _try(here, there, receiver.worker.wifi_inbox, TRY_LIMIT_S)
        except WorkerError:
            self._in_vain[here] = self._in_vain.get(here, 0) + 1
            return None
        except PhoneLostError as error:
            raise _silent(sender, error) from None
        return Hop(here, there, None, Route.DIRECT, receiver.worker.wifi_inbox)

    async def _relayed(self, sender: Phone, receiver: Phone) -> Hop:
        here, there = _workers(sender, receiver)
        link = sender.link
        try:
            if link is None:
                raise PhoneLostError("phone.not_connected", phone=sender.name)
            endpoint, route = await self._relays.open(link, here, receiver, there)
            await _try(here, there, endpoint, RELAY_TRY_LIMIT_S)
        except ShardloomError as error:
            raise StageFailedError(
                "stage.cannot_reach",
                phone=sender.serial,
                receiver=receiver.name,
                reason=reason_of(error),
            ) from None
        return Hop(here, there, link, route, endpoint)

    def _tell(self, sender: Phone, receiver: Phone, route: Route) -> None:
        """Say when a phone begins to need this computer, or needs it no more; not of every pair."""
        before = {hop.route for (serial, _), hop in self._hops.items() if serial == sender.serial}
        if route is not Route.DIRECT and before <= {Route.DIRECT}:
            holder = sender.link.holder if sender.link and route is Route.SERVER else ""
            told = _helped(sender, receiver, holder)
        elif route is Route.DIRECT and before and Route.DIRECT not in before:
            told = Fact("path.direct_now", phone=sender.name, receiver=receiver.name)
        else:
            return
        self._timeline.add(TimelineKind.INFO, told, sender.serial)


def _helped(sender: Phone, receiver: Phone, holder: str) -> Fact:
    """Tell who passes on what a phone sends; no `holder` is this computer."""
    if not holder:
        return Fact("path.by_this_computer", phone=sender.name, receiver=receiver.name)
    return Fact("path.by_a_server", phone=sender.name, receiver=receiver.name, holder=holder)


async def admit_everybody(hosts: Iterable[Phone], guests: Collection[Phone]) -> None:
    """Let the hosts' workers take messages from every guest's. Raises `ShardloomError`.

    Whoever got a new worker while another host was still being told is among the guests.
    """
    for client in [host.client for host in hosts if host.client is not None]:
        keys = [guest.client.address.public_key for guest in guests if guest.client is not None]
        await client.call(Admit(tuple(keys)))


def _reach_itself(phone: Phone) -> bool:
    """Let the only phone of a ring feed itself, over its own loopback, where its port is known."""
    if phone.client is None or phone.worker.inbox_port is None:
        return False
    phone.client.reach(phone.client.address, f"tcp://127.0.0.1:{phone.worker.inbox_port}")
    return True


def _workers(sender: Phone, receiver: Phone) -> tuple[WorkerClient, WorkerClient]:
    for phone in (sender, receiver):
        if phone.client is None or phone.client.lost:
            raise StageFailedError("stage.no_worker_answers", phone=phone.serial)
    if sender.client is None or receiver.client is None:
        raise AssertionError
    return sender.client, receiver.client


async def _answers(phone: Phone) -> None:
    """Ask a phone of a ring for a sign of life. Raises `StageFailedError` where none comes."""
    client, _ = _workers(phone, phone)
    try:
        await client.call(Ping(), TRY_LIMIT_S)
    except (PhoneLostError, WorkerError) as error:
        raise _silent(phone, error) from None


def _silent(phone: Phone, error: PhoneLostError | WorkerError) -> StageFailedError:
    return StageFailedError("stage.silent", phone=phone.serial, reason=reason_of(error))


async def _try(here: WorkerClient, there: WorkerClient, endpoint: str, usual_s: float) -> None:
    """Let a worker ask another once. Raises `WorkerError` where nobody answers in time."""
    limit_s = min(usual_s * here.patience, MAXIMUM_LIMIT_S)
    probe = Probe(endpoint, there.address.public_key, pings=1, size_bytes=0, limit_s=limit_s)
    await here.call(probe, limit_s + CALL_MARGIN_S)
