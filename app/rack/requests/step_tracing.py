"""Where each step's time went, told as events of a request that is traced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.core.errors import ShardloomError
from app.core.model import ModelManifest
from app.pipeline.attempt import Attempt
from app.pipeline.step_outcomes import StepOutcome
from app.pipeline.tracing.step_trace import StepTracer
from app.rack.events.request_events import StepTraced
from app.rack.requests.request import Request
from app.rack.requests.workplace import Workplace

FIRST_PINGS: Final = 5
PING_INTERVAL_S: Final = 1.0


@asynccontextmanager
async def step_tracing(
    request: Request, attempt: Attempt, model: ModelManifest, workplace: Workplace
) -> AsyncIterator[None]:
    """Trace an attempt's steps where its request wants that; the phones' clocks are read meanwhile.

    Steps that come to an end after the block are told of too.
    """
    if not request.traced:
        yield
        return
    tracer = StepTracer(
        attempt.transaction,
        attempt.stages,
        model.hidden_size,
        attempt.terms.boundary,
        workplace.clock,
    )

    def hear(outcome: StepOutcome) -> None:
        request.log.add(workplace.clock.monotonic_s(), StepTraced(tracer.trace(outcome)))

    attempt.outcomes.hear = hear
    for _ in range(FIRST_PINGS):
        await _read_clocks(tracer)
    watches = workplace.nursery.child()
    watches.watch(lambda: _read_clocks(tracer), "clocks of phones", PING_INTERVAL_S)
    try:
        yield
    finally:
        await watches.close()


async def _read_clocks(tracer: StepTracer) -> None:
    """Ask all phones at once; one that does not answer is found out by others."""
    asked = (tracer.read_clock(stage) for stage in tracer.stages)
    for outcome in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, ShardloomError):
            raise outcome
