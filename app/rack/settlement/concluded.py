"""What is left of an attempt that ended, and what checking it showed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.core.audit_outcome import DutyOutcome
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.core.model import ModelManifest
from app.pipeline.prompts.step_record import StepRecord
from app.proof.case import Verdict
from app.rack.layers.spans import SpanOnPhone
from app.rack.settlement.sharp.close_look import CloseLook
from workers.identity.answer_leaf import COMMITTED_ALTERNATIVES
from workers.identity.receipts import ReceiptBody
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class WholeCheck:
    """What this computer found where it checked every token."""

    good_answers: int
    """The first ones: each stands."""
    took_s: float


@dataclass(frozen=True)
class ConcludedAttempt:
    """All that is left of an attempt once its slots are free: what audits need.

    `transcripts` holds the input tensors of the stages whose receipts are audited, and of the
    stages after them (their inputs are the outputs of the ones before).
    """

    transaction: TransactionId
    model: ModelManifest
    spans: tuple[SpanOnPhone, ...]
    steps: tuple[StepRecord, ...]
    answers: tuple[Tensor, ...]
    """Tokens with what was told of them (`workers.identity.answer_leaf`), or the one vector that
    answers."""
    sampling: SamplingRule
    boundary: Boundary
    bodies: Mapping[Serial, ReceiptBody]
    transcripts: Mapping[Serial, Sequence[Tensor]]
    due: frozenset[Serial]
    withheld: Mapping[Serial, Fact]
    """Stages that did not answer for their work, and how; they are jailed already."""
    classes: Mapping[Serial, str] = field(default_factory=dict)
    """What each phone named as its numerical class when it joined."""
    alternatives: int = COMMITTED_ALTERNATIVES
    """How many of the likeliest tokens the last stage commits to with each one chosen."""
    ancestors: frozenset[TransactionId] = frozenset()
    """The transactions whose rows its first steps are."""
    refused: frozenset[Serial] = frozenset()
    """Those of `withheld` that showed nothing when their work was to be audited."""
    gone: frozenset[Serial] = frozenset()
    """Those that did not answer when their work was to be audited."""
    signatures: Mapping[Serial, bytes] = field(default_factory=dict)
    """Under the canonical bytes of `bodies`."""
    keys: Mapping[Serial, bytes] = field(default_factory=dict)
    """Those that `signatures` are made with: a phone may have another by now."""
    whole: WholeCheck | None = None
    """None where this computer did not check every token."""
    grounds: Sequence[Tensor | None] | None = None
    """What the last stage's tokens rest on, step by step; None where it did not show that."""
    overclaimed: Mapping[Serial, int] = field(default_factory=dict)
    """Phones that by now stood by more than they did three times of five, and what each paid."""
    ran_together: bool = False
    """Whether rows of it may have been computed together with others: to the last bit such a row
    is not the one that it would be alone."""

    @property
    def two_chains(self) -> bool:
        """Whether an encoder and a decoder made it together."""
        return any(span.shape.paired or span.shape.sees for span in self.spans)

    @property
    def by_ring(self) -> bool:
        """Whether the last stage sent tokens to the first without the host."""
        return any(step.by_ring for step in self.steps)

    @property
    def answers_by_step(self) -> list[Tensor | None]:
        """What came of each step that came to an end; None of one that wanted no answer."""
        remaining = iter(self.answers)
        answers: list[Tensor | None] = []
        for step in self.steps:
            answer = next(remaining, None) if step.wants_token else None
            if step.wants_token and answer is None:
                break
            answers.append(answer)
        return answers


@dataclass(frozen=True)
class Finding:
    """A phone that did something it must answer for."""

    serial: Serial
    reason: Fact
    offence: str | None
    """The entry of the penalty table it is slashed for; None where it is only jailed."""
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class VerifierCheck:
    """A phone's audit of another, computed again by this computer."""

    serial: Serial
    """Who audited."""
    audited: Serial
    stage: int
    right: bool


@dataclass(frozen=True)
class Coverage:
    """How much of an attempt's work was done again."""

    stages: int
    audited_stages: int
    """Over all steps, by this computer or a phone; all where the whole attempt was re-executed."""
    verified_answers: int
    """The first answers: this computer did every stage's part in each again, and it stands."""
    checked_answers: int = 0
    """Of these, those that this computer checked one by one, whatever was audited."""


@dataclass(frozen=True)
class AttemptOutcome:
    """What checking an attempt showed. Answers are counted from the attempt's first."""

    transaction: TransactionId
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    good_answers: int
    coverage: Coverage
    not_audited: Mapping[int, tuple[DutyOutcome, Fact]] = field(default_factory=dict)
    """By stage, what became of an audit that was due and has no verdict, and why."""
    close_looks: tuple[CloseLook, ...] = ()
    disputed_edges: tuple[tuple[Serial, Serial], ...] = ()
    """Sender and receiver that signed different things, of whom nobody is proven wrong."""
    verifier_checks: tuple[VerifierCheck, ...] = ()

    @property
    def in_doubt(self) -> bool:
        """Whether nobody may count on the rows that it left."""
        return bool(self.findings or self.disputed_edges)


def sent_tokens(step: StepRecord) -> Tensor:
    """Return what the host sent in a step, `i8 [1, tokens]` or pixels."""
    return step.inputs


def with_check(attempt: ConcludedAttempt, whole: WholeCheck | None) -> ConcludedAttempt:
    """Return the attempt with what checking all of it showed.

    Where some answer does not stand every stage that signed is to be audited.
    """
    if whole is None or whole.good_answers == len(attempt.answers):
        return replace(attempt, whole=whole)
    return replace(attempt, whole=whole, due=frozenset(attempt.bodies))
