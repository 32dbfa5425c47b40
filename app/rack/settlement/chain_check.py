"""Re-executing a whole attempt step by step, where not every stage can be audited."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.proof.chain import ChainShard, ChainStep, good_answers
from app.proof.stage_parts import OpenEngine
from app.rack.settlement.audit_cases import AUDIT_THREADS, parts_of
from app.rack.settlement.concluded import ConcludedAttempt
from workers.engine.processor import numerical_class
from workers.identity.answer_leaf import chosen_token
from workers.protocol.wire import Tensor


def good_by_chain(attempt: ConcludedAttempt, store: Path, open_engine: OpenEngine) -> int:
    """Return how many of an attempt's answers stand where each step is run again by itself."""
    shards = [
        ChainShard(
            store / span.shard.graph.sha256, replace(span.shape, slots=1), parts_of(span, store)
        )
        for span in attempt.spans
    ]
    steps = [
        ChainStep(step.position, step.inputs, _answer_alone(attempt, answer), step.steering)
        for step, answer in zip(attempt.steps, attempt.answers_by_step, strict=False)
    ]
    return good_answers(
        shards,
        steps,
        attempt.sampling,
        AUDIT_THREADS,
        attempt.boundary,
        rounded_otherwise=any(
            named != numerical_class(AUDIT_THREADS) for named in attempt.classes.values()
        ),
        open_engine=open_engine,
    )


def _answer_alone(attempt: ConcludedAttempt, answer: Tensor | None) -> int | Tensor | None:
    """Return the token without what was told of it, or the vector."""
    if answer is None or attempt.spans[-1].shape.answer_size:
        return answer
    return chosen_token(answer)
