"""One attempt at a request: a transaction opened on every stage of one assignment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import numpy as np

from app.core.assignment import RUN_TOKENS, run_tokens
from app.core.clock import Clock
from app.core.errors import (
    PhoneLostError,
    ShardloomError,
    WorkerError,
    reason_of,
    reason_told,
)
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.pipeline.failures import (
    AnswerError,
    OffenceError,
    StageFailedError,
    StepLostError,
    UnusableRowsError,
)
from app.pipeline.listening import LOOK_INTERVAL_S, Silence
from app.pipeline.mailbox import Mailbox
from app.pipeline.results import (
    TokenResult,
    VectorResult,
    timings_of,
    token_result,
    vector_result,
)
from app.pipeline.ring_messages import StepAnswer
from app.pipeline.slots import Seat
from app.pipeline.step_limits import Pace, StepLimits
from app.pipeline.worker_client import WorkerClient
from workers.errors import BoundaryOverflowError, NotFiniteError
from workers.errors import UnusableRowsError as RowsRefused
from workers.protocol.boundary import Boundary
from workers.protocol.commands import Close, NextHop, Open
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.step_message import StepRow
from workers.protocol.told import Broken, ToldToken
from workers.protocol.wire import Tensor

PREFILL_CHUNK_TOKENS = 64
CLOSE_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Stage:
    """A worker and the span loaded on it."""

    client: WorkerClient
    span: str

    @property
    def serial(self) -> Serial:
        """The phone's serial."""
        return self.client.serial


@dataclass(frozen=True)
class StepRecord:
    """A step as the host sent it, or knows of it: what the first stage must have received."""

    step: int
    position: int
    tokens: tuple[int, ...]
    wants_token: bool
    generated: int
    by_ring: bool = False
    """Whether the last stage sent it to the first, and not the host."""


@dataclass(frozen=True)
class AttemptTerms:
    """How tokens are chosen and told, and what the ring may do by itself."""

    vocabulary_size: int
    pace: Pace
    sampling: SamplingRule = field(default_factory=SamplingRule)
    boundary: Boundary = Boundary.F32
    alternatives: int = 0
    """How many of the likeliest tokens are told with each one chosen."""
    end_tokens: frozenset[int] = frozenset()
    closed: bool = False
    """Whether the last stage feeds the first, so that several tokens are decoded on end."""


class Attempt:
    """Drives one transaction round the ring. Lives on the service loop."""

    def __init__(
        self,
        transaction: TransactionId,
        stages: Sequence[Stage],
        seat: Seat,
        terms: AttemptTerms,
        clock: Clock,
    ) -> None:
        self.transaction = transaction
        self.stages = tuple(stages)
        self.terms = terms
        self._seat = seat
        self.steps: list[StepRecord] = []
        self.answers: list[int | Tensor] = []
        """Tokens generated in this attempt, or the one vector `[1, numbers]` that answers."""
        self.completed_steps = 0
        """How many steps came to an end, so that every stage has done them."""
        self.offences: dict[Serial, Fact] = {}
        """Stages that said what they may not say."""
        self._serials = tuple(stage.serial for stage in self.stages)
        self._clock = clock
        self._pace = terms.pace
        self._position = 0
        self._run_tokens = RUN_TOKENS
        self._on_its_way: StepRecord | None = None
        self._ahead = 0
        self._mailbox = Mailbox(clock)

    async def open(self) -> None:
        """Open the transaction on every stage, last first, so that no step finds a door shut."""
        for stage in self.stages:
            stage.client.listen_to(self.transaction, self._mailbox)
        await asyncio.gather(*(self._open_stage(index) for index in range(len(self.stages))))

    async def _open_stage(self, index: int) -> None:
        stage = self.stages[index]
        is_last = index + 1 == len(self.stages)
        previous = self.stages[index - 1].client.address.public_key
        try:
            await stage.client.call(
                Open(
                    transaction=self.transaction,
                    span=stage.span,
                    stage=index,
                    slot=self._seat.slot,
                    sampling=self.terms.sampling,
                    alternatives=self.terms.alternatives,
                    boundary=self.terms.boundary,
                    next=None if is_last else self._hop(stage, index + 1),
                    first=self._hop(stage, 0) if is_last and self.terms.closed else None,
                    end_tokens=tuple(sorted(self.terms.end_tokens)) if is_last else (),
                    previous=previous if index > 0 or self.terms.closed else None,
                )
            )
        except (PhoneLostError, WorkerError) as error:
            raise StageFailedError(
                "stage.refused_request", phone=stage.serial, reason=reason_of(error)
            ) from None

    def _hop(self, stage: Stage, index: int) -> NextHop:
        address = self.stages[index].client.address
        return NextHop(stage.client.endpoint_of(address), address.public_key)

    async def prefill(self, tokens: Sequence[int], generated: int) -> TokenResult:
        """Feed a prompt in chunks and return the token that follows it.

        `generated` is the 1-based number of that token in the request.
        """
        result = self._token(await self._feed(tokens, generated, PREFILL_CHUNK_TOKENS))
        if result.goes_on:
            raise self._unasked()
        return result

    async def answer(self, tokens: Sequence[int], numbers: int, *, whole: bool) -> VectorResult:
        """Feed a text, in one step where it has to go `whole`, and return its vector."""
        chunk_tokens = len(tokens) if whole else PREFILL_CHUNK_TOKENS
        told = await self._feed(tokens, 1, chunk_tokens)
        with self._reading():
            result = vector_result(told, numbers, self._serials)
        self.answers.append(result.vector)
        return result

    async def _feed(self, tokens: Sequence[int], generated: int, chunk_tokens: int) -> StepAnswer:
        """Send a text in chunks and return what came of the last."""
        answer: StepAnswer | None = None
        for start in range(0, len(tokens), chunk_tokens):
            chunk = tuple(tokens[start : start + chunk_tokens])
            last = start + len(chunk) == len(tokens)
            record = self._record(chunk, generated if last else 0)
            await self._send_alone(record)
            answer = await self._outcome(record)
        if answer is None:
            raise ShardloomError("stage.no_prompt")
        return answer

    async def decode(self, token: int, generated: int, more: int = 0) -> TokenResult:
        """Feed one token, together with the others of its group, and return the next.

        Where up to `more` tokens are wanted after that one the ring begins them by itself; the
        next calls return them.
        """
        record = self._on_its_way or await self._send_with_group(token, generated, more)
        return await self._result(record)

    async def _result(self, record: StepRecord) -> TokenResult:
        started_s = self._clock.monotonic_s()
        try:
            result = self._token(await self._outcome(record))
            self._on_its_way = self._next_by_itself(record, result)
        except ShardloomError:
            self._on_its_way = None
            raise
        step_s = self._clock.monotonic_s() - started_s
        computed_s = sum(timing.compute_ms for timing in result.timings) / 1000
        self._run_tokens = run_tokens(max(step_s, computed_s))
        return result

    @property
    def under_way(self) -> bool:
        """Whether the ring decodes a token that `decode` has not returned yet."""
        return self._on_its_way is not None

    async def drain(self) -> None:
        """Wait for the tokens that the ring decodes though nobody wants them any more."""
        with suppress(ShardloomError):
            while self._on_its_way is not None:
                await self._result(self._on_its_way)

    async def _send_with_group(self, token: int, generated: int, more: int) -> StepRecord:
        record = self._record((token,), generated)
        ahead = min(more, self._run_tokens - 1) if self.terms.closed else 0
        group = self._seat.group
        group.join(self.transaction)
        await group.send(
            self.transaction, self._row(record, ahead), token, lambda: self._sent(record, ahead)
        )
        return record

    def _sent(self, record: StepRecord, ahead: int) -> None:
        self.steps.append(record)
        self._on_its_way, self._ahead = record, ahead

    def _next_by_itself(self, record: StepRecord, result: TokenResult) -> StepRecord | None:
        """Return the step that the last stage says it began; none where it did not."""
        if not result.goes_on:
            return None
        if self._ahead == 0:
            raise self._unasked()
        self._ahead -= 1
        following = replace(self._record((result.token,), record.generated + 1), by_ring=True)
        self.steps.append(following)
        return following

    def leave_group(self) -> None:
        """Let the others of the group go on without this attempt."""
        self._seat.group.leave(self.transaction)

    def _record(self, tokens: tuple[int, ...], generated: int) -> StepRecord:
        """Return the next step; `generated` 0 asks for no token."""
        self._pace.begin(self.transaction, len(tokens))
        return StepRecord(len(self.steps), self._position, tokens, generated > 0, generated)

    def _row(self, record: StepRecord, ahead: int = 0) -> StepRow:
        return StepRow(
            self.transaction,
            record.step,
            record.position,
            record.wants_token,
            record.generated,
            ahead,
        )

    async def _send_alone(self, record: StepRecord) -> None:
        self.steps.append(record)
        tokens = np.array([record.tokens], dtype="<i8")
        await self.stages[0].client.send_step([self._row(record)], tokens)

    def _token(self, answer: StepAnswer) -> TokenResult:
        terms = self.terms
        with self._reading():
            result = token_result(answer, terms.vocabulary_size, terms.alternatives, self._serials)
        self.answers.append(result.token)
        return result

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Hold the last stage to what it answers with."""
        try:
            yield
        except AnswerError as error:
            offence = Fact("offence.answered_wrongly", reason=reason_of(error))
            raise self._offence(self.stages[-1].serial, offence) from None

    def _unasked(self) -> OffenceError:
        return self._offence(self.stages[-1].serial, Fact("offence.goes_on_unasked"))

    def _offence(self, serial: Serial, offence: Fact) -> OffenceError:
        self.offences[serial] = offence
        return OffenceError("stage.offended", phone=serial, offence=offence)

    async def _outcome(self, record: StepRecord) -> StepAnswer:
        """Wait for what the last stage says of a step."""
        silence, idle = Silence(self._clock), Silence(self._clock)
        while True:
            letter = await self._mailbox.next(LOOK_INTERVAL_S)
            self._raise_if_offended()
            if letter is None:
                self._raise_if_lost()
                self._raise_if_late(self._pace.limits(len(record.tokens)), silence, idle)
            elif isinstance(letter.message, Broken):
                raise self._broken(letter.sender, letter.message, record)
            else:
                self._check_answer(letter.sender, letter.message.row, record)
                self._came_to_an_end(record, letter.message, silence.look())
                return letter.message

    def _check_answer(self, sender: Serial, row: ToldToken, record: StepRecord) -> None:
        """Raise `OffenceError` where this is not the last stage's answer to that step."""
        if sender != self.stages[-1].serial:
            raise self._offence(sender, Fact("offence.answered_for_the_last"))
        if (row.step, row.generated) != (record.step, record.generated):
            raise self._offence(sender, Fact("offence.answered_for_another_step"))
        if not record.wants_token and row.token is not None:
            raise self._offence(sender, Fact("offence.unwanted_token"))

    def _came_to_an_end(self, record: StepRecord, answer: StepAnswer, step_s: float) -> None:
        self._position += len(record.tokens)
        self.completed_steps = record.step + 1
        computed_s = [
            (self._serials.index(each.serial), each.compute_ms / 1000)
            for each in timings_of(answer, self._serials)
        ]
        self._pace.step_took(len(record.tokens), step_s, computed_s)

    def _broken(self, sender: Serial, said: Broken, record: StepRecord) -> ShardloomError:
        """Return what a stage's complaint means; it speaks for nobody but itself."""
        if said.serial != sender:
            return self._offence(sender, Fact("offence.spoke_for_another"))
        code, reason = said.code, reason_told(said.reason, said.fields)
        stage = self._serials.index(sender)
        before = self._serials[stage - 1] if stage > 0 or record.by_ring else sender
        if code == RowsRefused.code and before != sender:
            return UnusableRowsError(before, sender, reason)
        if code == NotFiniteError.code:
            return ShardloomError("stage.numbers_without_bounds", phone=sender)
        if code == BoundaryOverflowError.code and self.terms.boundary is Boundary.F16:
            return ShardloomError("stage.beyond_float16")
        if not reason:
            return StageFailedError("stage.cannot_go_on", phone=sender)
        return StageFailedError("stage.cannot_go_on_because", phone=sender, reason=reason)

    def _raise_if_offended(self) -> None:
        for stage in self.stages:
            offence, stage.client.offence = stage.client.offence, None
            if offence is not None:
                raise self._offence(stage.serial, offence)

    def _raise_if_lost(self) -> None:
        for stage in self.stages:
            if stage.client.lost:
                raise StageFailedError("phone.stopped_answering", phone=stage.serial)

    def _raise_if_late(self, limits: StepLimits, silence: Silence, idle: Silence) -> None:
        for stage, limit_s in zip(self.stages, limits.stages_s, strict=True):
            if stage.client.working_s > limit_s:
                raise StageFailedError("stage.late", phone=stage.serial, limit=limit_s)
        if any(stage.client.at_work for stage in self.stages):
            idle.end()
        for waited, limit_s in ((silence, limits.total_s), (idle, limits.idle_s)):
            if waited.look() > limit_s:
                raise self._stuck(limit_s)

    def _stuck(self, limit_s: float) -> StageFailedError:
        slowest = max(self.stages, key=lambda stage: stage.client.busy_ms).client
        error = StageFailedError if slowest.busy_ms else StepLostError
        return error("stage.late", phone=slowest.serial, limit=limit_s)

    async def close(self) -> None:
        """Free the slot on every stage that still answers."""
        for stage in self.stages:
            stage.client.forget(self.transaction)
        try:
            await asyncio.gather(
                *(
                    stage.client.call(Close(self.transaction), CLOSE_TIMEOUT_S)
                    for stage in self.stages
                    if not stage.client.lost
                ),
                return_exceptions=True,
            )
        finally:
            self._pace.end(self.transaction)
