"""Waiting for what becomes of an attempt's steps, and holding each phone to what it may say."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.clock import Clock
from app.core.errors import ShardloomError, reason_told
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.pipeline.failures import (
    DisputedRowsError,
    OffenceError,
    RunChangedError,
    StageFailedError,
    StepLostError,
)
from app.pipeline.listening import LOOK_INTERVAL_S, Silence
from app.pipeline.mailbox import Mailbox
from app.pipeline.prompts.step_record import StepRecord
from app.pipeline.results import timings_of
from app.pipeline.ring_messages import StepAnswer
from app.pipeline.stage import Stage
from app.pipeline.step_limits import StepLimits, StepPace
from workers.errors import BoundaryOverflowError, NotFiniteError, StepMissingError
from workers.errors import UnusableRowsError as RowsRefused
from workers.protocol.boundary import Boundary
from workers.protocol.told import Broken, ToldToken

UNASKED: Final = "rows.unasked"
"""The first stage's reason where the last sends it a step that the host did not allow."""


@dataclass(frozen=True)
class StepOutcome:
    """What the last stage says of a step, and how long that took since the step was sent."""

    record: StepRecord
    answer: StepAnswer
    step_s: float
    sent_s: float
    """When it was sent, monotonic; of one that the ring began when that was heard of."""
    heard_s: float


@dataclass(frozen=True)
class _UnderWay:
    record: StepRecord
    since_sent: Silence
    sent_s: float
    together: int
    """How many steps went in one message with it, itself included."""


class StepOutcomes:
    """The steps of one attempt that are under way, oldest first. Lives on the service loop."""

    def __init__(
        self,
        transaction: TransactionId,
        stages: Sequence[Stage],
        boundary: Boundary,
        pace: StepPace,
        clock: Clock,
    ) -> None:
        self.mailbox = Mailbox(clock)
        self.offences: dict[Serial, Fact] = {}
        """Stages that said what they may not say."""
        self.most_drafts = 0
        """How many drafts may go with a token: the ring alone knows how many did."""
        self.hear: Callable[[StepOutcome], object] | None = None
        """Hears of each step that came to an end."""
        self._transaction = transaction
        self._stages = tuple(stages)
        self._serials = tuple(stage.serial for stage in stages)
        self._boundary = boundary
        self._pace = pace
        self._clock = clock
        self._under_way: deque[_UnderWay] = deque()

    @property
    def under_way(self) -> int:
        """How many steps were sent and have not come to an end."""
        return len(self._under_way)

    def expect(self, record: StepRecord, together: int = 1) -> None:
        """Count on an outcome of a step that is sent now, so many in one message."""
        since_sent, now_s = Silence(self._clock), self._clock.monotonic_s()
        self._under_way.append(_UnderWay(record, since_sent, now_s, together))
        self._note_pace()

    def expect_none(self) -> None:
        """Wait for none of the steps any more."""
        self._under_way.clear()
        self._pace.end(self._transaction)

    async def next(self) -> StepOutcome:
        """Wait for what the last stage says of the oldest step under way.

        Raises what ends the attempt: a phone failed, offended or is stuck, or the step was lost.
        Nothing is waited for after that.
        """
        try:
            return await self._next()
        except ShardloomError:
            self.expect_none()
            raise

    async def _next(self) -> StepOutcome:
        record, together = self._under_way[0].record, self._under_way[0].together
        silence, idle = Silence(self._clock), Silence(self._clock)
        while True:
            letter = await self.mailbox.next(LOOK_INTERVAL_S)
            self._raise_if_offended()
            for step in self._under_way:
                step.since_sent.look()
            if letter is None:
                self._raise_if_lost()
                self._raise_if_late(
                    self._pace.limits(self._rows_of(record, together)), silence, idle
                )
            elif isinstance(letter.message, Broken):
                raise self._broken(letter.sender, letter.message, record)
            else:
                self._check_answer(letter.sender, letter.message.row, record)
                return self._ended(letter.message, letter.heard_s)

    def _ended(self, answer: StepAnswer, heard_s: float) -> StepOutcome:
        step = self._under_way.popleft()
        record, step_s = step.record, step.since_sent.seconds
        self._note_pace()
        computed_s = [
            (self._serials.index(each.serial), each.compute_ms / 1000)
            for each in timings_of(answer, self._serials)
        ]
        if not answer.by_draft:
            self._pace.step_took(len(record.tokens), step_s, computed_s)
        outcome = StepOutcome(record, answer, step_s, step.sent_s, heard_s)
        if self.hear is not None:
            self.hear(outcome)
        return outcome

    def _rows_of(self, record: StepRecord, together: int = 1) -> int:
        """Return how many rows a stage may have to compute before one of so many steps goes on."""
        return len(record.tokens) * together + (self.most_drafts if record.wants_token else 0)

    def _note_pace(self) -> None:
        """Tell what stages may be computing for this attempt."""
        if self._under_way:
            largest = max(self._rows_of(step.record, step.together) for step in self._under_way)
            together = sum(self._rows_of(step.record) for step in self._under_way)
            self._pace.begin(self._transaction, largest, together)

    def _check_answer(self, sender: Serial, row: ToldToken, record: StepRecord) -> None:
        """Raise `OffenceError` where this is not the last stage's answer to that step."""
        if sender != self._stages[-1].serial:
            raise self.offence(sender, Fact("offence.answered_for_the_last"))
        if (row.step, row.generated) != (record.step, record.generated):
            raise self.offence(sender, Fact("offence.answered_for_another_step"))
        if not record.wants_token and row.token is not None:
            raise self.offence(sender, Fact("offence.unwanted_token"))

    def _broken(self, sender: Serial, said: Broken, record: StepRecord) -> ShardloomError:
        """Return what a stage's complaint means; it speaks for nobody but itself."""
        if said.serial != sender:
            return self.offence(sender, Fact("offence.spoke_for_another"))
        code, reason = said.code, reason_told(said.reason, said.fields)
        stage = self._serials.index(sender)
        before = self._serials[stage - 1] if stage > 0 or record.by_ring else sender
        if code == StepMissingError.code and self.under_way > 1:
            return StepLostError("stage.step_missing", phone=sender, reason=reason)
        if said.reason == UNASKED and stage == 0 and before != sender:
            return RunChangedError("stage.run_changed")
        if code in (RowsRefused.code, StepMissingError.code) and before != sender:
            return DisputedRowsError(before, sender, reason)
        if code == NotFiniteError.code:
            return ShardloomError("stage.numbers_without_bounds", phone=sender)
        if code == BoundaryOverflowError.code and self._boundary is Boundary.F16:
            return ShardloomError("stage.beyond_float16")
        if not reason:
            return StageFailedError("stage.cannot_go_on", phone=sender)
        return StageFailedError("stage.cannot_go_on_because", phone=sender, reason=reason)

    def offence(self, serial: Serial, offence: Fact) -> OffenceError:
        """Note what a phone said, and return the error that ends the attempt for it."""
        self.offences[serial] = offence
        return OffenceError("stage.offended", phone=serial, offence=offence)

    def _raise_if_offended(self) -> None:
        for stage in self._stages:
            offence, stage.client.offence = stage.client.offence, None
            if offence is not None:
                raise self.offence(stage.serial, offence)

    def _raise_if_lost(self) -> None:
        for stage in self._stages:
            if stage.client.lost:
                raise StageFailedError("phone.stopped_answering", phone=stage.serial)

    def _raise_if_one_hangs(self) -> None:
        """Go on without a phone that tells nothing of itself while a step is overdue."""
        for stage in self._stages:
            if stage.client.hangs:
                raise StageFailedError("phone.stopped_answering", phone=stage.serial)

    def _raise_if_late(self, limits: StepLimits, silence: Silence, idle: Silence) -> None:
        for stage, limit_s in zip(self._stages, limits.stages_s, strict=True):
            if stage.client.working_s > limit_s:
                raise StageFailedError("stage.late", phone=stage.serial, limit=limit_s)
        if any(stage.client.at_work for stage in self._stages):
            idle.end()
        for waited, limit_s in ((silence, limits.total_s), (idle, limits.idle_s)):
            if waited.look() > limit_s:
                raise self._stuck(limit_s)
        if silence.seconds > limits.overdue_s:
            self._raise_if_one_hangs()

    def _stuck(self, limit_s: float) -> StageFailedError:
        slowest = max(self._stages, key=lambda stage: stage.client.busy_ms).client
        error = StageFailedError if slowest.busy_ms else StepLostError
        return error("stage.late", phone=slowest.serial, limit=limit_s)
