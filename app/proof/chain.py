"""Re-executing a whole attempt from its tokens: for text that not every stage has signed for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.core.errors import WorkerError, reason_of
from app.proof.rounding import WRONG_ABOVE, answer_share
from app.proof.stage_parts import OpenEngine, StagePart, StageParts, open_shard
from app.proof.tokens import token_stands
from app.proof.tolerance import answer_deviation
from workers.engine.engine import ShardEngine, SpanShape
from workers.engine.hidden import sent_form
from workers.errors import ReportedError as EngineFailure
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import UNSTEERED, SamplingRule, Steering, steered
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class ChainShard:
    """One shard of the chain, in ring order."""

    graph_path: Path
    shape: SpanShape
    parts: tuple[StagePart, ...] = ()
    """The same part by part; only of a quantised model."""


@dataclass(frozen=True)
class ChainStep:
    """Token rows fed in one step, and what came of it: a token, a vector `[1, numbers]`, None."""

    position: int
    inputs: Tensor
    """`i8 [1, tokens]`, or the pixels in their place."""
    answer: int | Tensor | None
    steering: Steering = UNSTEERED
    """What a token was to be chosen by besides the rule."""


def good_answers(
    shards: Sequence[ChainShard],
    steps: Sequence[ChainStep],
    sampling: SamplingRule,
    threads: int,
    boundary: Boundary = Boundary.F32,
    *,
    rounded_otherwise: bool = False,
    open_engine: OpenEngine = open_shard,
) -> int:
    """Return how many of the steps' answers stand, counted up to the first that does not.

    Every step is run through all shards from its tokens; a token stands where the last row's
    logits choose it, or come within the numerical tolerance of choosing it; a vector where it is
    within the tolerance. Where a phone may have rounded otherwise than this machine, all stand that
    its rounding could still explain (`app.proof.rounding`).
    Raises `app.core.errors.WorkerError` where the shards cannot be run on this machine.
    """
    try:
        if rounded_otherwise and all(shard.parts for shard in shards):
            parts = [part for shard in shards for part in shard.parts]
            stage = StageParts(parts, threads, boundary, open_engine)
            return _count_explained(stage, steps, sampling)
        engines = [open_engine(shard.graph_path, shard.shape, threads) for shard in shards]
        return _count_good(engines, steps, sampling, boundary)
    except EngineFailure as error:
        raise WorkerError("audit.text_unchecked", reason=reason_of(error)) from error


def _count_good(
    engines: Sequence[ShardEngine],
    steps: Sequence[ChainStep],
    sampling: SamplingRule,
    boundary: Boundary,
) -> int:
    good = 0
    for step in steps:
        rows = step.inputs
        for engine in engines:
            rows = engine.run_in_place(0, step.position, rows)
            if not engine.shape.has_head:
                rows = sent_form(rows, boundary)
        if step.answer is None:
            continue
        if not _stands(step, rows, steered(sampling, step.steering)):
            return good
        good += 1
    return good


def _count_explained(stage: StageParts, steps: Sequence[ChainStep], sampling: SamplingRule) -> int:
    good = 0
    for step in steps:
        rows = stage.run(step.position, step.inputs)
        if step.answer is None:
            continue
        claimed = np.atleast_1d(np.asarray(step.answer))
        rule = steered(sampling, step.steering)
        if answer_share(stage, rows, claimed, rule) > WRONG_ABOVE:
            return good
        good += 1
    return good


def _stands(step: ChainStep, outputs: Tensor, sampling: SamplingRule) -> bool:
    if isinstance(step.answer, np.ndarray):
        return answer_deviation(step.answer, outputs) <= 1
    position = step.position + step.inputs.shape[1]
    return step.answer is not None and token_stands(outputs[0], step.answer, sampling, position)
