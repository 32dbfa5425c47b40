"""What the rack looks like at one moment. Immutable: front ends paint the newest and forget it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from app.core.assignment import Assignment
from app.core.audit_outcome import CheckedBy, ChecksSnapshot
from app.core.device import (
    MEMORY_SHARE,
    DeviceDescription,
    DeviceProfile,
    DeviceState,
    LinkProfile,
    Route,
)
from app.core.facts import Fact
from app.core.identifiers import RequestId, Serial
from app.core.tasks import LabelScore, TaskKind
from app.core.vitals import (
    RESTING_VITALS_INTERVAL_S,
    STALE_AFTER_INTERVALS,
    VITALS_INTERVAL_S,
    DeviceVitals,
)
from app.faults.experiments.status import ExperimentStatus
from app.ledger.views.snapshot import LedgerSnapshot, PhoneStanding
from app.pipeline.opening_stages.lookup import NO_LOOKUP, LookupCounts
from app.placement.conditions import UNCONDITIONAL, Conditions
from app.placement.problem import Objective, Pin, Plan, Prediction
from app.placement.rebalancing.readings import Cause
from app.placement.rebalancing.setting import Balancing
from app.telemetry.history import History, HistoryPoint, Metric, Window
from app.telemetry.samples import Samples, StageSample

__all__ = [
    "BalancingSnapshot",
    "Cargo",
    "CheckedBy",
    "ChecksSnapshot",
    "History",
    "HistoryPoint",
    "LabelScore",
    "LayerMove",
    "LinkSnapshot",
    "Metric",
    "ModelChoice",
    "Phase",
    "PhoneSnapshot",
    "PhoneTelemetry",
    "RackSnapshot",
    "RequestSnapshot",
    "RequestState",
    "Samples",
    "StageSample",
    "TimelineEvent",
    "TimelineKind",
    "Transfer",
    "Window",
]

FRESH_LINK_S: Final = 600.0
"""How long a measured link counts as new; older ones are used and marked as old."""


class Phase(StrEnum):
    """What the rack as a whole is doing."""

    STARTING = "starting"
    DEPLOYING = "deploying"
    READY = "ready"
    RUNNING = "running"
    DEGRADED = "degraded"
    FAILED = "failed"
    STOPPED = "stopped"


class RequestState(StrEnum):
    """Where a request stands; until SETTLED text may still be taken back."""

    WAITING = "waiting"
    PREFILL = "prefill"
    DECODING = "decoding"
    AUDITING = "auditing"
    RECOVERING = "recovering"
    PAUSED = "paused"
    """Waits for phones: those that are there cannot hold the model."""
    SETTLED = "settled"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of the request."""
        return self in {RequestState.SETTLED, RequestState.CANCELLED, RequestState.FAILED}


@dataclass(frozen=True)
class PhoneTelemetry:
    """Newest figures of one phone, from its own worker. Moments are on the axis of `at_s`."""

    stage_ms: float | None
    """Compute time of its last step."""
    resident_bytes: int | None
    kv_bytes: int | None
    heard_at_s: float
    """When its last heartbeat came."""
    stage_at_s: float | None = None
    """When its last step ended."""


class Cargo(StrEnum):
    """What is brought to a phone."""

    WORKER = "worker"
    """Its program and what that needs."""
    WEIGHTS = "weights"


@dataclass(frozen=True)
class Transfer:
    """Bytes on their way to a phone."""

    what: Cargo
    done_bytes: int
    total_bytes: int
    bytes_per_second: float | None = None
    """Over the last seconds; None until it has settled."""
    left_s: float | None = None
    """How long the rest takes at that rate."""


@dataclass(frozen=True)
class PhoneSnapshot:
    """Everything shown of one phone."""

    serial: Serial
    position: int
    """1-based place in the rack; colours and fault specifications follow it."""
    state: DeviceState
    state_reason: Fact | None
    """Why it is in that state, where that needs to be said."""
    description: DeviceDescription | None
    vitals: DeviceVitals | None
    profile: DeviceProfile | None
    telemetry: PhoneTelemetry | None
    standing: PhoneStanding | None
    transfer: Transfer | None
    fault: str | None
    """The injected fault now set on it, as `slow@1`; None where none is."""
    route: Route | None = None
    """How this computer reaches its worker; None before it has one."""
    memory_share: float = MEMORY_SHARE
    """Share of its available memory that layers may take."""
    vitals_at_s: float | None = None
    """When the vitals were read, on the axis of the rack's `at_s`."""
    lost_at_s: float | None = None
    """When the worker of a lost phone was heard last, on the same axis."""

    @property
    def usable(self) -> bool:
        """Whether it can hold layers now: not while it is jailed, lost or not yet prepared."""
        return self.state in {DeviceState.READY, DeviceState.WORKING}

    @property
    def held_elsewhere(self) -> bool:
        """Whether it works for another control centre, from which it may be taken."""
        reason = self.state_reason if self.state is DeviceState.BUSY else None
        return reason is not None and reason.code == "phone.held"

    def vitals_are_stale(self, now_s: float) -> bool:
        """Tell whether the vitals are too old to stand for the present."""
        rests = self.state is DeviceState.STANDBY
        interval_s = RESTING_VITALS_INTERVAL_S if rests else VITALS_INTERVAL_S
        limit_s = STALE_AFTER_INTERVALS * interval_s
        return self.vitals_at_s is not None and now_s - self.vitals_at_s > limit_s


@dataclass(frozen=True)
class Alternative:
    """A token that could have been chosen; the logarithm is natural, at temperature 1."""

    token: int
    text: str
    log_probability: float


@dataclass(frozen=True)
class TokenChoices:
    """How likely the chosen token was, and the likeliest ones where asked for, likeliest first."""

    log_probability: float
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True)
class RequestSnapshot:
    """One prompt and what has come of it.

    `token_ids` are all generated so far, of both texts; slashes and failovers count only its own.
    A classification has `labels`, an embedding its `embedding` instead of a text; like a text they
    may be taken back until the request has settled.
    """

    identifier: RequestId
    prompt: str
    state: RequestState
    state_reason: Fact | None
    settled_text: str
    """What stands: every check that was due has ended."""
    open_text: str
    """What comes after it and may still be taken back."""
    token_ids: tuple[int, ...]
    choices: tuple[TokenChoices, ...]
    """How likely each token was, in the order of `token_ids`."""
    tokens_wanted: int
    time_to_first_token_ms: float | None
    tokens_per_second: float | None
    failovers: int
    slashes: int
    receipts: int
    audits: int
    assignment: Assignment | None
    """Where its newest attempt ran."""
    kind: TaskKind = TaskKind.GENERATE
    note: Fact | None = None
    """What was done otherwise than asked."""
    labels: tuple[LabelScore, ...] = ()
    """The best first; empty until they are there."""
    embedding: tuple[float, ...] = ()
    stages: int = 0
    """Of all attempts together of which answers stand."""
    audited_stages: int = 0
    """Those whose whole part was computed again, by an audit or with the whole attempt."""
    verified_tokens: int = 0
    """Those that were computed again at every stage; a vector counts as one."""
    verified: bool = False
    """Whether that is so of all there is."""
    checked_tokens: int = 0
    """Verified ones that this computer checked one by one; the others by audits of all stages."""
    text_s: float = 0.0
    """What all attempts took."""
    check_s: float = 0.0
    """What checking every token of them took this computer."""
    reused_tokens: int = 0
    """Of all attempts, how many tokens were not read again: their rows were still there."""
    lookup: LookupCounts = NO_LOOKUP
    """What drafts of its tokens came to."""
    prompt_tokens: int = 0
    ended_by_itself: bool = False
    """Whether a text came to a stop text or to a token that ends it, and not to its limit alone."""

    @property
    def text(self) -> str:
        """All of the text so far."""
        return self.settled_text + self.open_text

    @property
    def checked_by(self) -> CheckedBy:
        """How far what there is was checked."""
        if not self.verified:
            return CheckedBy.IN_PART
        checked_all = 0 < self.checked_tokens == self.verified_tokens
        return CheckedBy.WHOLE_CHECK if checked_all else CheckedBy.AUDITS


@dataclass(frozen=True)
class LayerMove:
    """Layers that moved by themselves, or that are to where a person agrees.

    Rates are of all texts together, in tokens a second; None where the same texts were not being
    written before and after.
    """

    at_s: float
    causes: tuple[Cause, ...]
    before: Assignment
    after: Assignment
    promised_gain: float
    """By what share more a second was predicted, of what the objective counts."""
    push_bytes: int
    rate_before: float | None = None
    rate_after: float | None = None
    stall_s: float | None = None
    """From the last token before to the first one after; None where no text was being written."""


@dataclass(frozen=True)
class BalancingSnapshot:
    """Whether layers move by themselves, what is proposed now and what moved lately."""

    mode: Balancing = Balancing.OFF
    proposal: LayerMove | None = None
    """What waits for a person to apply it, as the requested assignment."""
    moves: tuple[LayerMove, ...] = ()
    """The newest last."""


class TimelineKind(StrEnum):
    """What happened, for the mark on charts and the icon on the timeline."""

    INFO = "info"
    MOVE = "move"
    FAULT = "fault"
    FAILOVER = "failover"
    AUDIT_OK = "audit-ok"
    AUDIT_DEVIATES = "audit-deviates"
    AUDIT_FAILED = "audit-failed"
    SLASH = "slash"
    ERROR = "error"


@dataclass(frozen=True)
class TimelineEvent:
    """One thing that happened."""

    sequence: int
    at_s: float
    """Monotonic seconds, the same axis as telemetry samples."""
    wall_ms: int
    kind: TimelineKind
    serial: Serial | None
    fact: Fact


@dataclass(frozen=True)
class ModelChoice:
    """One imported model; one that `sees` takes pictures."""

    name: str
    quantization: str
    layers: int
    weight_bytes: int
    tasks: tuple[TaskKind, ...] = (TaskKind.GENERATE,)
    """What it can be asked for, the plainest first."""
    harm: Fact | None = None
    """That quantisation has clearly harmed it, if it has."""
    sees: bool = False


@dataclass(frozen=True)
class LinkSnapshot:
    """One direction between two phones, or a phone and `HOST`, as it was measured last."""

    sender: Serial
    receiver: Serial
    route: Route
    profile: LinkProfile
    measured_at_s: float
    """On the axis of the rack's `at_s`."""

    def is_fresh(self, now_s: float) -> bool:
        """Tell whether it was measured a short while ago."""
        return now_s - self.measured_at_s < FRESH_LINK_S


@dataclass(frozen=True)
class RackSnapshot:
    """The whole rack at one moment; a number that cannot be known yet is 0."""

    sequence: int
    at_s: float
    phase: Phase
    rack_name: str
    notices: tuple[Fact, ...]
    """What is to be said of the rack as a whole: what failed, else what to know."""
    model: ModelChoice | None
    phones: tuple[PhoneSnapshot, ...]
    objective: Objective
    pins: tuple[Pin, ...]
    requested: Assignment | None
    applied: Assignment | None
    prediction: Prediction | None
    """Of the requested assignment."""
    plan: Plan | None
    """What the planner last proposed."""
    requests: tuple[RequestSnapshot, ...]
    timeline: tuple[TimelineEvent, ...]
    ledger: LedgerSnapshot | None
    tokens_per_second: float | None
    newest_token_at_s: float | None = None
    """When the newest token of all texts being written came; None where none is."""
    links: tuple[LinkSnapshot, ...] = ()
    """What was measured between phones and this computer."""
    balancing: BalancingSnapshot = BalancingSnapshot()
    conditions: Conditions = UNCONDITIONAL
    """What is asked of every plan; phones by serial."""
    checks: ChecksSnapshot = field(default_factory=ChecksSnapshot)
    expected_phones: int = 0
    context_tokens: int = 0
    silent_places: tuple[Fact, ...] = ()
    """What discovery has to say of places it has no phone from."""
    experiment: ExperimentStatus | None = None

    @property
    def model_name(self) -> str:
        """The model on the rack; empty where there is none."""
        return self.model.name if self.model else ""
