"""A rack that follows a script instead of having phones, to look at every state of the window."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from threading import Event, Lock, Thread
from typing import Any, TypeVar, cast

from app.core.assignment import Assignment, StageAssignment
from app.core.audit_outcome import CheckMode, ChecksSnapshot
from app.core.clock import SystemClock
from app.core.device import (
    USUAL_WATTS,
    DeviceDescription,
    DeviceProfile,
    DeviceState,
    PhoneInspection,
)
from app.core.facts import Fact
from app.core.identifiers import RequestId, Serial
from app.core.model import ModelTask
from app.core.standard.rules import Conformance, RuleName, RuleOutcome
from app.core.tasks import Chat, Task, TaskKind
from app.core.vitals import DeviceVitals
from app.faults.catalogue import Fault, FaultKind
from app.faults.experiments.status import ExperimentStatus
from app.ledger.views.discrepancy_rows import Discrepancies
from app.ledger.views.economy import EconomySnapshot
from app.ledger.views.journal_page import JournalPage, JournalSearch
from app.ledger.views.snapshot import (
    DoubtedClass,
    JournalRow,
    LedgerSnapshot,
    PhoneStanding,
    SlashRow,
)
from app.placement.conditions import UNCONDITIONAL
from app.placement.problem import Method, Objective, Pin, Plan, Prediction, StagePrediction
from app.rack.commands import (
    AddStake,
    AnyCommand,
    Apply,
    Ask,
    Cancel,
    ClearFault,
    Compare,
    CompareReceipts,
    Examine,
    Foresee,
    Inject,
    InspectPhone,
    ReadJournal,
    Release,
    Replan,
    RequestAssignment,
    SetBalancing,
    SetChecks,
)
from app.rack.commands.command import Command, Result
from app.rack.commands.pairing import AddPlace, PairByCode, PairByQr, WatchPairing
from app.rack.compared_plans import Foresight, PlanComparison
from app.rack.events.recorder import Recorder, Recording
from app.rack.events.request_events import Ended, RolledBack, StageTimes, StateChanged, TokenAdded
from app.rack.events.request_log import RequestLog, RequestStream, events_kept
from app.rack.pairing import PairedPhone, PairingStep, PairingWindow, SeenPhone
from app.rack.snapshot import (
    BalancingSnapshot,
    Cargo,
    ModelChoice,
    Phase,
    PhoneSnapshot,
    PhoneTelemetry,
    RackSnapshot,
    RequestSnapshot,
    RequestState,
    Samples,
    StageSample,
    TimelineEvent,
    TimelineKind,
    Transfer,
)
from app.telemetry.history import History, HistoryStore, Metric, Window
from tests.assignments import held, placed

NAMES = ("Pixel 7 Pro", "Galaxy A54", "CUBOT X30", "Pixel 6a", "Xperia 1 IV", "Moto G84")
TEXT = (
    "God created the heaven and the earth. And the earth was without form, and void; and"
    " darkness was upon the face of the deep. And the Spirit of God moved upon the face of the"
    " waters. And God said, Let there be light: and there was light. And God saw the light, that"
    " it was good: and God divided the light from the darkness."
)
LAYER_BYTES = 9_000_000
T = TypeVar("T")
C = TypeVar("C", bound=Command[Any])
NOTICE = Fact("rack.simulated_for_want_of_phones", count=4)


class NeverAnswered(Future[T]):
    """An answer that does not come; a window that waits for it is at fault."""

    def result(self, timeout: float | None = None) -> T:
        raise AssertionError(f"the window waited for the rack, {timeout} s at most")

    def exception(self, timeout: float | None = None) -> BaseException | None:
        raise AssertionError(f"the window waited for the rack, {timeout} s at most")


@dataclass
class ScriptedPhone:
    """One pretended phone; the script changes it, snapshots copy it."""

    position: int
    state: DeviceState = DeviceState.FOUND
    reason: Fact | None = None
    fault: str | None = None
    age_s: float = 0.1
    transfer: Transfer | None = None
    stake: int = 500_000_000
    slashed: int = 0
    failed: int = 0
    memory_bytes: int | None = None
    samples: list[StageSample] = field(default_factory=list)

    @property
    def serial(self) -> Serial:
        return Serial(f"VP{self.position:04d}")

    @property
    def name(self) -> str:
        return NAMES[(self.position - 1) % len(NAMES)]

    @property
    def rate(self) -> float:
        return 1.0e10 / (1 + (self.position * 7 % 5) * 0.4)

    @property
    def budget_bytes(self) -> int:
        return self.memory_bytes or 180_000_000 - (self.position % 3) * 65_000_000


class ScriptedControl:
    """A RackControl; `advance` moves its time, `play` does so from a thread of its own."""

    def __init__(self, phones: int = 4, layers: int = 12, *, answers: bool = True) -> None:
        self.lock = Lock()
        self.now_s = 1000.0
        self.answers = answers
        self.experiment: ExperimentStatus | None = None
        self.phase = Phase.STARTING
        self.notices: tuple[Fact, ...] = (NOTICE,)
        self.layers = layers
        self.phones = [ScriptedPhone(position + 1) for position in range(phones)]
        self.objective = Objective.LATENCY
        self.plan: Plan | None = None
        self.pins: tuple[Pin, ...] = ()
        self.requested: Assignment | None = None
        self.applied: Assignment | None = None
        self.balancing = BalancingSnapshot()
        self.conditions = UNCONDITIONAL
        self.discrepancies = Discrepancies((), (), receipts=0, stored=0)
        self.economy = EconomySnapshot()
        self.checks = ChecksSnapshot(0.1, CheckMode.AUTO, None, 0.05)
        self.requests: list[RequestSnapshot] = []
        self.timeline: list[TimelineEvent] = []
        self.recorder = Recorder(SystemClock())
        self.logs: dict[RequestId, RequestLog] = {}
        self.slashes: list[SlashRow] = []
        self.doubted: list[DoubtedClass] = []
        self.journal: list[JournalRow] = []
        self.tasks: tuple[TaskKind, ...] = (TaskKind.GENERATE,)
        self.sees = False
        self.commands: list[Command[Any]] = []
        self.histories: list[tuple[Metric, Window]] = []
        self.others: tuple[ModelChoice, ...] = ()
        self.harm: Fact | None = None
        self.deployment: Future[None] | None = None
        self.comparing: Future[tuple[PlanComparison, ...]] | None = None
        self.pairing: Future[PairedPhone] = Future()
        self.watching: Future[None] = Future()
        self.adding: Future[tuple[SeenPhone, ...]] = Future()
        self.tell_windows: Callable[[tuple[PairingWindow, ...]], None] | None = None
        self.tell_step: Callable[[PairingStep], None] | None = None
        self.past: History = {}
        self.closed = Event()
        self._sequence = 0
        self._listeners: list[Callable[[RackSnapshot], None]] = []
        self._stop = Event()

    # what a front end may ask

    def subscribe(self, listener: Callable[[RackSnapshot], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def snapshot(self) -> RackSnapshot:
        with self.lock:
            return self._snapshot()

    def samples(self) -> Samples:
        with self.lock:
            return {phone.serial: tuple(phone.samples) for phone in self.phones}

    def history(self, metric: Metric, window: Window) -> History:
        self.histories.append((metric, window))
        if self.past:
            return self.past
        store, newest_s = HistoryStore(), 0.0
        for serial, points in self.samples().items():
            for point in points if metric is Metric.STAGE_MS else ():
                store.record(serial, metric, point.at_s, point.stage_ms)
                newest_s = max(newest_s, point.at_s)
        return store.points(metric, window, newest_s)

    def models(self) -> tuple[ModelChoice, ...]:
        return (self._model(), *self.others)

    def predict(self, assignment: Assignment) -> Prediction:
        stages = tuple(self._predicted(stage) for stage in assignment.stages)
        latency_s = sum(stage.compute_s + stage.hop_s for stage in stages)
        slowest_s = max(stage.compute_s + stage.hop_s for stage in stages)
        push = sum(stage.push_bytes for stage in stages)
        writes = TaskKind.GENERATE in self.tasks
        task = ModelTask.GENERATION if writes else ModelTask.EMBEDDING
        return Prediction(latency_s, 1 / slowest_s, 4, 1.1, push, stages, closed=writes, task=task)

    def do(self, command: Command[Result]) -> Future[Result]:
        """Note the command and act it out; what the script does not know is done at once."""
        self.commands.append(command)
        given = self.recorder.command_given(command)
        self.tell_step = getattr(command, "tell", self.tell_step)
        acted = self._act(cast(AnyCommand, command))
        future = acted if isinstance(acted, Future) else self._answer(acted)
        future.add_done_callback(lambda _: self.recorder.command_ended(given))
        return cast(Future[Result], future)

    def follow(self, request: RequestId, after: int = 0) -> RequestStream:
        return RequestStream(self.logs[request], after)

    def events(self, since: int = 0) -> Recording:
        return self.recorder.since(since)

    def _act(self, command: AnyCommand) -> object:  # noqa: C901, PLR0912 - cases
        """Return the result, or the Future that the test settles."""
        match command:
            case Ask(task, tokens):
                return self._ask(task, tokens)
            case Cancel(identifier):
                (index,) = (n for n, r in enumerate(self.requests) if r.identifier == identifier)
                self.change(index, state=RequestState.CANCELLED)
                self.phase = Phase.READY
            case Examine(serial):
                broken = RuleOutcome(RuleName.RECEIPT, Fact("rule.took_bad_input"))
                return Conformance(serial, 1, (RuleOutcome(RuleName.ECHO), broken), "class")
            case CompareReceipts():
                return self.discrepancies
            case InspectPhone():
                return PhoneInspection(("worker started",), (), ("drwx store",))
            case RequestAssignment(assignment):
                self.requested = assignment
            case Replan(objective, pins, conditions):
                self.conditions = conditions or self.conditions
                self.objective, self.pins = objective, pins
                self.requested = self._even([phone.serial for phone in self.phones])
            case SetBalancing(mode):
                self.balancing = BalancingSnapshot(mode)
            case SetChecks(audit_rate, mode, verifiers):
                self.checks = replace(self.checks, audit_rate=audit_rate, mode=mode)
                self.checks = replace(self.checks, verifiers=bool(verifiers))
            case Foresee(models):
                plan = Plan(
                    self._even([p.serial for p in self.phones[:2]]),
                    self.predict(self._even([p.serial for p in self.phones[:2]])),
                    Method.EXACT,
                    proven_optimal=True,
                )
                return tuple(Foresight(model, plan) for model in models)
            case Compare():
                return self.comparing or self._comparisons()
            case Apply():
                return self._apply()
            case Inject(fault):
                self._inject(fault)
            case ClearFault(serial):
                self.phone(serial).fault = None
            case Release(serial):
                self.phone(serial).state = DeviceState.READY
            case AddStake(serial, amount):
                self.phone(serial).stake += amount
            case ReadJournal(before, count, search):
                return self._page(before, count, search)
            case WatchPairing(listener):
                self.tell_windows, self.watching = listener, Future()
                return self.watching
            case PairByCode() | PairByQr():
                self.pairing = Future()
                return self.pairing
            case AddPlace():
                self.adding = Future()
                return self.adding
        return None

    def _ask(self, task: Task, tokens: int | None) -> RequestId:
        identifier = RequestId(f"r{len(self.requests) + 1}")
        wanted = 1024 if tokens is None else tokens
        shown = task.conversation[-1].text if isinstance(task, Chat) else task.text
        self.requests.append(replace(request(identifier, str(shown), wanted), kind=task.kind))
        self.logs[identifier] = RequestLog(identifier, events_kept(wanted), self.recorder.event)
        self.phase = Phase.RUNNING
        return identifier

    def _comparisons(self) -> tuple[PlanComparison, ...]:
        serials = [phone.serial for phone in self.phones]
        alone = PlanComparison("best phone alone", None, Fact("placement.no_phone_alone"), 0.01)
        exact, equal = self._compared("exact", serials[:3]), self._compared("equal", serials)
        return exact, equal, alone, self._compared("tight", serials[:2])

    def _page(self, before: int | None, count: int, search: JournalSearch) -> JournalPage:
        found = [
            row
            for row in self.journal
            if (before is None or row.sequence < before)
            and all(
                row.kind in term.kinds or any(text in str(row) for text in (term.words, *term.also))
                for term in search.terms
            )
        ]
        return JournalPage(tuple(found[-count:]), reaches_beginning=len(found) <= count)

    def _apply(self) -> Future[None] | None:
        if self.deployment is not None:
            self.phase = Phase.DEPLOYING
            return self.deployment
        self.applied = self.requested
        self.tell(TimelineKind.MOVE, Fact("layers.renewed"))
        return None

    def _inject(self, fault: Fault) -> None:
        phone = self.phone(fault.serial)
        phone.fault = str(fault)
        if fault.kind is FaultKind.HANG:
            phone.age_s = 5.0
        told = Fact("fault.injected", phone=phone.name, fault=fault.kind)
        self.tell(TimelineKind.FAULT, told, phone.serial)

    def close(self) -> Future[None]:
        self._stop.set()
        self.closed.set()
        return self._answer(None)

    # what the script may do

    def commands_of(self, kind: type[C]) -> list[C]:
        return [command for command in self.commands if isinstance(command, kind)]

    def phone(self, serial: Serial) -> ScriptedPhone:
        return next(phone for phone in self.phones if phone.serial == serial)

    def publish(self) -> None:
        with self.lock:
            self._sequence += 1
            snapshot = self._snapshot()
        self.recorder.snapshot(snapshot)
        for listener in tuple(self._listeners):
            listener(snapshot)

    def make_ready(self) -> None:
        """Every phone is ready and the plan is applied."""
        self.requested = self._even([phone.serial for phone in self.phones])
        self.applied = self.requested
        for phone in self.phones:
            phone.state, phone.transfer = DeviceState.READY, None
        self.phase = Phase.READY

    def deploying(self, share: float) -> None:
        """Weights are on their way to the phones."""
        self.requested = self._even([phone.serial for phone in self.phones])
        self.phase = Phase.DEPLOYING
        for phone in self.phones:
            stage = self.requested.stage_of(phone.serial)
            total = LAYER_BYTES * (stage.layer_count if stage else 0)
            done = int(total * min(share * (1 + phone.position / 10), 1.0))
            phone.state, phone.transfer = (
                DeviceState.PREPARING,
                Transfer(Cargo.WEIGHTS, done, total),
            )

    def emit_token(self) -> None:
        """The newest request gets one more word; older words settle."""
        newest = self.requests[-1]
        count = len(newest.token_ids) + 1
        settled = max(0, count - 12)
        self.change(
            -1,
            token_ids=tuple(range(count)),
            choices=(),
            state=RequestState.DECODING,
            settled_text=words(0, settled),
            open_text=words(settled, count),
            time_to_first_token_ms=412.0,
            tokens_per_second=28.4,
            receipts=count * len(self.phones),
            audits=settled,
        )
        times = StageTimes((), ())
        word = words(count - 1, count)
        added = TokenAdded(count, count - 1, word, -0.5, (), times, word)
        self.logs[newest.identifier].add(self.now_s, added)
        for phone in self.phones:
            self._sample(phone)
        self.journal.append(
            journal_row(len(self.journal) + 1, "receipt", Fact("journal.receipt", stage=count))
        )

    def settle(self, audited: int | None = None) -> None:
        """The newest request has settled; it is verified where every stage was audited."""
        newest, stages = self.requests[-1], len(self.phones)
        audited = stages if audited is None else audited
        whole = audited == stages
        self.change(
            -1,
            state=RequestState.SETTLED,
            settled_text=newest.text,
            open_text="",
            stages=stages,
            audited_stages=audited,
            verified_tokens=len(newest.token_ids) if whole else 0,
            verified=whole,
        )
        self.phase = Phase.READY
        self.tell(TimelineKind.AUDIT_OK, Fact("audit.passed", passed=audited, count=audited))

    def catch_liar(self, serial: Serial, taken_back: int = 7) -> None:
        """An audit fails: text is taken back, the phone is slashed and jailed."""
        phone = self.phone(serial)
        phone.state, phone.slashed, phone.failed = DeviceState.JAILED, 250_000_000, 1
        phone.stake -= phone.slashed
        newest = self.requests[-1]
        kept = max(len(newest.token_ids) - taken_back, 0)
        self.change(
            -1,
            state=RequestState.RECOVERING,
            token_ids=tuple(range(kept)),
            choices=(),
            settled_text=words(0, kept),
            open_text="",
            slashes=1,
        )
        rolled_back = RolledBack(len(newest.token_ids) - kept, kept)
        self.logs[newest.identifier].add(self.now_s, rolled_back)
        evidence = {"layer": 5, "claimed": "9f31…", "recomputed": "02ab…", "token": kept}
        number = len(self.journal) + 1
        reason = "wrong-output"
        self.slashes.append(
            SlashRow(number, WALL_MS, serial, phone.slashed, reason, json.dumps(evidence))
        )
        self.journal.append(journal_row(number, "slash", Fact("journal.receipt", stage=1)))
        found = Fact("audit.wrong_output")
        self.tell(
            TimelineKind.AUDIT_FAILED, Fact("audit.failed", phone=phone.name, found=found), serial
        )
        slashed = Fact("penalty.slashed", phone=phone.name, credits=250.0, found=found)
        self.tell(TimelineKind.SLASH, slashed, serial)

    def lose(self, serial: Serial) -> None:
        """A phone stops answering."""
        phone = self.phone(serial)
        phone.state, phone.age_s = DeviceState.LOST, 9.0
        self.phase = Phase.DEGRADED
        told = Fact("request.goes_on_without", phone=phone.name, token=1)
        self.tell(TimelineKind.FAILOVER, told, serial)

    def tell(self, kind: TimelineKind, fact: Fact, serial: Serial | None = None) -> None:
        number = len(self.timeline) + 1
        event = TimelineEvent(number, self.now_s, WALL_MS, kind, serial, fact)
        self.timeline.append(event)
        self.recorder.event(event)

    def change(self, index: int, **fields: object) -> None:
        before = self.requests[index]
        changed = self.requests[index] = replace(before, **fields)  # type: ignore[arg-type]
        if changed.state.ended:
            self.logs[changed.identifier].add(self.now_s, Ended(changed))
        elif changed.state is not before.state:
            state = StateChanged(changed.state, changed.state_reason)
            self.logs[changed.identifier].add(self.now_s, state)

    def play(self, script: Callable[[ScriptedControl, float], None], *, period_s: float) -> None:
        """Run a script on a thread until the rack is closed; it gets the time since the start."""

        def loop() -> None:
            started_s = time.monotonic()
            while not self._stop.wait(period_s):
                elapsed_s = time.monotonic() - started_s
                with self.lock:
                    self.now_s = 1000.0 + elapsed_s
                script(self, elapsed_s)
                self.publish()

        Thread(target=loop, daemon=True).start()

    def _answer(self, result: T) -> Future[T]:
        if not self.answers:
            return NeverAnswered()
        future: Future[T] = Future()
        future.set_result(result)
        return future

    def _compared(self, name: str, serials: list[Serial]) -> PlanComparison:
        assignment = self._even(serials)
        plan = Plan(assignment, self.predict(assignment), Method.EXACT, proven_optimal=True)
        return PlanComparison(name, plan, None, 0.25)

    def _even(self, serials: list[Serial]) -> Assignment:
        used = serials[: self.layers]
        bounds = [self.layers * index // len(used) for index in range(len(used) + 1)]
        stages = tuple(
            held(serial, bounds[index], bounds[index + 1] - 1) for index, serial in enumerate(used)
        )
        return placed("demo", self.layers, stages)

    def _predicted(self, stage: StageAssignment) -> StagePrediction:
        phone = self.phone(stage.serial)
        size = LAYER_BYTES * stage.layer_count
        held = self.applied.stage_of(stage.serial) if self.applied else None
        push = 0 if held == stage else LAYER_BYTES
        compute_s = size * 1.0 / phone.rate + 0.0004
        return StagePrediction(
            stage.serial,
            compute_s,
            0.0012,
            compute_s * USUAL_WATTS,
            is_drain_measured=False,
            needed_bytes=size,
            headroom_bytes=phone.budget_bytes - size,
            push_bytes=push,
        )

    def _sample(self, phone: ScriptedPhone) -> None:
        stage = self.applied.stage_of(phone.serial) if self.applied else None
        if stage is None or phone.state is DeviceState.LOST:
            return
        wave = 1.0 + 0.12 * ((len(phone.samples) * 7 + phone.position * 13) % 10) / 10
        slow = 4.0 if phone.fault and phone.fault.startswith("slow") else 1.0
        stage_ms = self._predicted(stage).compute_s * 1e3 * wave * slow
        resident = LAYER_BYTES * stage.layer_count + 20_000 * len(phone.samples)
        phone.samples.append(StageSample(self.now_s, stage_ms, resident))
        del phone.samples[:-600]

    def _snapshot(self) -> RackSnapshot:
        return RackSnapshot(
            sequence=self._sequence,
            at_s=self.now_s,
            phase=self.phase,
            rack_name="demo",
            notices=self.notices,
            model=self._model(),
            phones=tuple(self._phone_snapshot(phone) for phone in self.phones),
            objective=self.objective,
            pins=self.pins,
            requested=self.requested,
            balancing=self.balancing,
            conditions=self.conditions,
            checks=self.checks,
            applied=self.applied,
            prediction=self.predict(self.requested) if self.requested else None,
            plan=self.plan,
            requests=tuple(self.requests),
            timeline=tuple(self.timeline),
            ledger=LedgerSnapshot(
                len(self.journal),
                "a" * 64,
                12_500_000,
                tuple(self.journal[-200:]),
                tuple(self.slashes),
                tuple(self.doubted),
                self.economy,
            ),
            tokens_per_second=28.4 if self.phase is Phase.RUNNING else None,
            experiment=self.experiment,
            newest_token_at_s=self.now_s if self.phase is Phase.RUNNING else None,
        )

    def _phone_snapshot(self, phone: ScriptedPhone) -> PhoneSnapshot:
        last = phone.samples[-1] if phone.samples else None
        return PhoneSnapshot(
            serial=phone.serial,
            position=phone.position,
            state=phone.state,
            state_reason=phone.reason,
            description=DeviceDescription(
                phone.serial, phone.name, "Maker", "arm64-v8a", "14", 8, "virtual", True
            ),
            vitals=DeviceVitals(86 - phone.position, 30.0 + phone.position, 8 * 10**9, 3 * 10**9),
            profile=DeviceProfile(phone.serial, phone.budget_bytes, phone.rate, 1e11, 4e-4),
            telemetry=PhoneTelemetry(
                last.stage_ms if last else None,
                last.resident_bytes if last else None,
                None,
                self.now_s - phone.age_s,
                self.now_s if last else None,
            ),
            standing=PhoneStanding(
                phone.stake, phone.stake, 1_200_000, phone.slashed, 0.97, 41, phone.failed, None
            ),
            transfer=phone.transfer,
            fault=phone.fault,
            lost_at_s=self.now_s - phone.age_s if phone.state is DeviceState.LOST else None,
        )

    def _model(self) -> ModelChoice:
        weight_bytes = LAYER_BYTES * self.layers
        kinds, harm = self.tasks, self.harm
        return ModelChoice("demo", "f32", self.layers, weight_bytes, kinds, harm, self.sees)


WALL_MS = 1_795_000_000_000


def words(start: int, end: int) -> str:
    """Return the words of the demo text with those numbers, a space before each."""
    every = TEXT.split()
    return "".join(f" {every[index % len(every)]}" for index in range(start, end))


def request(identifier: RequestId, prompt: str, tokens: int) -> RequestSnapshot:
    """Return a request that has just been started."""
    return RequestSnapshot(
        identifier,
        prompt,
        RequestState.PREFILL,
        state_reason=None,
        settled_text="",
        open_text="",
        token_ids=(),
        choices=(),
        tokens_wanted=tokens,
        time_to_first_token_ms=None,
        tokens_per_second=None,
        failovers=0,
        slashes=0,
        receipts=0,
        audits=0,
        assignment=None,
    )


def journal_row(number: int, kind: str, summary: Fact) -> JournalRow:
    """Return a journal row with a believable hash."""
    digest = hashlib.sha256(f"{number}{kind}".encode()).hexdigest()
    return JournalRow(number, WALL_MS + number, kind, "VP0001", summary, digest)
