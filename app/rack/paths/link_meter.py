"""Measuring links while nobody needs the phones: each ordered pair, and each phone with the host.

In a large rack pairs are those that pass on to each other, in the ring in use or the one planned.
A worker does nothing else while it measures, so no phone takes part in two measurements at once,
and none begins while a request runs.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import permutations
from typing import Final

import numpy as np

from app.core.device import LinkProfile
from app.core.errors import ShardloomError
from app.core.identifiers import HOST, Serial
from app.pipeline.worker_client import WorkerClient
from app.rack.context import RackContext
from app.rack.paths.link_table import LinkTable
from app.rack.paths.path_finder import CALL_MARGIN_S, PathFinder, admit_everybody
from app.rack.phones.phone import Phone
from workers.network.probing import rest_s
from workers.protocol.commands import Ping, Probe

OPENING_BUDGET_S: Final = 1.5
"""How long an opening rack measures before it plans with what is known."""
MEASURE_AGAIN_AFTER_S: Final = 300.0
LARGEST_MESH: Final = 12
"""With more phones all pairs would take longer than they hold: only those of rings are measured."""
TICK_S: Final = 1.0
BUSY_SHARE: Final = 0.1
"""Share of the time that an idle rack measures."""
PINGS: Final = 9
STREAM_BYTES: Final = 1 << 20
STREAM_LIMIT_S: Final = 0.4
FIRST_MESSAGE_BYTES: Final = 1 << 16
ENOUGH_S: Final = 0.03
"""A message that takes this long tells the rate."""
_SHORTEST_S: Final = 1e-5
_Pair = tuple[Phone | None, Phone]
"""Sender and receiver; no sender means this computer, both ways."""
_log = logging.getLogger("shardloom.rack")


class LinkMeter:
    """Fills a link table. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        path_finder: PathFinder,
        everybody: Collection[Phone],
        is_idle: Callable[[], bool],
        rings: Callable[[], Iterable[Sequence[Serial]]],
    ) -> None:
        """`is_idle` tells whether no request is running.

        `everybody` is a view of all phones, `rings` tells who passes on to whom.
        """
        self._path_finder = path_finder
        self._everybody = everybody
        self._clock = context.clock
        self._is_idle = is_idle
        self._rings = rings
        self._changed = context.changed
        self._workers: dict[Serial, WorkerClient] = {}
        self._measuring = asyncio.Lock()

    @property
    def table(self) -> LinkTable:
        """What was measured so far."""
        return self._path_finder.measured

    async def measure(
        self,
        phones: Sequence[Phone],
        budget_s: float,
        again_after_s: float = MEASURE_AGAIN_AFTER_S,
    ) -> None:
        """Measure what is older than that, oldest first, until the time is used up.

        Raises `ShardloomError` where a phone does not answer.
        """
        started_s = self._clock.monotonic_s()
        tried: set[tuple[Serial, Serial]] = set()
        async with self._measuring:
            await self._admit(phones)
            while self._is_idle() and self._clock.monotonic_s() - started_s < budget_s:
                due = [pair for pair in self._due(phones, again_after_s) if _key(pair) not in tried]
                pairs = _disjoint(due)
                if not pairs:
                    return
                tried.update(map(_key, pairs))
                async with self._path_finder.turn:
                    await asyncio.gather(*(self._measure(*pair) for pair in pairs))
                self._changed()

    async def look(self, phones: Sequence[Phone]) -> None:
        """Measure a little while the rack is idle; to be called every `TICK_S` seconds.

        What took long is rested for, so that phones measure `BUSY_SHARE` of the time at most.
        """
        started_s = self._clock.monotonic_s()
        if self._is_idle():
            try:
                await self.measure(phones, TICK_S * BUSY_SHARE)
            except ShardloomError as error:
                _log.info("links not measured: %s", error)
        busy_s = self._clock.monotonic_s() - started_s
        await self._clock.sleep(max(0.0, busy_s / BUSY_SHARE - TICK_S))

    async def _admit(self, phones: Iterable[Phone]) -> None:
        """Let phones take each other's questions, once for every new worker."""
        workers = {phone.serial: phone.client for phone in phones if phone.client is not None}
        for serial, client in workers.items():
            if self._workers.get(serial) is not client:
                self.table.forget(serial)
        if workers != self._workers:
            await admit_everybody(phones, self._everybody)
            self._workers = workers

    def _due(self, phones: Sequence[Phone], again_after_s: float) -> list[_Pair]:
        """Return the pairs whose measurement is too old, oldest first."""
        pairs: list[_Pair] = [(None, phone) for phone in phones]
        if len(phones) <= LARGEST_MESH:
            pairs.extend(permutations(phones, 2))
        else:
            pairs.extend(_neighbours(phones, self._rings()))
        aged = [(self.table.age_s(*_key(pair)), pair) for pair in pairs]
        due = [entry for entry in aged if entry[0] >= again_after_s]
        return [pair for _, pair in sorted(due, key=lambda entry: -entry[0])]

    async def _measure(self, sender: Phone | None, receiver: Phone) -> None:
        try:
            if sender is None:
                await self._measure_host(receiver)
            else:
                await self._measure_hop(sender, receiver)
        except ShardloomError as error:
            _log.info("a link was not measured: %s", error)

    async def _measure_hop(self, sender: Phone, receiver: Phone) -> None:
        hop = await self._path_finder.hop(sender, receiver, again=True)
        try:
            probed = await hop.sender.call(
                Probe(
                    endpoint=hop.endpoint,
                    key=hop.receiver.address.public_key,
                    pings=PINGS,
                    size_bytes=STREAM_BYTES,
                    limit_s=STREAM_LIMIT_S,
                ),
                STREAM_LIMIT_S * PINGS + CALL_MARGIN_S,
            )
        except ShardloomError:
            self._path_finder.drop(hop)
            raise
        rate = probed.bytes_per_second
        if rate is not None:
            profile = LinkProfile(max(probed.round_trip_s / 2, _SHORTEST_S), rate)
            self.table.record(sender.serial, receiver.serial, profile, hop.route)

    async def _measure_host(self, phone: Phone) -> None:
        client = phone.client
        if client is None or phone.worker.route is None:
            return
        round_trip_s = await self._round_trip_s(client)
        for pair, upward in (((HOST, phone.serial), False), ((phone.serial, HOST), True)):
            rate = await self._rate(client, round_trip_s, upward=upward)
            profile = LinkProfile(max(round_trip_s / 2, _SHORTEST_S), rate)
            self.table.record(*pair, profile, phone.worker.route)

    async def _round_trip_s(self, client: WorkerClient) -> float:
        """Return the median of the pings, with rests in between as phones take them."""
        round_trips_s = [await self._ping_s(client)]
        while len(round_trips_s) < PINGS:
            await self._clock.sleep(rest_s(round_trips_s[-1]))
            round_trips_s.append(await self._ping_s(client))
        return statistics.median(round_trips_s)

    async def _rate(self, client: WorkerClient, round_trip_s: float, *, upward: bool) -> float:
        """Return bytes per second to a phone or, upward, from it; larger and larger messages."""
        size_bytes = FIRST_MESSAGE_BYTES
        while True:
            sent_bytes, answer_bytes = (0, size_bytes) if upward else (size_bytes, 0)
            message_s = await self._ping_s(client, sent_bytes, answer_bytes) - round_trip_s
            if message_s > ENOUGH_S or size_bytes >= STREAM_BYTES:
                return size_bytes / max(message_s, _SHORTEST_S)
            size_bytes *= 4

    async def _ping_s(
        self, client: WorkerClient, sent_bytes: int = 0, answer_bytes: int = 0
    ) -> float:
        """Return how long a worker's answer takes; raises `PhoneLostError` where none comes."""
        payload = (np.zeros(sent_bytes // 4, np.float32),) if sent_bytes else ()
        started_s = self._clock.monotonic_s()
        await client.call(Ping(answer_bytes, payload))
        return self._clock.monotonic_s() - started_s


def _neighbours(phones: Iterable[Phone], rings: Iterable[Sequence[Serial]]) -> list[_Pair]:
    """Return each phone of a ring with the next, and the last with the first; each pair once."""
    known = {phone.serial: phone for phone in phones}
    hops = dict.fromkeys(
        hop for ring in rings for hop in zip(ring, (*ring[1:], *ring[:1]), strict=True)
    )
    return [
        (known[sender], known[receiver])
        for sender, receiver in hops
        if sender != receiver and sender in known and receiver in known
    ]


def _key(pair: _Pair) -> tuple[Serial, Serial]:
    sender, receiver = pair
    return (HOST if sender is None else sender.serial, receiver.serial)


def _disjoint(pairs: Iterable[_Pair]) -> list[_Pair]:
    """Return the first pairs in which no end occurs twice."""
    chosen: list[_Pair] = []
    taken: set[Serial] = set()
    for pair in pairs:
        ends = set(_key(pair))
        if not ends & taken:
            taken |= ends
            chosen.append(pair)
    return chosen
