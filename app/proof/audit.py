"""Audits one receipt by doing the work again.

Equal roots settle it. Otherwise the outputs that arrived are compared within a tolerance, as
honest floating-point results differ between machines. A sampled (not greedy) token must be equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.proof.case import AuditCase, AuditMethod, AuditReason, AuditStep, Verdict
from app.proof.execution import OpenEngine, Reexecution, claimed_tensor, reexecute
from app.proof.inputs import inputs_are_usable
from app.proof.tolerance import ABSOLUTE_TOLERANCE, ANSWER_TOLERANCE, RELATIVE_TOLERANCE
from workers.engine import ShardEngine
from workers.merkle import root_hash
from workers.transcript import step_leaves
from workers.wire import Tensor

__all__ = ["AuditCase", "AuditMethod", "AuditReason", "AuditStep", "Verdict", "audit"]


def audit(case: AuditCase, open_engine: OpenEngine = ShardEngine) -> Verdict:
    """Return the verdict on a receipt; it takes about as long as the phone's own work.

    Raises `app.core.errors.WorkerError` where the shard cannot be run here.
    """
    refusal = _refusal(case)
    if refusal is not None:
        return _verdict(case, AuditMethod.EXACT, refusal, [])
    results = list(reexecute(case, open_engine))
    honest_root = _root(case, [result.committed for result in results])
    claimed_root = _claimed_root(case)
    evidence = {"recomputed_output_root": honest_root, "claimed_output_root": claimed_root}
    disowned = claimed_root not in (None, case.receipt.output_root)
    if honest_root == case.receipt.output_root:
        blamed = disowned and case.shape.has_head
        reason = AuditReason.OUTPUTS_DISOWNED if blamed else AuditReason.NONE
        return _verdict(case, AuditMethod.EXACT, reason, results if blamed else [], evidence)
    if claimed_root is None:
        return _verdict(case, AuditMethod.EXACT, AuditReason.NEEDS_OUTPUTS, [], evidence)
    reason = AuditReason.OUTPUTS_DISOWNED if disowned else _compared(results)
    return _verdict(case, AuditMethod.TOLERANCE, reason, results, evidence)


def _refusal(case: AuditCase) -> AuditReason | None:
    """Return what makes running the shard pointless."""
    receipt, shape = case.receipt, case.shape
    graph = hashlib.sha256(case.graph_path.read_bytes()).hexdigest()
    stated = (receipt.graph, receipt.first_layer, receipt.last_layer)
    if stated != (graph, shape.first_layer, shape.last_layer):
        return AuditReason.OTHER_SHARD
    if receipt.steps != len(case.steps) or receipt.input_root != _root(
        case, [step.inputs for step in case.steps]
    ):
        return AuditReason.INPUTS_DISOWNED
    if not inputs_are_usable(case):
        return AuditReason.INPUTS_UNUSABLE
    return None


def _compared(results: Sequence[Reexecution]) -> AuditReason:
    return AuditReason.NONE if _first_bad(results) is None else AuditReason.WRONG_OUTPUT


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
    evidence: dict[str, Any] | None = None,
) -> Verdict:
    """Return the verdict; `results` are looked through for the first bad step."""
    first_bad = _first_bad(results)
    return Verdict(
        case.receipt.transaction,
        case.receipt.stage,
        case.receipt.serial,
        passed=reason is AuditReason.NONE,
        method=method,
        reason=reason,
        first_bad_step=first_bad,
        first_bad_generated=None if first_bad is None else _first_bad_generated(case, first_bad),
        deviation=max((result.deviation or 0.0 for result in results), default=0.0),
        evidence={**_circumstances(case), **(evidence or {}), **_bad_step(case, results)},
    )


def _circumstances(case: AuditCase) -> dict[str, Any]:
    return {
        "receipt": asdict(case.receipt),
        "sampling": asdict(case.sampling),
        "threads": case.threads,
        "boundary": case.boundary.value,
        "relative_tolerance": RELATIVE_TOLERANCE,
        "absolute_tolerance": ABSOLUTE_TOLERANCE,
        "answer_tolerance": ANSWER_TOLERANCE,
    }


def _bad_step(case: AuditCase, results: Sequence[Reexecution]) -> dict[str, Any]:
    first_bad = _first_bad(results)
    if first_bad is None:
        return {}
    step, committed = case.steps[first_bad], results[first_bad].committed
    found: dict[str, Any] = {"position": step.position, "deviation": results[first_bad].deviation}
    claimed = claimed_tensor(step, case.shape)
    if case.shape.has_head and not case.shape.answer_size and claimed is not None:
        found |= {"expected_token": int(committed[0]), "claimed_token": int(claimed[0])}
    else:
        found["expected_leaves_root"] = root_hash(step_leaves(committed, step.position)).hex()
    return {"first_bad": found}


def _claimed_root(case: AuditCase) -> str | None:
    claims = [claimed_tensor(step, case.shape) for step in case.steps]
    known = [claim for claim in claims if claim is not None]
    return _root(case, known) if len(known) == len(case.steps) else None


def _root(case: AuditCase, tensors: Sequence[Tensor]) -> str:
    pairs = zip(case.steps, tensors, strict=True)
    leaves = [leaf for step, tensor in pairs for leaf in step_leaves(tensor, step.position)]
    return root_hash(leaves).hex()
