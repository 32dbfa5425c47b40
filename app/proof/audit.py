"""Audits one receipt by doing the work again.

Equal roots settle it. Otherwise the outputs that arrived are compared within a tolerance, as
honest floating-point results differ between machines; those of a quantised model from a processor
that may round otherwise, by what its rounding explains (`app.proof.rounding`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from app.core.audit_outcome import AuditOutcome
from app.proof.answers.grounds import are_as_signed, are_signed
from app.proof.case import (
    AuditCase,
    AuditMethod,
    AuditReason,
    AuditStep,
    Verdict,
    inputs_are_usable,
)
from app.proof.evidence import bad_step, circumstances
from app.proof.execution import Reexecution, claimed_tensor, reexecute
from app.proof.execution_in_parts import reexecute_in_parts
from app.proof.rounding_measures import measures_of, measures_untied, severity
from app.proof.router_ties import excused, margins
from app.proof.stage_parts import OpenEngine
from workers.engine.engine import ShardEngine
from workers.identity.grounds import grounds_root
from workers.identity.merkle import root_hash
from workers.identity.transcript import step_leaves
from workers.protocol.wire import Tensor

__all__ = ["AuditCase", "AuditMethod", "AuditReason", "AuditStep", "Verdict", "audit"]
_REASONS: Final[Mapping[AuditOutcome, AuditReason]] = {
    AuditOutcome.PASSED: AuditReason.NONE,
    AuditOutcome.DEVIATES: AuditReason.DEVIATES,
    AuditOutcome.FAILED: AuditReason.WRONG_OUTPUT,
}
"""What is said of a comparison of outputs."""
_OUTCOMES: Final[Mapping[AuditReason, AuditOutcome]] = {
    reason: outcome for outcome, reason in _REASONS.items()
}
"""Every other reason is against the phone."""


def audit(case: AuditCase, open_engine: OpenEngine = ShardEngine) -> Verdict:
    """Return the verdict on a receipt; it takes about as long as the phone's own work.

    Raises `app.core.errors.WorkerError` where the shard cannot be run here.
    """
    refusal = refusal_of(case)
    if refusal is not None:
        return _verdict(case, AuditMethod.EXACT, refusal, [])
    run = reexecute_in_parts if case.rounds_otherwise else reexecute
    results = list(run(case, open_engine))
    honest_root = _root(case, [result.committed for result in results])
    claimed = claimed_root(case)
    evidence = {"recomputed_output_root": honest_root, "claimed_output_root": claimed}
    disowned = claimed not in (None, case.receipt.output_root)
    if honest_root == case.receipt.output_root and _grounds_are_equal(case, results):
        blamed = disowned and case.shape.has_head
        reason = AuditReason.OUTPUTS_DISOWNED if blamed else AuditReason.NONE
        return _verdict(case, AuditMethod.EXACT, reason, results if blamed else [], evidence)
    if claimed is None or (disowned and _receiver_may_lie(case)):
        return _verdict(case, AuditMethod.EXACT, AuditReason.NEEDS_OUTPUTS, [], evidence)
    if disowned:
        reason = AuditReason.OUTPUTS_DISOWNED
        return _verdict(case, AuditMethod.TOLERANCE, reason, results, evidence)
    if case.rounds_otherwise:
        return _verdict_by_rounding(case, results, evidence)
    if _first_bad(results) is not None and (margin := margins(case)) is not None:
        results = excused(case, results, margin)
    reason = AuditReason.NONE if _first_bad(results) is None else AuditReason.WRONG_OUTPUT
    return _verdict(case, AuditMethod.TOLERANCE, reason, results, evidence)


def _grounds_are_equal(case: AuditCase, results: Sequence[Reexecution]) -> bool:
    """Tell whether tokens rest on the very same numbers here, to the last bit."""
    if not are_signed(case):
        return True
    return case.receipt.grounds == grounds_root(result.grounds for result in results)


def _receiver_may_lie(case: AuditCase) -> bool:
    """Tell whether outputs not signed for prove nothing against the phone.

    They are what the next phone says that it received. Where this computer is not to compute what
    was signed for to the last bit either, one of the two lies, or the way between them changed
    something, and nothing tells which.
    """
    return (case.other_class or case.ran_together) and not case.shape.has_head


def _verdict_by_rounding(
    case: AuditCase, results: Sequence[Reexecution], evidence: Mapping[str, Any]
) -> Verdict:
    measure, *others = sorted(measures_of(case, results), key=severity, reverse=True)
    if measure.outcome is not AuditOutcome.PASSED and (margin := margins(case)) is not None:
        measure, *others = measures_untied(case, results, margin)
    reason = _REASONS[measure.outcome]
    blamed = results if measure.outcome is AuditOutcome.FAILED else []
    found = {**evidence, "rounding": measure.evidence()}
    found |= {f"rounding_of_{other.of}": other.evidence() for other in others}
    verdict = _verdict(case, AuditMethod.ROUNDING, reason, blamed, found)
    return replace(verdict, deviation=measure.deviation)


def refusal_of(case: AuditCase) -> AuditReason | None:
    """Return what makes running the shard pointless, None where nothing does."""
    receipt, shape = case.receipt, case.shape
    graph = hashlib.sha256(case.graph_path.read_bytes()).hexdigest()
    stated = (receipt.graph, receipt.blocks)
    if stated != (graph, shape.blocks):
        return AuditReason.OTHER_SHARD
    if receipt.steps != len(case.steps) or receipt.input_root != _root(
        case, [step.inputs for step in case.steps]
    ):
        return AuditReason.INPUTS_DISOWNED
    if not are_as_signed(case):
        return AuditReason.GROUNDS_DISOWNED
    if not inputs_are_usable(case):
        return AuditReason.INPUTS_UNUSABLE
    return None


def _first_bad(results: Sequence[Reexecution]) -> int | None:
    wrong = (index for index, result in enumerate(results) if (result.deviation or 0.0) > 1)
    return next(wrong, None)


def _first_bad_generated(case: AuditCase, first_bad: int) -> int | None:
    later = (step.generated for step in case.steps[first_bad:] if step.generated)
    return next(later, None)


def _verdict(
    case: AuditCase,
    method: AuditMethod,
    reason: AuditReason,
    results: Sequence[Reexecution],
    evidence: Mapping[str, Any] | None = None,
) -> Verdict:
    """Return the verdict; `results` are looked through for the first bad step."""
    first_bad = _first_bad(results)
    return Verdict(
        case.receipt.transaction,
        case.receipt.stage,
        case.receipt.serial,
        outcome=_OUTCOMES.get(reason, AuditOutcome.FAILED),
        method=method,
        reason=reason,
        first_bad_step=first_bad,
        first_bad_generated=None if first_bad is None else _first_bad_generated(case, first_bad),
        deviation=max((result.deviation or 0.0 for result in results), default=0.0),
        evidence={**circumstances(case), **(evidence or {}), **_bad_step(case, results)},
    )


def _bad_step(case: AuditCase, results: Sequence[Reexecution]) -> dict[str, Any]:
    first_bad = _first_bad(results)
    return {} if first_bad is None else bad_step(case, case.steps[first_bad], results[first_bad])


def claimed_root(case: AuditCase) -> str | None:
    """Return the root over what the phone is said to have answered; None unless all is known."""
    claims = [claimed_tensor(step, case.shape) for step in case.steps]
    known = [claim for claim in claims if claim is not None]
    return _root(case, known) if len(known) == len(case.steps) else None


def _root(case: AuditCase, tensors: Sequence[Tensor]) -> str:
    pairs = zip(case.steps, tensors, strict=True)
    leaves = [leaf for step, tensor in pairs for leaf in step_leaves(tensor, step.position)]
    return root_hash(leaves).hex()
