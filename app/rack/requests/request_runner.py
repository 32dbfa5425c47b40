"""Carries one request through: generate, fail over, audit, roll back, settle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from app.core.errors import LedgerError, ShardloomError, reason_of
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.core.model import ModelManifest
from app.pipeline.attempt import Attempt
from app.pipeline.failures import (
    DisputedRowsError,
    RunChangedError,
    StageFailedError,
    StepLostError,
)
from app.pipeline.prompts.slot_contents import Wanted
from app.pipeline.results import StageTiming, TokenResult
from app.pipeline.slots import Seat
from app.placement.rebalancing.row_costs import cost_of_rows
from app.proof.case import Verdict
from app.rack.events.request_events import AttemptStarted, RowsReused, StageAudited
from app.rack.layers.spans import Applied
from app.rack.requests.attempts.attempt_ends import AttemptEnds, EndedAttempt
from app.rack.requests.attempts.reading_ahead import ReadingAhead
from app.rack.requests.pausing import Pausing
from app.rack.requests.request import STOPPED_REASON, UNFORESEEN, Request
from app.rack.requests.step_tracing import step_tracing
from app.rack.requests.terms_of_attempt import terms_of_attempt
from app.rack.requests.troubles import Troubles
from app.rack.requests.workplace import Workplace
from app.rack.snapshot import RequestState, TimelineKind
from workers.identity.receipts import ReceiptBody
from workers.protocol.sampling_rule import Steering

ATTEMPTS_IN_VAIN: Final = 8
"""How many attempts in a row may bring a request no further with all phones still there."""
_log = logging.getLogger("shardloom.rack")


@dataclass
class RequestRunner:
    """One request's way through the rack. Lives on the service loop."""

    request: Request
    workplace: Workplace
    _attempts: int = 0
    _in_vain: int = 0
    _furthest: int = 0
    _troubles: Troubles = field(init=False)
    _pausing: Pausing = field(init=False)
    _ends: AttemptEnds = field(init=False)
    _ahead: ReadingAhead = field(init=False)

    def __post_init__(self) -> None:
        """Begin to note what goes wrong on the way."""
        self._troubles = Troubles(self.request, self.workplace)
        self._pausing = Pausing(self.request, self.workplace)
        self._ends = AttemptEnds(self.request, self.workplace)
        self._ahead = ReadingAhead(
            self.request,
            self.workplace,
            self._wanted_on,
            partial(self._begun, reads=True),
            self._conclude_reading,
        )

    async def run(self) -> None:
        """Carry the request to its end; its state tells which."""
        request = self.request
        try:
            while not await self._generate_and_check():
                self._enter(RequestState.RECOVERING, request.state_reason)
            self._enter(RequestState.SETTLED)
            self.workplace.timeline.add(TimelineKind.INFO, request.paid_for)
        except asyncio.CancelledError:
            self._ends.stop.set()
            await self._settle_checked()
            self._enter(RequestState.CANCELLED, STOPPED_REASON)
        except ShardloomError as error:
            await self._fail(error.fact)
        except Exception as error:  # noqa: BLE001 - whatever happens, a request has an end
            _log.exception("request %s ended by a surprise", request.identifier)
            await self._fail(Fact(UNFORESEEN, error=type(error).__name__))
        finally:
            for pending in self._ends.pending:
                pending.check.cancel()

    async def _fail(self, reason: Fact) -> None:
        await self._settle_checked()
        self._enter(RequestState.FAILED, reason)
        self.workplace.timeline.add(TimelineKind.ERROR, reason)

    async def _generate_and_check(self) -> bool:
        while not self.request.complete:
            await self._attempt()
        self._enter(RequestState.AUDITING)
        return await self._checked()

    async def _attempt(self) -> None:
        if self._in_vain >= ATTEMPTS_IN_VAIN:
            raise ShardloomError("request.in_vain", attempts=self._in_vain)
        applied = await self._pausing.applied()
        seat = await applied.slots.take(self._wanted_on(applied))
        try:
            attempt = None if applied.retired else await self._begun(applied, seat)
        except BaseException:
            applied.slots.give_back(seat)
            raise
        if attempt is None:
            applied.slots.give_back(seat)
        else:
            await self._attempt_in(applied, attempt, seat)

    async def _attempt_in(self, applied: Applied, attempt: Attempt, seat: Seat) -> None:
        request = self.request
        request.assignment = applied.assignment
        request.log.add(self.workplace.clock.monotonic_s(), AttemptStarted(applied.assignment))
        first_answer = request.answers
        trouble: ShardloomError | None = None
        began_s = self.workplace.clock.monotonic_s()
        try:
            await attempt.open()
            self._note_reuse(attempt)
            async with step_tracing(self.request, attempt, applied.model, self.workplace):
                await self._drive(attempt, applied)
        except DisputedRowsError as error:
            trouble = error
        except RunChangedError:
            self._troubles.run_changed()
        except StepLostError as error:
            trouble = error
            await self._troubles.step_lost(attempt)
        except StageFailedError as failure:
            self._troubles.fail_over(failure, attempt)
        except asyncio.CancelledError:
            self._ends.stop.set()
            raise
        finally:
            attempt.leave_group()
            text_s = self.workplace.clock.monotonic_s() - began_s
            answers = request.answers - first_answer
            elsewhere = trouble is None and self._goes_on_elsewhere(applied)
            ended = EndedAttempt(attempt, applied, first_answer, answers, text_s, elsewhere)
            signed = await self._ends.end(ended, seat)
        self._part_with_phones(trouble, attempt, signed)
        self._count(applied)

    def _goes_on_elsewhere(self, applied: Applied) -> bool:
        """Tell whether others hold the layers by now, or will: some phone is gone."""
        phones = self.workplace.fleet.phones
        gone = any(not phones[serial].usable for serial in applied.assignment.serials)
        return not self.request.complete and (applied.retired or gone)

    async def _begun(self, applied: Applied, seat: Seat, *, reads: bool = False) -> Attempt:
        """Journal an attempt's opening and return it; no phone knows of it yet."""
        request, workplace = self.request, self.workplace
        self._attempts += 1
        transaction = TransactionId(f"{request.identifier}-{self._attempts}")
        closed = applied.closed and not self._troubles.fed_by_host
        terms = terms_of_attempt(
            request, workplace, applied, reads=reads, closed=closed, any_cut=seat.wanted.any_cut
        )
        states = workplace.bought_states(applied)
        opened = await workplace.settlement.begin(
            transaction, request.asked, applied, terms, request.answers_left, states
        )
        return Attempt(transaction, applied.stages, seat, terms, workplace.clock, opened)

    def read_ahead(self, applied: Applied) -> asyncio.Task[None] | None:
        """Begin to read the text on phones that its layers move to; None where it cannot be yet."""
        alone = self.request.source_tokens or self.request.pictures
        if self.request.state is not RequestState.DECODING or alone:
            return None
        return self._ahead.begin(applied)

    def _wanted_on(self, applied: Applied) -> Wanted:
        phones = self.workplace.fleet.phones
        classes = {phones[each].worker.numerical_class for each in applied.assignment.serials}
        return self.request.wanted(self.workplace.chunk_tokens, classes)

    def _part_with_phones(
        self, trouble: ShardloomError | None, attempt: Attempt, signed: Mapping[Serial, ReceiptBody]
    ) -> None:
        """Go on without phones of which one is wrong, nobody knows which."""
        if isinstance(trouble, DisputedRowsError):
            self._troubles.rows_unusable(trouble, attempt)
        elif isinstance(trouble, StepLostError):
            self._troubles.look_where_lost(attempt, signed)

    def _count(self, applied: Applied) -> None:
        """Count attempts that brought neither more of the answer nor a phone less."""
        phones = self.workplace.fleet.phones
        excluded = any(not phones[serial].usable for serial in applied.assignment.serials)
        further = self.request.answers > self._furthest
        if further:
            self._pausing.came_further()
        self._furthest = max(self._furthest, self.request.answers)
        self._in_vain = 0 if excluded or further else self._in_vain + 1

    def _note_reuse(self, attempt: Attempt) -> None:
        prefix = attempt.prefix
        if prefix is not None:
            self.request.reused_tokens += prefix.rows
            reused = RowsReused(prefix.transaction, prefix.rows)
            self.request.log.add(self.workplace.clock.monotonic_s(), reused)

    async def _drive(self, attempt: Attempt, applied: Applied) -> None:
        request = self.request
        self._enter(RequestState.PREFILL)
        if request.vector_model is not None:
            await self._read(attempt, request.vector_model)
            return
        known = (*request.prompt_tokens, *request.tokens)
        steering = await self._steering()
        self._accept(await attempt.prefill(known, len(request.tokens) + 1, steering))
        self._ends.text_goes_on()
        self._ends.keep(attempt, applied)
        self._enter(RequestState.DECODING)
        while not request.complete and (attempt.under_way or not applied.retired):
            following = len(request.tokens) + 1
            more = request.tokens_wanted - following
            steering = await self._steering()
            result = await attempt.decode(request.tokens[-1], following, more, steering)
            self._accept(result, attempt.rows_together)
            row_cost = cost_of_rows(applied.model.quantization, attempt.rows_together)
            applied.meter.decoded(self.workplace.clock.monotonic_s(), result.row_timings, row_cost)

    async def _steering(self) -> Steering:
        """Return what the next token is chosen by; a grammar is asked away from the loop."""
        guide = self.request.guide
        if guide.grammar is None:
            return guide.steering(self.request.tokens)
        tokens = tuple(self.request.tokens)
        return await self.workplace.steering.run_to_its_end(guide.steering, tokens)

    async def _read(self, attempt: Attempt, model: ModelManifest) -> None:
        tokens, numbers = self.request.prompt_tokens, model.answer_size
        result = await attempt.answer(tokens, numbers, whole=not model.cached)
        now_s = self.workplace.clock.monotonic_s()
        self.request.take_vector(result, now_s)
        self._record(result.timings, now_s)

    def _accept(self, result: TokenResult, rows_together: int = 1) -> None:
        now_s = self.workplace.clock.monotonic_s()
        self.request.add_token(result, now_s)
        self._record(result.timings, now_s, rows_together)

    def _record(self, timings: Sequence[StageTiming], now_s: float, rows_together: int = 1) -> None:
        """Note what a step took; of those that share it each notes its part."""
        applied = self.workplace.assigner.applied
        is_current = applied is not None and applied.assignment == self.request.assignment
        for timing in timings:
            phone = self.workplace.fleet.phones.get(timing.serial)
            if phone is not None:
                phone.worker.computed_s += timing.compute_ms / 1000 / rows_together
                self.workplace.telemetry.record_step(timing.serial, now_s, timing.compute_ms)
                if is_current:
                    phone.worker.stage_ms, phone.worker.stage_at_s = timing.compute_ms, now_s
        self.workplace.changed()

    async def _conclude_reading(self, attempt: Attempt, applied: Applied) -> None:
        ended = EndedAttempt(attempt, applied, self.request.answers, 0, 0.0)
        await self._ends.to_its_end(self._ends.concluded(ended))

    async def _checked(self) -> bool:
        """Wait for every check, keep the answers that stand and return whether all do.

        Raises `LedgerError` where one of them is not settled, once the others are.
        """
        request = self.request
        await self._ahead.end()
        await self._ends.all_ended()
        good = request.answers
        outcomes = [(pending, await pending.check) for pending in self._ends.pending]
        for pending, outcome in outcomes:
            self._tell(outcome.verdicts)
            if outcome.in_doubt or outcome.good_answers < pending.answers:
                pending.slots.forget(pending.transaction)
            self._troubles.signed_otherwise(outcome.transaction, outcome.disputed_edges)
            if outcome.good_answers < pending.answers:
                good = min(good, pending.first_answer + outcome.good_answers)
        unsettled: list[LedgerError] = []
        for pending, outcome in outcomes:
            surviving = min(max(good - pending.first_answer, 0), pending.answers)
            request.settle(outcome.coverage, surviving)
            try:
                request.slashes += await self.workplace.penalties.judge(
                    outcome, surviving, pending.answers
                )
            except LedgerError as error:
                unsettled.append(error)
        self._ends.pending.clear()
        self._keep_good(good)
        self.workplace.changed()
        if unsettled:
            raise unsettled[0]
        return request.complete

    def _tell(self, verdicts: Sequence[Verdict]) -> None:
        self.request.audits += len(verdicts)
        now_s = self.workplace.clock.monotonic_s()
        for each in verdicts:
            audited = StageAudited(Serial(each.serial), each.outcome, each.deviation)
            self.request.log.add(now_s, audited)

    def _keep_good(self, good: int) -> None:
        request = self.request
        rolled_back = request.answers - good
        if rolled_back:
            request.state_reason = (
                Fact("request.answer_wrong")
                if request.vector_model
                else Fact("request.tokens_wrong", count=rolled_back)
            )
        request.settled_tokens = good
        request.roll_back(good, self.workplace.clock.monotonic_s())

    async def _settle_checked(self) -> None:
        """Judge what was done so far; used when a request ends early."""
        try:
            await self._checked()
        except (ShardloomError, asyncio.CancelledError) as error:
            told = Fact("request.checks_unfinished_because", reason=reason_of(error))
            self.workplace.timeline.add(TimelineKind.ERROR, told)
        except Exception:  # noqa: BLE001 - the request ends all the same
            _log.exception("checks of request %s were not finished", self.request.identifier)
            told = Fact("request.checks_unfinished")
            self.workplace.timeline.add(TimelineKind.ERROR, told)

    def _enter(self, state: RequestState, reason: Fact | None = None) -> None:
        self.request.enter(state, reason, self.workplace.clock.monotonic_s())
        self.workplace.changed()
