"""The rack's own parts, put together over simulated phones.

Real: fleet, registry, watchdog, preparation after the connection, handshake, paths, layers,
planner, loss recovery, ledger, settlement, audits, penalties, requests. Left out: `Rack` itself
with what only front ends use, and the measuring of links.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final

from app.core.clock import Clock
from app.core.device import DeviceDescription, LinkProfile, Route
from app.core.identifiers import RequestId
from app.core.nursery import Nursery, TaskFailure
from app.core.tasks import Complete
from app.core.vitals import DeviceVitals
from app.devices.adb.link import PhoneLink
from app.devices.deployment.worker_ports import WorkerPorts
from app.devices.discovery.found_phone import FoundPhone
from app.ledger.journal.keys import create_key
from app.pipeline.worker_client import WorkerAddress
from app.pipeline.zmq_port import HostKeys
from app.placement.asking.question import PlannerOnTheSpot
from app.placement.problem import Objective
from app.placement.rebalancing.setting import Balancing
from app.rack.blocking import BlockingPool
from app.rack.commands import Ask, Sampling
from app.rack.context import RackContext
from app.rack.home import Home
from app.rack.layers.assigner import Assigner
from app.rack.layers.loss_recovery import LossRecovery
from app.rack.layers.opened_model import OpenedModel
from app.rack.layers.rebalancer import LOOK_INTERVAL_S, Rebalancer
from app.rack.layers.spans import SpanLoader
from app.rack.ledger_thread import LedgerThread
from app.rack.options import RackOptions
from app.rack.paths.link_table import LinkTable
from app.rack.paths.path_finder import PathFinder
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.phones.preparation import WORKER_THREADS, Preparer
from app.rack.phones.worker_handshake import WorkerHandshake
from app.rack.requests.request_queue import RequestQueue
from app.rack.requests.workplace import Workplace
from app.rack.settlement.concluded import AttemptOutcome, ConcludedAttempt, Finding
from app.rack.settlement.penalties import Penalties
from app.rack.settlement.settlement import Settlement
from app.rack.settlement.whole_check import CheckSettings
from app.rack.timeline import Timeline
from app.simulation.model import ArithmeticEngine, ArithmeticLibrary, manifest
from app.simulation.network import HostPort, Network
from app.simulation.phone import SimulatedDeployer, SimulatedDiscovery, SimulatedPhone
from app.telemetry.samples import TelemetryStore
from workers.engine.processor import numerical_class
from workers.protocol.boundary import Boundary
from workers.protocol.configuration import WorkerReady

SLOTS: Final = 2
PAUSE_LIMIT_S: Final = 120.0
CHUNK_TOKENS: Final = 4
"""Small, so that short texts have rows worth keeping."""
_MEMORY_BYTES: Final = 2_000_000_000
_PUSH: Final = LinkProfile(0.005, 1e7)
_VITALS: Final = DeviceVitals(100, 30.0, _MEMORY_BYTES, _MEMORY_BYTES)


class SimulatedPreparer(Preparer):
    """Connects to simulated phones; launching, meeting and measuring are the real thing."""

    def __init__(
        self, context: RackContext, handshake: WorkerHandshake, phones: dict[str, SimulatedPhone]
    ) -> None:
        super().__init__(context, handshake)
        self._phones = phones

    async def _connect(self, phone: Phone, found: FoundPhone) -> None:
        link = await self._pool.run(found.connect)
        phone.connection.link = link
        phone.identity.description = DeviceDescription(
            phone.serial, phone.serial, "", "arm64-v8a", "14", 1, link.transport, simulated=True
        )
        phone.vitals = _VITALS
        simulated = self._phones[phone.serial]
        phone.connection.stored = set(simulated.stored)
        phone.connection.deployer = SimulatedDeployer(simulated)
        phone.connection.push_profile = _PUSH


class NotedSettlement(Settlement):
    """Notes what any phone is found to answer for."""

    def __init__(
        self, thread: LedgerThread, pool: BlockingPool, store: Path, audit_rate: float
    ) -> None:
        super().__init__(thread, pool, store, CheckSettings(audit_rate), ArithmeticEngine)
        self.findings: list[Finding] = []

    async def check(self, attempt: ConcludedAttempt) -> AttemptOutcome:
        """Check an attempt as any rack does."""
        outcome = await super().check(attempt)
        self.findings += outcome.findings
        return outcome


class SimulatedRack:
    """One rack of simulated phones. Lives on the loop."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        random: Random,
        network: Network,
        balancing: Balancing = Balancing.OFF,
        slots: int = SLOTS,
    ) -> None:
        """Keep the ledger in `folder`; `start` begins with the phones that were added."""
        self._balancing = balancing
        self._slots = slots
        self.failures: list[TaskFailure] = []
        """What surprised a task of the rack's."""
        self.network = network
        self.home = Home(folder)
        self.context = RackContext(
            clock=clock,
            timeline=Timeline(clock),
            nursery=Nursery(clock, self.failures.append),
            pool=BlockingPool(1, "simulated"),
            changed=lambda: None,
            random_bytes=random.randbytes,
        )
        self._telemetry = TelemetryStore()
        self._watches = self.context.nursery.child()
        self._ledger_thread = LedgerThread(self.home, clock, self.context.nursery)
        self._library = ArithmeticLibrary(folder)
        stable_on = random.choice(("", numerical_class(WORKER_THREADS)))
        self.model = OpenedModel(manifest(), cut_stable_on=stable_on)

    async def start(self, phones: list[SimulatedPhone], audit_rate: float) -> None:
        """Open the ledger, prepare the phones, place the model and load it."""
        self.home.prepare()
        create_key(self.home.ledger_key, self.context.random_bytes(32))
        await self._ledger_thread.open()
        self.fleet = self._make_fleet(phones)
        self.assigner = self._make_assigner()
        self.queue = self._make_queue(audit_rate)
        self.assigner.hand_over.read = self.queue.read_ahead
        self._recovery = LossRecovery(
            self.context,
            self.fleet,
            self.assigner,
            lambda: not self.queue.busy,
            lambda: self._balancing is Balancing.ON,
        )
        self.rebalancer = Rebalancer(
            self.context, self.fleet, self.assigner, lambda: self.queue.work, self._balancing
        )
        await self.fleet.start(lambda: [phone.serial for phone in phones])
        self.fleet.on_lost(self._recovery.phone_lost)
        self.fleet.on_joined(self._recovery.phone_joined)
        self.assigner.model = self.model.manifest
        await self.assigner.replan(Objective.LATENCY, ())
        await self.assigner.current()
        self._watches.watch(self.rebalancer.look, "balancing", LOOK_INTERVAL_S)

    def _make_fleet(self, phones: list[SimulatedPhone]) -> Fleet:
        own = frozenset(phone.serial for phone in phones)
        handshake = WorkerHandshake(
            self.context, self._ledger_thread, self._open_port, _reach, own_phones=own
        )
        by_serial = {str(phone.serial): phone for phone in phones}
        preparer = SimulatedPreparer(self.context, handshake, by_serial)
        return Fleet(self.context, SimulatedDiscovery(phones), preparer, self._telemetry)

    def _open_port(self, address: WorkerAddress, keys: HostKeys) -> HostPort:
        return HostPort(self.network, address, keys.public)

    def _make_assigner(self) -> Assigner:
        self._path_finder = PathFinder(self.context, LinkTable(self.context.clock))
        return Assigner(
            self.context,
            self.fleet,
            SpanLoader(
                self.context, self._library, self.model.manifest.context_tokens, self._slots
            ),
            self._path_finder,
            RackOptions(self.home.folder, slots=self._slots),
            self.context.pool,
            PlannerOnTheSpot(),
            use_all=True,
        )

    def _make_queue(self, audit_rate: float) -> RequestQueue:
        self.settlement = NotedSettlement(
            self._ledger_thread, self.context.pool, self._library.store.folder, audit_rate
        )
        workplace = Workplace(
            fleet=self.fleet,
            assigner=self.assigner,
            settlement=self.settlement,
            penalties=Penalties(self.context, self._ledger_thread, self.fleet),
            telemetry=self._telemetry,
            timeline=self.context.timeline,
            clock=self.context.clock,
            boundary=Boundary.F32,
            changed=self.context.changed,
            nursery=self.context.nursery.child(),
            steering=self.context.pool,
            random_bytes=self.context.random_bytes,
            pause_limit_s=PAUSE_LIMIT_S,
            chunk_tokens=CHUNK_TOKENS,
        )
        return RequestQueue(
            workplace, self.context.pool, self.model.manifest.context_tokens, presets=()
        )

    async def ask(self, prompt: tuple[int, ...], tokens: int, sampling: Sampling) -> RequestId:
        """Start a request."""
        return await self.queue.ask(self.model, Ask(Complete(prompt), tokens, sampling))

    async def stop(self) -> None:
        """Stop in the order in which `Rack` does."""
        await self._watches.close()
        await self._recovery.stop()
        await self.queue.cancel_all()
        await self.assigner.stop()
        await self.fleet.stop()
        self._path_finder.close()
        await self._ledger_thread.close()
        await self.context.nursery.close()
        self.context.pool.shutdown()


def _reach(_link: PhoneLink, address: str | None, ready: WorkerReady) -> WorkerPorts:
    return WorkerPorts(address or "", ready.inbox_port, ready.pulse_port, Route.DIRECT)
