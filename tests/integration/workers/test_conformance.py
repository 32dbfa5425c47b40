"""The Inference Engine Standard tried on a real worker, and on ones that break a rule."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import zmq.asyncio

from app.core.clock import SystemClock
from app.core.identifiers import Serial
from app.core.nursery import Nursery
from app.core.standard.rules import RULES_OF, STANDARD_VERSION, RuleName
from app.ledger.rules.phones.conformance import ConformanceReport
from app.pipeline.worker_client import WorkerAddress, WorkerClient
from app.pipeline.zmq_port import HostKeys, ZmqPort
from app.rack.blocking import BlockingPool
from app.rack.settlement.conformance.bench import CanaryWork, PhoneBench
from app.rack.settlement.conformance.examiner import examined, signed_by_phone
from tests.integration.workers.model import ToyModel
from tests.integration.workers.ring import WorkerProcess, new_keys
from workers.fault_names import FaultName
from workers.protocol.commands import Hello, SetFault

HOST = new_keys()
HOST_KEY = bytes(range(32))
SERIAL = Serial("phone")
COMPUTED = {
    RuleName.ROWS_F4,
    RuleName.ROWS_F2,
    RuleName.ANSWER,
    RuleName.STEERING,
    RuleName.KEPT_ROWS,
}
"""What a worker breaks that computes otherwise than it should, or shows that it did."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> CanaryWork:
    model = ToyModel(tmp_path_factory.mktemp("model"))
    return CanaryWork.of(model.library, model.manifest, threads=1)


@pytest.fixture(scope="module")
def pool() -> Iterator[BlockingPool]:
    pool = BlockingPool(1, "audits")
    yield pool
    pool.shutdown()


@pytest.fixture(scope="module")
def worker(work: CanaryWork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    worker = WorkerProcess(tmp_path_factory.mktemp("phone"), SERIAL, HOST.public_key)
    for part in (work.whole, work.half):
        for blob in (*part.shard.blobs, part.shard.graph):
            shutil.copy(work.store / blob.sha256, worker.store / blob.sha256)
    yield worker
    worker.end()


@pytest.fixture
async def bench(
    work: CanaryWork, pool: BlockingPool, worker: WorkerProcess
) -> AsyncIterator[PhoneBench]:
    ready, sockets, clock = worker.ready(), zmq.asyncio.Context(), SystemClock()
    ports = ready.inbox_port, ready.pulse_port
    address = WorkerAddress("127.0.0.1", *ports, worker.keys.public_key)
    nursery = Nursery(clock)
    port = ZmqPort(sockets, address, HostKeys(HOST.public_key, HOST.secret_key))
    client = WorkerClient(port, SERIAL, address, clock, nursery)
    told = await client.call(Hello.anew(HOST_KEY))
    yield PhoneBench(
        client=client,
        serial=SERIAL,
        public_key=told.public_key,
        numerical_class=told.numerical_class,
        host_key=HOST_KEY,
        transport_key=HOST.public_key,
        work=work,
        audits=pool,
        clock=clock,
        threads=1,
        random_bytes=os.urandom,
    )
    await client.close()
    await nursery.close()
    sockets.destroy(linger=0)


async def test_an_honest_worker_keeps_every_rule(bench: PhoneBench) -> None:
    outcomes = await examined(bench)
    assert [each.name for each in outcomes] == [rule.name for rule in RULES_OF[STANDARD_VERSION]]
    assert [each for each in outcomes if each.reason is not None] == []


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        (FaultName.FORGED_TRANSCRIPT, {RuleName.TRANSCRIPT, *COMPUTED}),
        (FaultName.SECOND_BEST, COMPUTED),
        (FaultName.FALSE_FIGURES, COMPUTED),
    ],
)
async def test_of_a_worker_that_breaks_rules_it_is_told_which(
    bench: PhoneBench, fault: FaultName, broken: set[RuleName]
) -> None:
    await bench.client.call(SetFault(fault))
    try:
        outcomes = await examined(bench)
    finally:
        await bench.client.call(SetFault(FaultName.NONE))
    assert {each.name for each in outcomes if each.reason is not None} == broken


async def test_what_the_phone_signs_with_its_greeting_is_the_report(bench: PhoneBench) -> None:
    report = ConformanceReport(SERIAL, bench.public_key, HOST_KEY, "class", 1, 1, (("echo", True),))
    key = await signed_by_phone(bench, report)
    key.check(SERIAL, HOST_KEY)
    assert key.nonce == report.digest != replace(report, rules=(("echo", False),)).digest
