"""What a verdict holds so that anybody may repeat the audit, as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.proof.answers.figures import FIGURES_TOLERANCE
from app.proof.case import AuditCase, AuditStep
from app.proof.execution import Reexecution, claimed_tensor
from app.proof.tolerance import ABSOLUTE_TOLERANCE, ANSWER_TOLERANCE, RELATIVE_TOLERANCE
from workers.identity.answer_leaf import chosen_token, is_answer_leaf
from workers.identity.merkle import root_hash
from workers.identity.transcript import step_leaves
from workers.protocol.bounds import MAXIMUM_VOCABULARY
from workers.protocol.wire import Tensor


def circumstances(case: AuditCase) -> dict[str, Any]:
    """Return what was audited, and by which rules."""
    return {
        "receipt": asdict(case.receipt),
        "sampling": asdict(case.sampling),
        "alternatives": case.alternatives,
        "threads": case.threads,
        "host_class": case.host_class,
        "registered_class": case.registered_class,
        "boundary": case.boundary.value,
        "relative_tolerance": RELATIVE_TOLERANCE,
        "absolute_tolerance": ABSOLUTE_TOLERANCE,
        "answer_tolerance": ANSWER_TOLERANCE,
        "figures_tolerance": FIGURES_TOLERANCE,
    }


def bad_step(case: AuditCase, step: AuditStep, result: Reexecution) -> dict[str, Any]:
    """Return what is wrong with a step, and what should have come of it."""
    found: dict[str, Any] = {"position": step.position, "deviation": result.deviation}
    committed = result.committed
    if case.shape.has_head and step.wants_token and not case.shape.answer_size:
        claimed = claimed_tensor(step, case.shape)
        found |= {"expected": _told(committed), "claimed": _told(claimed)}
        if step.steering:
            found["allowed"] = step.steering.allowed.hex()
            found["added"] = [list(each) for each in step.steering.added]
            found["repeated"] = list(step.steering.repeated)
            found["repetition"] = step.steering.repetition
    else:
        found["expected_leaves_root"] = root_hash(step_leaves(committed, step.position)).hex()
    return {"first_bad": found}


def _told(leaf: Tensor | None) -> dict[str, Any] | None:
    """Return a token and the figures committed to with it; None for what is no such thing."""
    if leaf is None or not is_answer_leaf(leaf, MAXIMUM_VOCABULARY):
        return None
    figures = [float(figure) for figure in leaf[:, 1]]
    return {
        "token": chosen_token(leaf),
        "log_probability": figures[0],
        "alternatives": list(zip(map(int, leaf[1:, 0]), figures[1:], strict=True)),
    }
