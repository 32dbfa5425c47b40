"""Examines a phone by the standard: files pushed, rules tried, the report signed and journalled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from threading import Event
from typing import Final

from app.core.errors import BadInputError, PhoneLostError, ShardloomError, WorkerError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.core.model import DEMO_MODEL
from app.core.standard.rules import (
    RULES_OF,
    STANDARD_VERSION,
    Conformance,
    RuleName,
    RuleOutcome,
)
from app.ledger.rules.phones.conformance import ConformanceReport
from app.ledger.rules.phones.registration import ProvenKey
from app.models.library import Library
from app.rack.blocking import BlockingPool
from app.rack.context import RackContext
from app.rack.layers.assigner import Assigner
from app.rack.phones.phone import Phone
from app.rack.phones.preparation import WORKER_THREADS
from app.rack.settlement.conformance.bench import CanaryWork, PhoneBench
from app.rack.settlement.conformance.rules import CHECKS
from app.rack.settlement.penalties import Penalties
from app.rack.snapshot import TimelineKind

_log = logging.getLogger("shardloom.rack")
_EVERY: Final = tuple(rule.name for rule in RULES_OF[STANDARD_VERSION])


async def examined(bench: PhoneBench) -> tuple[RuleOutcome, ...]:
    """Try every rule on a phone; what it loaded is let go of again.

    Raises `PhoneLostError` where it is gone before the last.
    """
    try:
        return tuple([await _tried(bench, name) for name in _EVERY])
    finally:
        await bench.unload_all()


async def _tried(bench: PhoneBench, name: RuleName) -> RuleOutcome:
    if bench.client.lost:
        raise PhoneLostError("worker.given_up", phone=bench.serial)
    try:
        await CHECKS[name](bench)
    except ShardloomError as error:
        if bench.client.lost:
            raise
        return RuleOutcome(name, error.fact)
    return RuleOutcome(name)


async def signed_by_phone(bench: PhoneBench, report: ConformanceReport) -> ProvenKey:
    """Return the phone's greeting whose nonce is the report's digest.

    Raises `WorkerError` where it is not signed with the key that the ledger knows.
    """
    hello = bench.hello(report.digest)
    told = await bench.client.call(hello)
    transport = bench.client.address.public_key
    key = ProvenKey(told.public_key, transport, hello.nonce, told.proof)
    if told.public_key != report.public_key or not key.holds_for(bench.serial, bench.host_key):
        raise WorkerError("phone.worker_without_key", phone=bench.serial)
    return key


class Examiner:
    """Examines one phone at a time, while no text is under way. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        assigner: Assigner,
        penalties: Penalties,
        library: Library,
        audits: BlockingPool,
        is_idle: Callable[[], bool],
    ) -> None:
        self._context = context
        self._fleet, self._ledger_thread = penalties.fleet, penalties.ledger_thread
        self._assigner = assigner
        self._penalties = penalties
        self._library = library
        self._audits = audits
        self._is_idle = is_idle
        self._one_at_a_time = asyncio.Lock()

    async def examine(self, serial: Serial) -> Conformance:
        """Try every rule on a phone and journal what came of it.

        One that breaks a rule loses the work that needs it. Raises `BadInputError` while a text is
        under way, `PhoneLostError` and `WorkerError` where the phone cannot be examined.
        """
        async with self._one_at_a_time:
            phone = self._fleet.phone(serial)
            if not phone.usable:
                raise BadInputError("phone.unusable", phone=phone.name)
            if not self._is_idle() or self._assigner.moving:
                raise BadInputError("standard.rack_at_work")
            bench = await self._bench(phone)
            outcomes = await examined(bench)
            report = await self._ledger_thread.run(
                lambda ledger: ledger.conformance.report(serial, outcomes)
            )
            key = await signed_by_phone(bench, report)
            await self._ledger_thread.run(lambda ledger: ledger.conformance.record(report, key))
            await self._penalties.refresh_standings()
        found = Conformance(serial, report.version, outcomes, report.numerical_class)
        self._tell(phone, found)
        if found.broken and self._assigner.holds_layers(serial):
            await self._take_layers(phone)
        return found

    async def _bench(self, phone: Phone) -> PhoneBench:
        """Put the canary's files on a phone; return how it is examined."""
        if phone.client is None or not phone.worker.public_key:
            raise PhoneLostError("phone.no_worker", phone=phone.name)
        work = await self._audits.run(self._work)
        blobs = {blob for part in (work.whole, work.half) for blob in part.shard.blobs}
        graphs = {work.whole.shard.graph, work.half.shard.graph}
        wanted = sorted(blobs | graphs, key=lambda blob: blob.sha256)
        await self._assigner.loader.store(phone, wanted, Event())
        named = await self._ledger_thread.run(lambda ledger: ledger.numerical_class(phone.serial))
        return PhoneBench(
            client=phone.client,
            serial=phone.serial,
            public_key=phone.worker.public_key,
            numerical_class=named,
            host_key=self._ledger_thread.host_key,
            transport_key=self._fleet.preparer.transport_key,
            work=work,
            audits=self._audits,
            clock=self._context.clock,
            threads=WORKER_THREADS,
            random_bytes=self._context.random_bytes,
        )

    def _work(self) -> CanaryWork:
        return CanaryWork.of(self._library, self._library.get(DEMO_MODEL), WORKER_THREADS)

    def _tell(self, phone: Phone, found: Conformance) -> None:
        rules = tuple(each.name.value for each in found.broken)
        code = "standard.broken" if rules else "standard.kept"
        kind = TimelineKind.ERROR if rules else TimelineKind.INFO
        fact = Fact(code, phone=phone.name, version=found.version)
        self._context.timeline.add(kind, fact.but(rules=rules) if rules else fact, phone.serial)

    async def _take_layers(self, phone: Phone) -> None:
        """Plan anew, so that a phone holds no layers that its broken rules keep it from."""
        try:
            await self._assigner.replan(self._assigner.objective, self._assigner.pins)
            await self._assigner.apply()
        except ShardloomError as error:
            told = Fact("standard.layers_stay", phone=phone.name, reason=error.fact)
            self._context.timeline.add(TimelineKind.ERROR, told, phone.serial)
