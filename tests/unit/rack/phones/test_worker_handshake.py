"""When a worker is taken up again, and what becomes of layers that it kept for nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest
import zmq.asyncio

from app.core.clock import ManualClock
from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink
from app.devices.deployment.deployment import Deployer
from app.faults.catalogue import Fault, FaultKind
from app.models.library import Library
from app.pipeline.worker_client import WorkerAddress, WorkerClient
from app.rack.blocking import BlockingPool
from app.rack.layers.spans import SpanLoader
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.phone import Phone
from app.rack.phones.worker_handshake import WorkerHandshake
from app.rack.timeline import Timeline
from workers.protocol.commands import Done, Unload
from workers.protocol.configuration import WorkerReady

SERIAL = Serial("BACK")
PROCESS_ID = 7


class Recorded:
    """A worker's client and a deployer in one, which keep what they are asked."""

    lost = False

    def __init__(self) -> None:
        self.address = WorkerAddress("127.0.0.1", 1, 2, "key")
        self.asked: list[object] = []

    async def call(self, command: Unload) -> Done:
        self.asked.append(command)
        return Done()

    def ready(self, process_id: int) -> WorkerReady | None:
        self.asked.append(process_id)
        return None


def phone_with(recorded: Recorded) -> Phone:
    phone = Phone(SERIAL, 1, client=cast(WorkerClient, recorded), process_id=PROCESS_ID)
    phone.link, phone.deployer = cast(PhoneLink, recorded), cast(Deployer, recorded)
    return phone


async def taken_up(phone: Phone) -> bool:
    clock, pool = ManualClock(), BlockingPool(1, "test")
    with zmq.asyncio.Context() as context:
        handshake = WorkerHandshake(context, cast(LedgerThread, None), pool, Timeline(clock), clock)
        return await handshake.take_up(phone)


@pytest.mark.parametrize(
    ("unheard", "fault", "asked"),
    [
        (True, None, [PROCESS_ID]),
        (False, None, []),
        (True, Fault(FaultKind.WRONG_OUTPUT, SERIAL), []),
    ],
)
def test_only_a_worker_lost_by_silence_is_looked_for_and_one_that_ended_is_not_taken_up(
    *, unheard: bool, fault: Fault | None, asked: list[object]
) -> None:
    recorded = Recorded()
    phone = phone_with(recorded)
    phone.worker_unheard, phone.fault = unheard, fault
    assert not asyncio.run(taken_up(phone))
    assert recorded.asked == asked
    assert phone.client is not None


def test_layers_kept_for_nobody_are_unloaded_once(tmp_path: Path) -> None:
    recorded = Recorded()
    phone = phone_with(recorded)
    phone.kept_spans = {"demo-0-3-1", "demo-4-5-2"}
    pool = BlockingPool(1, "test")
    loader = SpanLoader(Library(tmp_path), pool, 64, 4, ManualClock(), lambda: None)

    async def scene() -> None:
        await loader.drop_kept(phone)
        await loader.drop_kept(phone)

    asyncio.run(scene())
    assert sorted(map(str, recorded.asked)) == [
        str(Unload("demo-0-3-1")),
        str(Unload("demo-4-5-2")),
    ]
    assert phone.kept_spans == set()
