"""When a worker is taken up again, and what becomes of layers that it kept for nobody."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import zmq.asyncio

from app.core.errors import WorkerError
from app.core.identifiers import Serial
from app.faults.catalogue import Fault, FaultKind
from app.models.library import Library
from app.pipeline.worker_client import WorkerAddress, WorkerClient
from app.pipeline.zmq_port import ZmqPort
from app.rack.layers.spans import SpanLoader
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.phone import Phone
from app.rack.phones.worker_handshake import WorkerHandshake
from tests.saying import raises_saying
from tests.unit.rack.support import a_context, a_phone
from workers.protocol.commands import Done, Hello, Unload
from workers.protocol.configuration import WorkerReady
from workers.protocol.wire import PROTOCOL_VERSION

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
    phone = a_phone(SERIAL, client=recorded, link=recorded, deployer=recorded)
    phone.worker.process_id = PROCESS_ID
    return phone


async def taken_up(phone: Phone) -> bool:
    with zmq.asyncio.Context() as sockets:
        handshake = WorkerHandshake(
            a_context(),
            cast(LedgerThread, SimpleNamespace(host_key=bytes(32))),
            partial(ZmqPort, sockets),
        )
        return await handshake.take_up(phone)


@pytest.mark.parametrize(
    ("may_go_on", "fault", "asked"),
    [
        (True, None, [PROCESS_ID]),
        (False, None, []),
        (True, Fault(FaultKind.WRONG_OUTPUT, SERIAL), []),
    ],
)
def test_only_a_worker_that_may_go_on_is_looked_for_and_one_that_ended_is_not_taken_up(
    *, may_go_on: bool, fault: Fault | None, asked: list[object]
) -> None:
    recorded = Recorded()
    phone = phone_with(recorded)
    phone.worker.may_go_on, phone.fault = may_go_on, fault
    assert not asyncio.run(taken_up(phone))
    assert recorded.asked == asked
    assert phone.client is not None


class OldWorker(Recorded):
    """One of protocol 6, which refuses a greeting of any other as all workers do."""

    async def call(self, command: object) -> Done:
        self.asked.append(command)
        raise WorkerError("field protocol is not 6: this end speaks protocol 6")


def test_a_worker_of_an_older_protocol_is_told_of_in_one_line() -> None:
    worker = OldWorker()

    async def meet() -> None:
        with zmq.asyncio.Context() as sockets:
            handshake = WorkerHandshake(
                a_context(),
                cast(LedgerThread, SimpleNamespace(host_key=bytes(32))),
                partial(ZmqPort, sockets),
            )
            await handshake.meet(phone_with(worker), cast(WorkerClient, worker))

    why = f"does not speak protocol {PROTOCOL_VERSION}: .* speaks protocol 6"
    with raises_saying(WorkerError, why):
        asyncio.run(meet())
    assert [type(each) for each in worker.asked] == [Hello]


def test_layers_kept_for_nobody_are_unloaded_once(tmp_path: Path) -> None:
    recorded = Recorded()
    phone = phone_with(recorded)
    phone.worker.kept_spans = {"demo-0-3-1", "demo-4-5-2"}
    loader = SpanLoader(a_context(), Library(tmp_path), 64, 4)

    async def scene() -> None:
        await loader.drop_kept(phone)
        await loader.drop_kept(phone)

    asyncio.run(scene())
    assert sorted(map(str, recorded.asked)) == [
        str(Unload("demo-0-3-1")),
        str(Unload("demo-4-5-2")),
    ]
    assert phone.worker.kept_spans == set()
