"""What happens to one request. Followers get every one of these, in order and once."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.assignment import Assignment
from app.core.audit_outcome import AuditOutcome
from app.core.facts import Fact
from app.core.identifiers import RequestId, Serial, TransactionId
from app.pipeline.tracing.step_times import StepTrace
from app.rack.snapshot import Alternative, LabelScore, RequestSnapshot, RequestState


@dataclass(frozen=True, slots=True)
class StateChanged:
    """It went on to a state that is not its last; there is a reason where one is needed."""

    state: RequestState
    reason: Fact | None


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """It is computed under this assignment from here on."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class RowsReused:
    """So many tokens were not read again: another transaction's rows of them were still there."""

    resumed_from: TransactionId
    tokens: int


@dataclass(frozen=True, slots=True)
class StageTimes:
    """How long each stage computed for a token; both tuples are in the order of the ring.

    Where drafts were right several tokens came of one step and share its time.
    """

    serials: tuple[Serial, ...]
    compute_ms: tuple[float, ...]
    drafts: int = 0
    """How many guesses the step carried."""
    accepted: int = 0
    """How many of these were right."""


@dataclass(frozen=True, slots=True)
class TokenAdded:
    """One more token; like those before it may be taken back until the request has ended."""

    position: int
    """Counted from 1 in the answer."""
    token: int
    text: str
    """What it adds to the text shown.

    Empty while a character or what may become a stop text is not whole: a later token brings it.
    """
    log_probability: float
    """Natural, at temperature 1."""
    alternatives: tuple[Alternative, ...]
    """The likeliest tokens where they were asked for, likeliest first."""
    times: StageTimes
    token_text: str = ""
    """The token by itself, as the alternatives are told."""


@dataclass(frozen=True, slots=True)
class StepTraced:
    """Where the time of one of its steps went; told of requests that are traced."""

    trace: StepTrace


@dataclass(frozen=True, slots=True)
class AnswerGiven:
    """The labels of a classification, or the vector of an embedding; may be taken back too."""

    labels: tuple[LabelScore, ...]
    embedding: tuple[float, ...]
    times: StageTimes


@dataclass(frozen=True, slots=True)
class StageAudited:
    """What re-executing a stage of one attempt showed."""

    serial: Serial
    outcome: AuditOutcome
    deviation: float
    """How far off it is, in tolerances: above 1 is wrong."""


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The newest tokens (or the one vector) were wrong and do not count; the others stand."""

    taken_back: int
    kept: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event: the request as it stands for good."""

    request: RequestSnapshot


@dataclass(frozen=True, slots=True)
class Missed:
    """So many events before the next are kept no longer: they were read too late."""

    events: int


WhatHappened = (
    StateChanged
    | AttemptStarted
    | RowsReused
    | TokenAdded
    | StepTraced
    | AnswerGiven
    | StageAudited
    | RolledBack
    | Ended
    | Missed
)


@dataclass(frozen=True, slots=True)
class RequestEvent:
    """One event; the sequence counts from 1 in its request, the time is monotonic."""

    request: RequestId
    sequence: int
    at_s: float
    what: WhatHappened
