"""What signing for a stage costs its phone, and auditing it the host, beside the stage's own work.

Processor time of one thread, on whatever core: each is run some times by turns, the least counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from app.core.model import ModelManifest
from app.models.library import Library
from app.proof.audit import audit
from app.proof.case import AuditCase
from app.proof.quick.together import passes_together
from app.simulation.adversary.cheats import PLACES
from app.simulation.adversary.ring import RingPhone, phones_of, write_text
from workers.engine.engine import ShardEngine
from workers.identity.choices import choice_leaf
from workers.identity.grounds import grounds_of, grounds_root, probe_seed
from workers.identity.receipts import sign_receipt
from workers.identity.transcript import Transcript
from workers.protocol.commands import SignedTerms
from workers.protocol.sampling_rule import UNSTEERED
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor

COST_PROMPT: Final = 16
COST_TOKENS: Final = 64
_SLOT: Final = 0
_DIGEST: Final = "0" * 64


@dataclass(frozen=True)
class StageCost:
    """Seconds of processor time for one text."""

    name: str
    """Where it is in the ring, and how many layers it has."""
    tokens: int
    work_s: float
    """Running all steps as the phone did."""
    signing_s: float
    """Hashing what went in and out, and signing for it; what tokens rest on is in it."""
    grounds_s: float
    """What tokens rest on alone: drawing, gathering and hashing it."""
    audit_s: float
    """The host's audit of it; its result was that it passed."""

    @property
    def signing_share(self) -> float:
        """Of the stage's own work."""
        return self.signing_s / self.work_s

    @property
    def grounds_share(self) -> float:
        """Of the stage's own work."""
        return self.grounds_s / self.work_s

    @property
    def audit_share(self) -> float:
        """Of the stage's own work."""
        return self.audit_s / self.work_s


def measured_costs(
    library: Library, model: ModelManifest, repeats: int, tokens: int = COST_TOKENS
) -> list[StageCost]:
    """Measure each stage of a ring that wrote so many tokens."""
    phones = phones_of(library, model, None, COST_PROMPT + tokens)
    terms = SignedTerms(_DIGEST, _DIGEST, _DIGEST, 1, _DIGEST)
    for phone in phones:
        phone.begin("costs", terms)
    write_text(phones, range(COST_PROMPT), tokens, {})
    found = [stage_cost(phone, phone.case(), repeats) for phone in phones]
    return [*found, _together(found)]


def _together(costs: Sequence[StageCost]) -> StageCost:
    """Return what a token of the whole ring costs: what it takes one text of its tokens a second.

    Stages work one after the other on it.
    """
    return StageCost(
        "all three",
        costs[0].tokens,
        sum(cost.work_s for cost in costs),
        sum(cost.signing_s for cost in costs),
        sum(cost.grounds_s for cost in costs),
        sum(cost.audit_s for cost in costs),
    )


def stage_cost(phone: RingPhone, case: AuditCase, repeats: int) -> StageCost:
    """Measure a stage by a text that it wrote honestly."""
    engine = ShardEngine(phone.graph, phone.shape, case.threads)
    opened = dict[str, ShardEngine]()

    def work() -> None:
        engine.forget(_SLOT)
        for step in case.steps:
            engine.run(_SLOT, step.position, step.inputs)

    def look() -> None:
        found = passes_together(case, keep) or audit(case, keep)
        if not found.passed:
            raise AssertionError(case.receipt.serial)

    def keep(path: Path, shape: SpanShape, threads: int) -> ShardEngine:
        return _kept(opened, path, shape, threads)

    work()
    logits = None if engine.final_rows is None else np.zeros(phone.shape.vocabulary_size, "<f4")
    row = None if engine.final_rows is None else engine.final_rows[0]

    def sign() -> None:
        _sign(phone, case, logits, row)

    def ground() -> None:
        if logits is not None:
            grounds_root(_grounds(case, logits, row))

    work_s, signing_s, grounds_s, audit_s = _least((work, sign, ground, look), repeats)
    name = f"{PLACES[phone.stage]}, {phone.shape.layer_count} layers"
    grounds_s = grounds_s if phone.shape.has_head else 0.0
    return StageCost(name, case.receipt.tokens, work_s, signing_s, grounds_s, audit_s)


def _grounds(case: AuditCase, logits: Tensor, row: Tensor | None) -> list[Tensor | None]:
    """Return what each token rests on, as a phone makes it of logits; numbers are all the same."""
    seed = probe_seed(case.receipt.transaction, case.receipt.terms.head)
    return [
        grounds_of(logits, row, seed, step.position + step.inputs.shape[1])
        if step.wants_token
        else None
        for step in case.steps
    ]


def _kept(
    opened: dict[str, ShardEngine], path: Path, shape: SpanShape, threads: int
) -> ShardEngine:
    """Return an engine that is loaded already: loading is measured apart."""
    name = f"{path.name} {shape.slots} {shape.context_tokens}"
    if name not in opened:
        opened[name] = ShardEngine(path, shape, threads)
    for slot in range(shape.slots):
        opened[name].forget(slot)
    return opened[name]


def _sign(phone: RingPhone, case: AuditCase, logits: Tensor | None, row: Tensor | None) -> None:
    transcript = Transcript()
    choice = choice_leaf(UNSTEERED) if phone.shape.has_head else None
    grounds = [None] * len(case.steps) if logits is None else _grounds(case, logits, row)
    for step, ground in zip(case.steps, grounds, strict=True):
        claimed = step.claimed
        if claimed is None:
            raise ValueError(step.position)
        transcript.record(step.position, step.inputs, claimed, choice, ground)
    transcript.seal()
    sign_receipt(case.receipt, phone.key)


def _least(runs: Sequence[Callable[[], None]], repeats: int) -> tuple[float, ...]:
    """Return the least processor time of each, run by turns."""
    taken_s: list[list[float]] = [[] for _ in runs]
    for _ in range(repeats):
        for run, found in zip(runs, taken_s, strict=True):
            began_s = time.process_time()
            run()
            found.append(time.process_time() - began_s)
    return tuple(map(min, taken_s))
