"""Where a step's time went, at each stage and on each hop, all on this computer's clock.

What phones tell of their time is their own word. It is put between the moments that this computer
knows: no stage begins before the one in front of it was done, and none ends after the outcome came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.clock import Clock
from app.core.identifiers import TransactionId
from app.pipeline.stage import Stage
from app.pipeline.step_outcomes import StepOutcome
from app.pipeline.tracing.step_times import StageTrace, StepTrace
from workers.protocol.boundary import Boundary
from workers.protocol.commands import Ping
from workers.protocol.step_message import TraceEntry, frame_bytes
from workers.protocol.wire import DTYPES

_TOKEN_BYTES = DTYPES["i8"].itemsize
_US_PER_S = 1_000_000


@dataclass
class StepTracer:
    """Makes the traces of one attempt's steps. Lives on the service loop."""

    transaction: TransactionId
    stages: Sequence[Stage]
    hidden_size: int
    boundary: Boundary
    clock: Clock
    _left_last_s: float | None = None

    async def read_clock(self, stage: Stage) -> None:
        """Ask a phone what its clock shows. Raises what `WorkerClient.call` does."""
        asked_s = self.clock.monotonic_s()
        pong = await stage.client.call(Ping())
        stage.client.time.note(asked_s, pong.clock_us, self.clock.monotonic_s())

    def trace(self, outcome: StepOutcome) -> StepTrace:
        """Return where the time of a step went that came to its end."""
        record, answer = outcome.record, outcome.answer
        begun_s = outcome.sent_s
        if answer.by_draft:
            begun_s = outcome.heard_s
        elif record.by_ring and self._left_last_s is not None:
            begun_s = self._left_last_s
        told = () if answer.by_draft else answer.trace
        stages, left_s = [], begun_s
        for number, timing in enumerate(_in_order(told, len(self.stages))):
            received = frame_bytes(answer.rows, number, self._tensor_bytes(outcome, number))
            part = self._part(timing, received, left_s, outcome.heard_s)
            stages.append(part)
            left_s = part.sent_s
        if stages:
            self._left_last_s = stages[-1].computed_s
        return StepTrace(
            self.transaction,
            record.step,
            record.position,
            len(record.tokens) + answer.drafts,
            record.generated,
            answer.rows,
            record.by_ring,
            begun_s,
            tuple(stages),
            answer.size_bytes,
            outcome.heard_s,
        )

    def _tensor_bytes(self, outcome: StepOutcome, stage: int) -> int:
        numbers = outcome.answer.rows * (len(outcome.record.tokens) + outcome.answer.drafts)
        if stage == 0:
            return numbers * _TOKEN_BYTES
        return numbers * self.hidden_size * DTYPES[self.boundary.value].itemsize

    def _part(self, timing: TraceEntry, received: int, left_s: float, heard_s: float) -> StageTrace:
        stage = self.stages[timing.stage]
        reading = stage.client.time.best(heard_s)
        told_s = left_s if reading is None else timing.arrived_us / _US_PER_S + reading.offset_s
        arrived_s = _between(left_s, told_s, heard_s)
        begun_s = min(arrived_s + timing.queue_us / _US_PER_S, heard_s)
        computed_s = min(begun_s + timing.compute_us / _US_PER_S, heard_s)
        return StageTrace(
            serial=stage.serial,
            clock_us=timing.arrived_us,
            received_bytes=received,
            left_s=left_s,
            idle_s=timing.idle_us / _US_PER_S,
            arrived_s=arrived_s,
            begun_s=begun_s,
            engine_s=min(timing.run_us / _US_PER_S, computed_s - begun_s),
            computed_s=computed_s,
            sent_s=min(computed_s + timing.send_us / _US_PER_S, heard_s),
            clock_error_s=heard_s - left_s if reading is None else reading.error_at(heard_s),
        )


def _in_order(trace: Sequence[TraceEntry], stages: int) -> Sequence[TraceEntry]:
    """Return what stages told of themselves up to the first that is not the one in turn."""
    told = []
    for number, timing in enumerate(trace[:stages]):
        if timing.stage != number:
            break
        told.append(timing)
    return told


def _between(low: float, value: float, high: float) -> float:
    return max(low, min(value, high))
