"""One attempt at a request: a transaction opened on every stage of one assignment."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

import numpy as np

from app.core.assignment import RUN_TOKENS, run_tokens
from app.core.clock import Clock
from app.core.errors import PhoneLostError, ShardloomError, WorkerError, reason_of
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.pipeline.failures import (
    OffenceError,
    RunChangedError,
    StageFailedError,
    WrongAnswerError,
)
from app.pipeline.opening_stages.attempt_terms import AttemptTerms
from app.pipeline.opening_stages.open_command import open_command
from app.pipeline.prompts.cutting import sendings, sizes_around
from app.pipeline.prompts.prefill_window import PrefillWindow
from app.pipeline.prompts.step_record import KeptPrefix, StepRecord
from app.pipeline.results import TokenResult, VectorResult, token_result, vector_result
from app.pipeline.ring_messages import StepAnswer
from app.pipeline.slots import Seat
from app.pipeline.stage import Stage
from app.pipeline.step_outcomes import StepOutcome, StepOutcomes
from workers.engine.sampling import allowed_by
from workers.protocol.commands import Close, SignedTerms, Steer
from workers.protocol.sampling_rule import UNSTEERED, Steering
from workers.protocol.step_message import MAXIMUM_DRAFTS, StepRow
from workers.protocol.wire import Tensor

CLOSE_TIMEOUT_S = 3.0


class Attempt:
    """Drives one transaction round the ring. Lives on the service loop."""

    def __init__(
        self,
        transaction: TransactionId,
        stages: Sequence[Stage],
        seat: Seat,
        terms: AttemptTerms,
        clock: Clock,
        signed_terms: SignedTerms,
    ) -> None:
        """`signed_terms` is what the journal's opening entry says, for stages to sign for."""
        self.transaction = transaction
        self.signed_terms = signed_terms
        self.nonces: dict[Serial, bytes] = {}
        """What each stage drew as it opened the transaction: its receipt names that."""
        self.stages = tuple(stages)
        self.terms = terms
        self.seat = seat
        self.prefix: KeptPrefix | None = None
        """What it began with."""
        self.steps: list[StepRecord] = []
        """Those of the prefix, as another had done them, and its own."""
        self.answers: list[Tensor] = []
        """What the last stage must have committed to: `workers.identity.answer_leaf` of each token
        generated in it, or the one vector `[1, numbers]`."""
        self.completed_steps = 0
        """How many steps came to an end, so that every stage has done them."""
        self.ran_together = False
        """Whether a step of its own may have gone with others' rows."""
        self.outcomes = StepOutcomes(transaction, stages, terms.boundary, terms.pace, clock)
        self.outcomes.most_drafts = 0 if terms.history is None else MAXIMUM_DRAFTS
        self._serials = tuple(stage.serial for stage in stages)
        self._clock = clock
        self._run_tokens = RUN_TOKENS
        self._on_its_way: StepRecord | None = None
        self._ahead = 0
        self._proposed: tuple[int, ...] = ()
        """Drafts that may go behind the newest token."""

    @property
    def _position(self) -> int:
        return self.steps[-1].end if self.steps else 0

    @property
    def done(self) -> tuple[StepRecord, ...]:
        """The steps that every stage has done."""
        return tuple(self.steps[: self.completed_steps])

    @property
    def began(self) -> bool:
        """Whether any step of its own was sent."""
        return len(self.steps) > len(self.prefix.steps if self.prefix else ())

    @property
    def offences(self) -> dict[Serial, Fact]:
        """Stages that said what they may not say, and what that was."""
        return self.outcomes.offences

    @property
    def ancestors(self) -> frozenset[TransactionId]:
        """The transactions whose rows it began with."""
        return self.prefix.lineage if self.prefix else frozenset()

    async def open(self) -> None:
        """Open the transaction on every stage, with the rows it may begin with.

        Where a stage has lost these the others begin without them too.
        """
        for stage in self.stages:
            stage.client.listen_to(self.transaction, self.outcomes.mailbox)
        prefix = self.seat.prefix
        if prefix is None or not await self._open_stages(prefix):
            await self._open_stages(None)
            return
        self.prefix = prefix
        self.steps += prefix.steps
        self.completed_steps = len(prefix.steps)

    async def _open_stages(self, prefix: KeptPrefix | None) -> bool:
        """Return whether all stages opened with these rows; none is open where they did not."""
        opened = await asyncio.gather(
            *(self._open_stage(index, prefix) for index in range(len(self.stages)))
        )
        together = prefix is None or all(opened)
        if not together:
            await self._close_stages(kept_steps=0)
        return together

    async def _open_stage(self, index: int, prefix: KeptPrefix | None) -> bool:
        stage, seat = self.stages[index], replace(self.seat, prefix=prefix)
        command = open_command(
            self.transaction, self.stages, index, seat, self.terms, self.signed_terms
        )
        try:
            opened = await stage.client.call(command)
        except (PhoneLostError, WorkerError) as error:
            raise StageFailedError(
                "stage.refused_request", phone=stage.serial, reason=reason_of(error)
            ) from None
        self.nonces[stage.serial] = opened.nonce
        if opened.resumed and prefix is None:
            raise self._offence(stage.serial, Fact("offence.resumed_unasked"))
        return opened.resumed

    async def prefill(
        self, tokens: Sequence[int], generated: int, steering: Steering = UNSTEERED
    ) -> TokenResult:
        """Feed what is not there yet of a text; return the token that follows it.

        `generated` is the 1-based number of that token in the request, which `steering` is for:
        as many of the last tokens, less one, are of the answer.
        """
        await self._steer(generated, steering)
        sizes = self._sizes(len(tokens), generated - 1)
        result = self._token(await self._feed(tokens, generated, sizes, steering))
        if result.goes_on:
            raise self._unasked()
        return result

    async def read(self, tokens: Sequence[int], answers: int) -> None:
        """Feed what is not there yet of a text that ends in so many answers; ask for nothing."""
        if len(tokens) > self._position:
            await self._feed(tokens, 0, self._sizes(len(tokens), answers))

    def _sizes(self, tokens: int, answers: int) -> list[int]:
        if source := self._source_tokens:
            return [source, *([1] * (tokens - source))]
        chunk, rows = self.terms.chunk_tokens, self.terms.picture_rows
        return sizes_around(rows, tokens, answers, self._position, chunk)

    @property
    def _source_tokens(self) -> int:
        """How many tokens an encoder is still to read, in one step."""
        return 0 if self._position else self.terms.source_tokens

    async def answer(self, tokens: Sequence[int], numbers: int, *, whole: bool) -> VectorResult:
        """Feed a text, in one step where it has to go `whole`, and return its vector."""
        told = await self._feed(tokens, 1, [len(tokens)] if whole else self._sizes(len(tokens), 0))
        with self._reading():
            result = vector_result(told, numbers, self._serials)
        self.answers.append(result.vector)
        return result

    async def _feed(
        self,
        tokens: Sequence[int],
        generated: int,
        sizes: Sequence[int],
        steering: Steering = UNSTEERED,
    ) -> StepAnswer:
        """Send a text in such steps, several at a time, and return what came of the last."""
        window, heard_s = PrefillWindow(len(self.stages), self.terms.most_chunks), None
        left = deque(sendings(sizes, len(self.stages), alone=self._source_tokens > 0))
        ends: deque[int] = deque()
        answer = None
        while left or ends:
            if left and len(ends) < window.chunks:
                message = left.popleft()
                asked = (0, UNSTEERED) if left else (generated, steering)
                ends.append(await self._send_alone(tokens, message, *asked))
                continue
            outcome, before_s = await self._outcome(), heard_s
            answer = outcome.answer
            if outcome.record.step == ends[0]:
                ends.popleft()
                heard_s = self._clock.monotonic_s()
                since_last_s = None if before_s is None else heard_s - before_s
                window.learn(outcome.step_s, since_last_s, answer.trace)
        if answer is None:
            raise ShardloomError("stage.no_prompt")
        return answer

    async def decode(
        self, token: int, generated: int, more: int = 0, steering: Steering = UNSTEERED
    ) -> TokenResult:
        """Feed one token, together with the others of its group, and return the next.

        Where up to `more` tokens are wanted after that one the ring begins them by itself; the
        next calls return them. Where `steering` says how to choose one the ring waits for the host.
        """
        record = self._on_its_way
        if record is None:
            await self._steer(generated, steering)
            record = await self._send_with_group(
                token, generated, 0 if steering else more, steering
            )
        return await self._result(record)

    async def _steer(self, generated: int, steering: Steering) -> None:
        """Tell the last stage how a token is to be chosen, before that is asked for."""
        if not steering:
            return
        last = self.stages[-1]
        command = Steer.by(self.transaction, generated, steering)
        try:
            await last.client.call(command)
        except (PhoneLostError, WorkerError) as error:
            raise StageFailedError(
                "stage.refused_request", phone=last.serial, reason=reason_of(error)
            ) from None

    async def _result(self, record: StepRecord) -> TokenResult:
        started_s = self._clock.monotonic_s()
        try:
            result = self._token((await self._outcome()).answer)
            self._on_its_way = self._next_by_itself(record, result)
        except ShardloomError:
            self._on_its_way = None
            raise
        step_s = self._clock.monotonic_s() - started_s
        computed_s = sum(timing.compute_ms for timing in result.timings) / 1000
        if not result.by_draft:
            self._run_tokens = run_tokens(max(step_s, computed_s))
        return result

    @property
    def rows_together(self) -> int:
        """How many requests share its steps now, itself included."""
        return self.seat.group.size

    @property
    def under_way(self) -> bool:
        """Whether the ring decodes a token that `decode` has not returned yet."""
        return self._on_its_way is not None

    async def drain(self) -> None:
        """Wait for what is under way though nobody wants it any more."""
        with suppress(ShardloomError):
            while self.outcomes.under_way:
                if self._on_its_way is not None:
                    await self._result(self._on_its_way)
                elif (outcome := await self._outcome()).answer.row.token is not None:
                    self._token(outcome.answer)

    async def _send_with_group(
        self, token: int, generated: int, more: int, steering: Steering
    ) -> StepRecord:
        record = replace(self._record((token,), generated), steering=steering)
        drafts = self._proposed[:more]
        ahead = max(min(more, self._run_tokens - 1) if self.terms.closed else 0, len(drafts))
        group = self.seat.group
        group.join(self.transaction)
        self.ran_together = self.ran_together or group.size > 1
        await group.send(
            self.transaction,
            self._row(record, ahead),
            (token, *drafts),
            lambda: self._sent(record, ahead),
        )
        return record

    def _sent(self, record: StepRecord, ahead: int) -> None:
        self._under_way(record)
        self._on_its_way, self._ahead = record, ahead

    def _under_way(self, record: StepRecord, together: int = 1) -> None:
        self.steps.append(record)
        self.outcomes.expect(record, together)

    def _next_by_itself(self, record: StepRecord, result: TokenResult) -> StepRecord | None:
        """Return the step that the last stage says it began; none where it did not."""
        if not result.goes_on:
            return None
        if self._ahead == 0:
            raise self._unasked()
        self._ahead -= 1
        by_ring = record.by_ring if result.left else True
        following = replace(self._record((result.token,), record.generated + 1), by_ring=by_ring)
        self._under_way(following)
        return following

    def leave_group(self) -> None:
        """Let the others of the group go on without this attempt."""
        self.seat.group.leave(self.transaction)

    def _record(self, tokens: tuple[int, ...], generated: int) -> StepRecord:
        """Return the next step; `generated` 0 asks for no token."""
        return StepRecord(len(self.steps), self._position, tokens, generated > 0, generated)

    def _row(self, record: StepRecord, ahead: int = 0) -> StepRow:
        place, wants_token = (record.step, record.position), record.wants_token
        return StepRow(self.transaction, *place, wants_token, record.generated, ahead)

    async def _send_alone(
        self, tokens: Sequence[int], message: Sequence[int], generated: int, steering: Steering
    ) -> int:
        """Send steps of such sizes, in one message, and return the number of the last."""
        for size in message:
            start = self._position
            record = self._record(tuple(tokens[start : start + size]), generated)
            pixels = self.terms.pictures.get(start)
            self._under_way(replace(record, steering=steering, pixels=pixels), len(message))
        begun, last = self.steps[-len(message)], self.steps[-1]
        row = self._row(begun)._replace(drafts=len(message) - 1)
        together = np.array([tokens[begun.position : last.end]], dtype="<i8")
        rows = last.inputs if begun is last else together
        await self.stages[0].client.send_step([row], rows)
        return last.step

    async def _outcome(self) -> StepOutcome:
        outcome = await self.outcomes.next()
        self.completed_steps = outcome.record.step + 1
        return outcome

    def _token(self, answer: StepAnswer) -> TokenResult:
        terms = self.terms
        with self._reading():
            most = terms.committed_alternatives
            result = token_result(answer, terms.vocabulary_size, most, self._serials)
        allowed = self.steps[self.completed_steps - 1].steering.allowed
        if allowed and not allowed_by(allowed, terms.vocabulary_size)[result.token]:
            raise self._offence(self.stages[-1].serial, Fact("offence.token_not_allowed"))
        self.answers.append(result.leaf)
        self._proposed = result.proposed
        return result.shown(terms.alternatives)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Hold the last stage to what it answers with."""
        try:
            yield
        except WrongAnswerError as error:
            offence = Fact("offence.answered_wrongly", reason=error.fact)
            raise self._offence(self.stages[-1].serial, offence) from None

    def _unasked(self) -> ShardloomError:
        """Return what it means that the last stage went on: alone, it has only itself to ask."""
        if len(self.stages) > 1 and self.terms.closed:
            self.outcomes.expect_none()
            return RunChangedError("stage.run_changed")
        return self._offence(self.stages[-1].serial, Fact("offence.goes_on_unasked"))

    def _offence(self, serial: Serial, offence: Fact) -> OffenceError:
        return self.outcomes.offence(serial, offence)

    async def close(self, kept_steps: int = 0) -> None:
        """Free the slot on every stage that still answers; so many first steps are kept there."""
        for stage in self.stages:
            stage.client.forget(self.transaction)
        try:
            await self._close_stages(kept_steps)
        finally:
            self.outcomes.expect_none()

    async def _close_stages(self, kept_steps: int) -> None:
        command = Close(self.transaction, kept_steps)
        closing = [
            stage.client.call(command, CLOSE_TIMEOUT_S)
            for stage in self.stages
            if not stage.client.lost
        ]
        await asyncio.gather(*closing, return_exceptions=True)
