"""Streams that decode side by side over stages, and where a token's time goes."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.benchmarks.stages.loopback_ring import LoopbackStage
from app.core.clock import SystemClock
from app.core.identifiers import TransactionId
from app.core.nursery import Nursery
from app.pipeline.attempt import Attempt
from app.pipeline.groups import ComputeAndHop
from app.pipeline.opening_stages.attempt_terms import AttemptTerms
from app.pipeline.results import TokenResult
from app.pipeline.slots import SlotPool
from app.pipeline.step_limits import StepPace
from workers.protocol.commands import SignedTerms

PROMPT = tuple(range(100, 116))
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Decoded:
    """What the streams gave; times are means over the tokens of all streams."""

    tokens: frozenset[tuple[int, ...]]
    tokens_per_second: float
    token_ms: float
    """From sending a token to having the next."""
    run_ms: float
    """Of that, inside onnxruntime, all stages together."""
    crossings: float
    """Messages a token waits for: from stage to stage, and the host's once in a while."""

    @property
    def hop_us(self) -> float:
        """What a crossing costs besides onnxruntime, with nothing else in flight."""
        return (self.token_ms - self.run_ms) * 1000 / self.crossings


async def decode_streams(ring: Sequence[LoopbackStage], streams: int, tokens: int) -> Decoded:
    """Prefill every stream, then decode that many tokens in each at once."""
    stages = tuple(each.stage for each in ring)
    nursery = Nursery(SystemClock())
    pool = SlotPool(ring[0].shape.slots, len(stages), stages[0].client, nursery)
    attempts = [await _attempt(ring, pool) for _ in range(streams)]
    first = [await attempt.prefill(PROMPT, 1) for attempt in attempts]
    started_s = time.perf_counter()
    results = await asyncio.gather(
        *(_decode(attempt, result, tokens) for attempt, result in zip(attempts, first, strict=True))
    )
    elapsed_s = time.perf_counter() - started_s
    from_host = sum(not step.by_ring for attempt in attempts for step in attempt.steps[1:])
    for attempt in attempts:
        await attempt.close()
    timings = [timing for run in results for result in run[1:] for timing in result.timings]
    return Decoded(
        tokens=frozenset(tuple(result.token for result in run) for run in results),
        tokens_per_second=streams * tokens / elapsed_s,
        token_ms=elapsed_s * 1000 / tokens,
        run_ms=sum(timing.run_ms for timing in timings) / (streams * tokens),
        crossings=len(stages) + from_host / (streams * tokens),
    )


NO_LEDGER: Final = SignedTerms("0" * 64, "0" * 64, "0" * 64, 1, "0" * 64)
"""What nobody journals."""


async def _attempt(ring: Sequence[LoopbackStage], pool: SlotPool) -> Attempt:
    transaction = TransactionId(f"bench-{next(_numbers)}")
    stages = tuple(each.stage for each in ring)
    seat = await pool.take()
    pace = StepPace([ComputeAndHop(0.0, 0.0)] * len(stages), patience=1.0)
    terms = AttemptTerms(ring[-1].shape.vocabulary_size, pace, closed=True)
    attempt = Attempt(transaction, stages, seat, terms, SystemClock(), NO_LEDGER)
    await attempt.open()
    return attempt


async def _decode(attempt: Attempt, first: TokenResult, tokens: int) -> list[TokenResult]:
    results = [first]
    try:
        while len(results) <= tokens:
            number = len(results) + 1
            more = tokens + 1 - number
            results.append(await attempt.decode(results[-1].token, number, more))
    finally:
        attempt.leave_group()
    return results
