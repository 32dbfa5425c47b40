"""What signing for a stage costs its phone, and auditing it the host, beside the stage's own work.

Processor time of one thread, on whatever core: each is run some times by turns, the least counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core.model import ModelManifest
from app.models.library import Library
from app.proof.audit import audit
from app.proof.case import AuditCase
from app.proof.quick.together import passes_together
from app.simulation.adversary.cheats import PLACES
from app.simulation.adversary.ring import RingPhone, phones_of, write_text
from workers.engine.engine import ShardEngine
from workers.identity.choices import choice_leaf
from workers.identity.receipts import sign_receipt
from workers.identity.transcript import Transcript
from workers.protocol.commands import SignedTerms
from workers.protocol.sampling_rule import UNSTEERED
from workers.protocol.span_shape import SpanShape

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
    """Hashing what went in and out, and signing for it."""
    audit_s: float
    """The host's audit of it; its result was that it passed."""

    @property
    def signing_share(self) -> float:
        """Of the stage's own work."""
        return self.signing_s / self.work_s

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
    return [stage_cost(phone, phone.case(), repeats) for phone in phones]


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

    work_s, signing_s, audit_s = _least((work, lambda: _sign(phone, case), look), repeats)
    name = f"{PLACES[phone.stage]}, {phone.shape.layer_count} layers"
    return StageCost(name, case.receipt.tokens, work_s, signing_s, audit_s)


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


def _sign(phone: RingPhone, case: AuditCase) -> None:
    transcript = Transcript()
    choice = choice_leaf(UNSTEERED) if phone.shape.has_head else None
    for step in case.steps:
        claimed = step.claimed
        if claimed is None:
            raise ValueError(step.position)
        transcript.record(step.position, step.inputs, claimed, choice, step.grounds)
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
