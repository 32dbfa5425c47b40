"""The rack: everything joined. Lives on one asyncio loop; front ends reach it by RackService."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import zmq.asyncio

from app.core.assignment import Assignment
from app.core.clock import Clock
from app.core.device import DeviceState
from app.core.errors import BadInputError, PhoneLostError, ShardloomError, WorkerError
from app.core.facts import Fact
from app.core.identifiers import RequestId, Serial
from app.core.model import ModelManifest
from app.faults.experiments.archive import ExperimentArchive
from app.models.chat.presets import PRESETS_FILE
from app.models.library import Library
from app.pipeline.prompts.prefill_window import MOST_CHUNKS
from app.pipeline.zmq_port import ZmqPort
from app.placement.problem import Objective
from app.placement.rebalancing.setting import Balancing
from app.rack.blocking import BlockingPool
from app.rack.commands import Ask
from app.rack.compared_plans import Foresight, PlanComparison
from app.rack.context import make_context
from app.rack.events.recorder import Recorder
from app.rack.experiments.open_rack import OpenRack
from app.rack.experiments.runner import ExperimentRunner
from app.rack.faults.injector import FaultInjector
from app.rack.home import Home
from app.rack.layers.assigner import Assigner
from app.rack.layers.loss_recovery import LossRecovery
from app.rack.layers.opened_model import OpenedModel, choice_of
from app.rack.layers.planning import Planning
from app.rack.layers.preloading import LOOK_INTERVAL_S as PRELOAD_INTERVAL_S
from app.rack.layers.preloading import Preloader
from app.rack.layers.rebalancer import LOOK_INTERVAL_S as BALANCE_INTERVAL_S
from app.rack.layers.rebalancer import Rebalancer
from app.rack.layers.spans import SpanLoader
from app.rack.ledger_thread import HOLD_INTERVAL_S, LedgerThread
from app.rack.options import DEFAULT_OBJECTIVE, RackOptions
from app.rack.paths.link_meter import OPENING_BUDGET_S, TICK_S, LinkMeter
from app.rack.paths.link_table import LinkTable
from app.rack.paths.path_finder import PathFinder
from app.rack.paths.tunnel_watch import LOOK_INTERVAL_S, TunnelWatch
from app.rack.phones.connecting import Connector
from app.rack.phones.fleet import Fleet
from app.rack.phones.opening import OpenedRack
from app.rack.phones.phone import Phone
from app.rack.phones.preparation import Preparer
from app.rack.phones.worker_handshake import WorkerHandshake
from app.rack.requests.request_queue import RequestQueue
from app.rack.requests.workplace import Workplace
from app.rack.settlement.checks import Checks
from app.rack.settlement.conformance.examiner import Examiner
from app.rack.settlement.penalties import Penalties
from app.rack.settlement.replicas.ledger_on_phones import LedgerOnPhones
from app.rack.snapshot import ModelChoice, Phase, TimelineKind
from app.telemetry.samples import TelemetryStore

LINKS_BUDGET_S = 60.0
"""How long all links of a rack may be measured when somebody asks for it."""


class Rack:
    """Phones, model, ledger and requests. Everything but `predict` runs on the service loop."""

    def __init__(
        self,
        options: RackOptions,
        opened: OpenedRack,
        assets: Path,
        clock: Clock,
        changed: Callable[[], None],
        recorder: Recorder,
    ) -> None:
        self.context_tokens = options.context_tokens
        self.definition, self.expected_phones = opened.definition, opened.expected
        self.telemetry = TelemetryStore()
        self._context = context = make_context(clock, changed, options.patience, recorder.event)
        self.timeline = context.timeline
        self.home = Home(options.home)
        self.ledger_thread = LedgerThread(self.home, clock, context.nursery)
        self.library = Library(self.home.folder)
        self.failure: Fact | None = None
        self.connector = Connector(opened, context.nursery)
        self._options, self._opened, self._assets = options, opened, assets
        self._changed = changed
        self._ready = False
        self._model: OpenedModel | None = None
        self._pool = context.pool
        self._watches = context.nursery.child()
        self._audit_pool = BlockingPool(1, "audit")
        self._steering_pool = BlockingPool(1, "steering")
        self._planning = Planning(context)
        self._sockets = zmq.asyncio.Context()
        self.fleet = self._make_fleet()
        self.fault_injector = FaultInjector(
            context, self.fleet, opened.started, self.ledger_thread, self.home
        )
        self._path_finder = PathFinder(context, LinkTable(clock))
        self.assigner = self._make_assigner()
        phones = self.fleet.phones.values()
        self.meter = LinkMeter(
            context, self._path_finder, phones, self._may_measure, lambda: self.assigner.rings
        )
        self._tunnels = TunnelWatch(context, phones, self._path_finder.forget)
        self.rebalancer, self._loss_recovery = self._make_keepers()
        self._preloader = Preloader(
            context, self.fleet, self.assigner, self.rebalancer, self._is_idle
        )
        self.fleet.on_lost(self._miss)
        self.fleet.on_joined(self._welcome)
        self._penalties = Penalties(context, self.ledger_thread, self.fleet)
        self.on_phones = LedgerOnPhones(
            context, self.ledger_thread, self.home.ledger_place, self.fleet, self._path_finder
        )
        self.examiner = Examiner(
            context, self.assigner, self._penalties, self.library, self._audit_pool, self._is_idle
        )
        self.checks = Checks(options, self.definition, self.fleet)
        self.request_queue = self._make_request_queue(options, recorder)
        kept = ExperimentArchive(self.home.folder)
        self.experiments = ExperimentRunner(context, self._under_test(), self.fault_injector, kept)
        self.assigner.hand_over.read = self.request_queue.read_ahead

    def _make_fleet(self) -> Fleet:
        open_port, own = partial(ZmqPort, self._sockets), self._opened.started.serials
        handshake = WorkerHandshake(self._context, self.ledger_thread, open_port, own_phones=own)
        definition, options = self.definition, self._options
        known = (*definition.known, *options.known)
        preparer = Preparer(
            self._context, handshake, definition.workers, take=options.take, known=known
        )
        return Fleet(self._context, self._opened.discovery, preparer, self.telemetry)

    def _make_assigner(self) -> Assigner:
        options = self._options.with_conditions(self.definition.conditions)
        return Assigner(
            self._context,
            self.fleet,
            SpanLoader(self._context, self.library, options.context_tokens, options.slots),
            self._path_finder,
            options,
            self._planning.pool,
            self._planning.planner,
            use_all=self.definition.use_all,
        )

    def _make_keepers(self) -> tuple[Rebalancer, LossRecovery]:
        """Return what keeps the assignment good, and what keeps it whole."""
        context, mode = self._context, self._options.balancing or self.definition.balancing
        rebalancer = Rebalancer(
            context, self.fleet, self.assigner, lambda: self.request_queue.work, mode
        )
        recovery = LossRecovery(
            context,
            self.fleet,
            self.assigner,
            self._is_idle,
            lambda: rebalancer.mode is Balancing.ON,
        )
        return rebalancer, recovery

    def _make_workplace(self, options: RackOptions) -> Workplace:
        usual_s, asked_s = self.definition.pause_limit_s, options.pause_limit_s
        pause_limit_s = usual_s if asked_s is None else asked_s
        store, books = self.library.store.folder, self.ledger_thread
        return Workplace(
            fleet=self.fleet,
            assigner=self.assigner,
            settlement=self.checks.settlement(
                self._context, books, self._audit_pool, store, self.assigner
            ),
            penalties=self._penalties,
            telemetry=self.telemetry,
            timeline=self.timeline,
            clock=self._context.clock,
            boundary=options.boundary,
            changed=self._changed,
            nursery=self._context.nursery.child(),
            steering=self._steering_pool,
            random_bytes=self._context.random_bytes,
            pause_limit_s=pause_limit_s,
            most_chunks=options.most_chunks or MOST_CHUNKS,
            lookup=options.lookup or self.definition.lookup,
        )

    def _make_request_queue(self, options: RackOptions, recorder: Recorder) -> RequestQueue:
        presets = (self.home.folder / PRESETS_FILE, self._assets / PRESETS_FILE)
        workplace = self._make_workplace(options)
        context_tokens = options.context_tokens
        return RequestQueue(workplace, self._pool, context_tokens, presets, recorder.event)

    def _under_test(self) -> OpenRack:
        return OpenRack(
            rack_name=self.definition.name,
            fleet=self.fleet,
            assigner=self.assigner,
            request_queue=self.request_queue,
            answer_checks=self.checks,
            penalties=self._penalties,
            ask=self.ask,
            release=self.release,
        )

    @property
    def phase(self) -> Phase:
        """What the rack as a whole is doing."""
        if self.failure:
            return Phase.FAILED
        if not self._ready:
            return Phase.DEPLOYING if self.assigner.moving else Phase.STARTING
        if self.assigner.moving:
            return Phase.DEPLOYING
        if self.request_queue.busy:
            return Phase.RUNNING
        lost = any(phone.state is DeviceState.LOST for phone in self.fleet.phones.values())
        return Phase.DEGRADED if lost else Phase.READY

    @property
    def notices(self) -> tuple[Fact, ...]:
        """What is to be said of the rack as a whole: what failed, else what to know."""
        if self.failure:
            return (self.failure,)
        return (*self._opened.notices, *self.fleet.notices)

    @property
    def model(self) -> ModelChoice | None:
        """The model now on the rack."""
        model = self._model
        return choice_of(model.manifest, model.quality) if model else None

    def models(self) -> tuple[ModelChoice, ...]:
        """Return the imported models."""
        return tuple(choice_of(each.manifest, each.quality) for each in self.library.models())

    async def start(self) -> None:
        """Open the ledger, prepare the phones, place the model and load it."""
        self._planning.start()
        await self.ledger_thread.open()
        if self.home.ledger_address:
            self._watches.watch(self.ledger_thread.hold, "the lease of the ledger", HOLD_INTERVAL_S)
        await self.assigner.distrust.keep_in(self.ledger_thread)
        await self.fault_injector.start()
        demo = self._context.nursery.start(
            self._pool.run(self.library.ensure_demo, self._assets / "demo_model"), "demo model"
        )
        started = self._opened.started
        await self.fleet.start(lambda: started.addresses, lambda: started.coming)
        await demo
        with suppress(PhoneLostError, WorkerError):
            await self.meter.measure(self.fleet.usable, OPENING_BUDGET_S)
        self.on_phones.watch(self._watches)
        await self._begin()
        self._watches.watch(
            lambda: self.meter.look(self.fleet.usable), "the measuring of links", TICK_S
        )
        self._watches.watch(self.rebalancer.look, "the balancing of layers", BALANCE_INTERVAL_S)
        self._watches.watch(self._preloader.look, "the pushing of layers ahead", PRELOAD_INTERVAL_S)
        self._watches.watch(self._tunnels.look, "the watch over tunnels", LOOK_INTERVAL_S)

    async def set_balancing(self, mode: Balancing) -> None:
        """Say whether layers move by themselves from now on."""
        self.rebalancer.set_mode(mode)

    async def _begin(self) -> None:
        """Place and load the model for the first time; what prevents it is kept as the failure."""
        asked = self._options.objective or self.definition.objective
        objective = Objective(asked or DEFAULT_OBJECTIVE)
        try:
            await self._use(await self._open_model(self._options.model), objective)
            self._ready, self.failure = True, None
        except ShardloomError as error:
            self.failure = error.fact
        self._changed()

    def _welcome(self, phone: Phone) -> None:
        """Begin with a phone that came too late, give one back its layers, or say it is there."""
        if self.failure:
            self._watches.start_soon(self._begin(), "the first plan")
        elif self._ready:
            self._loss_recovery.phone_joined(phone)

    def _miss(self, phone: Phone) -> None:
        if self._ready:
            self._loss_recovery.phone_lost(phone)

    def _may_measure(self) -> bool:
        return not self.request_queue.busy and not self.assigner.moving

    async def measure_links(self) -> None:
        """Measure every link anew. Raises `ShardloomError` where a phone does not answer."""
        await self.meter.measure(self.fleet.usable, LINKS_BUDGET_S, again_after_s=0.0)

    def _is_idle(self) -> bool:
        return not self.request_queue.busy

    async def use_model(self, name: str) -> None:
        """Put another model on the rack; running requests are stopped.

        Raises `ShardloomError` for a model that is unknown or damaged; everything then goes on as
        it was.
        """
        opened = await self._open_model(name)
        await self.request_queue.cancel_all()
        await self.assigner.drop()
        await self._use(opened, self.assigner.objective)

    async def _open_model(self, name: str) -> OpenedModel:
        return await self._pool.run(OpenedModel.open, self.library, name)

    async def _use(self, opened: OpenedModel, objective: Objective) -> None:
        self._model, self.assigner.model = opened, opened.manifest
        await self.assigner.replan(objective, ())
        await self.assigner.current()

    async def apply(self) -> None:
        """Put the requested assignment on the phones."""
        await self.assigner.apply()

    async def compare(self) -> tuple[PlanComparison, ...]:
        """Place the model by every method there is."""
        return await self._planning.compare(self.assigner.problem())

    async def foresee(self, models: Sequence[ModelManifest]) -> tuple[Foresight, ...]:
        """Place models that are not imported yet on the phones there are."""
        return await self._planning.foresee([self.assigner.problem_with(each) for each in models])

    async def request_assignment(self, assignment: Assignment) -> None:
        """Make an assignment made by hand the requested one."""
        unusable = [s for s in assignment.serials if not self.fleet.phone(s).usable]
        if unusable:
            raise BadInputError("phone.unusable", phone=self.fleet.phone(unusable[0]).name)
        self.assigner.request(assignment)

    async def ask(self, asked: Ask) -> RequestId:
        """Start a request for a task. Raises `BadInputError` for what the model cannot do."""
        if self._model is None:
            raise BadInputError("rack.no_model")
        return await self.request_queue.ask(self._model, asked)

    async def restart_worker(self, serial: Serial) -> None:
        """End a phone's worker and start a new one with the same layers."""
        phone = self.fleet.phone(serial)
        try:
            await self.fleet.relaunch(phone)
        except ShardloomError:
            self._miss(phone)
            raise
        self.timeline.add(TimelineKind.INFO, Fact("phone.restarted", phone=phone.name), serial)

    async def set_memory_share(self, serial: Serial, share: float) -> None:
        """Let layers take that share of a phone's available memory, from the next plan on."""
        self.fleet.phone(serial).set_memory_share(share)
        if self.failure:
            self._watches.start_soon(self._begin(), "the first plan")
        self._changed()

    async def release(self, serial: Serial) -> None:
        """Let a jailed phone work again."""
        phone = self.fleet.phone(serial)
        await self.ledger_thread.run(lambda ledger: ledger.release(serial))
        await self._penalties.refresh_standings()
        phone.release()
        self.timeline.add(TimelineKind.INFO, Fact("phone.released", phone=phone.name), serial)
        self._changed()

    async def add_stake(self, serial: Serial, amount: int) -> None:
        """Move micro-credits from the operator's account to a phone's stake."""
        self.fleet.phone(serial)
        await self.ledger_thread.run(lambda ledger: ledger.add_stake(serial, amount))
        await self._penalties.refresh_standings()

    async def stop(self) -> None:
        """Stop requests, workers, the phones that were started, then the ledger."""
        await self.experiments.close()
        await self._watches.close()
        await self._loss_recovery.stop()
        await self.connector.close()
        await self.request_queue.cancel_all()
        await self.on_phones.look_once_more()
        await self.assigner.stop()
        await self._planning.stop()
        await self.fleet.stop()
        await self.fault_injector.stop()
        self._path_finder.close()
        await asyncio.gather(self._pool.run(self._opened.close), self.ledger_thread.close())
        await self._context.nursery.close()
        self._sockets.destroy(linger=0)
        self._pool.shutdown()
        self._audit_pool.shutdown()
        self._steering_pool.shutdown()
        self.checks.shutdown()
