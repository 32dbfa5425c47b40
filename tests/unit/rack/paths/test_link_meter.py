"""Which links are measured: all pairs of a small rack, those of the rings in a large one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import permutations
from typing import cast

import pytest

from app.core.device import Route
from app.core.identifiers import HOST, Serial
from app.pipeline.worker_client import WorkerAddress
from app.rack.paths.link_meter import LARGEST_MESH, LinkMeter
from app.rack.paths.link_table import LinkTable
from app.rack.paths.path_finder import Hop, PathFinder
from app.rack.phones.phone import Phone
from app.testing.clocks import ManualClock
from tests.unit.rack.support import a_context, a_phone
from workers.protocol.commands import Ping, Pong, Probe, Probed

Pairs = set[tuple[str, str]]


class QuickWorker:
    """A worker that answers every question at once."""

    def __init__(self, serial: Serial) -> None:
        self.address = WorkerAddress("127.0.0.1", 1, 2, str(serial))

    async def call(self, command: Ping | Probe, _timeout_s: float = 10.0) -> Pong | Probed:
        if isinstance(command, Ping):
            return Pong()
        return Probed(round_trip_s=0.002, bytes_per_second=1e6)


class OpenWays:
    """A router to which every phone reaches every other by itself."""

    def __init__(self) -> None:
        self.measured = LinkTable(ManualClock())
        self.turn = asyncio.Lock()

    async def hop(self, sender: Phone, receiver: Phone, *, again: bool) -> Hop:
        assert again
        assert sender.client is not None
        assert receiver.client is not None
        return Hop(sender.client, receiver.client, None, Route.DIRECT, "tcp://127.0.0.1:1")


def phones_of(count: int) -> list[Phone]:
    phones = []
    for number in range(count):
        serial = Serial(f"p{number}")
        phone = a_phone(serial, number, client=QuickWorker(serial))
        phone.worker.route = Route.DIRECT
        phones.append(phone)
    return phones


def measured(phones: Sequence[Phone], rings: Sequence[Sequence[Serial]]) -> Pairs:
    ways = OpenWays()
    path_finder, context = cast("PathFinder", ways), a_context(ManualClock())
    meter = LinkMeter(context, path_finder, phones, lambda: True, lambda: rings)
    asyncio.run(meter.measure(phones, budget_s=1.0))
    return {(link.sender, link.receiver) for link in ways.measured.snapshot()}


def with_host(phones: Sequence[Phone]) -> Pairs:
    serials = [phone.serial for phone in phones]
    return {(HOST, serial) for serial in serials} | {(serial, HOST) for serial in serials}


def test_every_pair_of_a_small_rack_is_measured() -> None:
    phones = phones_of(4)
    pairs = permutations((phone.serial for phone in phones), 2)
    assert measured(phones, []) == with_host(phones) | set(pairs)


@pytest.mark.parametrize(
    ("rings", "pairs"),
    [
        ([], set()),
        ([["p1"]], set()),
        ([["p3", "p1", "p2"]], {("p3", "p1"), ("p1", "p2"), ("p2", "p3")}),
        ([["p1", "p2"], ["p1", "p2", "gone"]], {("p1", "p2"), ("p2", "p1")}),
    ],
)
def test_of_a_large_rack_the_rings_are_measured_and_the_way_back_to_their_beginning(
    rings: Sequence[Sequence[Serial]], pairs: Pairs
) -> None:
    phones = phones_of(LARGEST_MESH + 1)
    assert measured(phones, rings) == with_host(phones) | pairs
