"""Carries one request through: generate, fail over, audit, roll back, settle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.core.clock import Clock
from app.core.errors import ShardloomError, reason_of
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.core.model import ModelManifest
from app.core.nursery import Nursery
from app.pipeline.attempt import PREFILL_CHUNK_TOKENS, Attempt, AttemptTerms
from app.pipeline.failures import (
    OffenceError,
    StageFailedError,
    StepLostError,
    UnusableRowsError,
)
from app.pipeline.prompts.prefill_window import MOST_CHUNKS
from app.pipeline.results import StageTiming, TokenResult
from app.pipeline.slots import Seat, SlotPool
from app.proof.case import Verdict
from app.rack.events.request_events import AttemptStarted, RowsReused, StageAudited
from app.rack.layers.assigner import Assigner
from app.rack.layers.spans import Applied
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.requests.request import STOPPED_REASON, UNFORESEEN, Request
from app.rack.settlement.auditing import AttemptOutcome
from app.rack.settlement.certainty import certainty
from app.rack.settlement.penalties import Penalties
from app.rack.settlement.settlement import Settlement
from app.rack.snapshot import RequestState, TimelineKind
from app.rack.timeline import Timeline
from app.telemetry.samples import TelemetryStore
from workers.protocol.boundary import Boundary

STEPS_ASTRAY: Final = 3
"""How many steps of a request may be lost without a broken way before a phone is blamed."""
ATTEMPTS_IN_VAIN: Final = 8
"""How many attempts in a row may bring a request no further with all phones still there."""
DISPUTES: Final = 3
"""How often two phones of a request may disagree on what one sent the other."""
_log = logging.getLogger("shardloom.rack")


@dataclass(frozen=True)
class Workplace:
    """What every request works with."""

    fleet: Fleet
    assigner: Assigner
    settlement: Settlement
    penalties: Penalties
    telemetry: TelemetryStore
    timeline: Timeline
    clock: Clock
    boundary: Boundary
    changed: Callable[[], None]
    nursery: Nursery
    random_bytes: Callable[[int], bytes]
    chunk_tokens: int = PREFILL_CHUNK_TOKENS
    """How much of a prompt goes in one step."""
    most_chunks: int = MOST_CHUNKS
    """How many of these steps are under way at a time."""


@dataclass(frozen=True)
class PendingCheck:
    """An attempt that ended, where its answers start in the request, and its check."""

    transaction: TransactionId
    first_answer: int
    answers: int
    check: asyncio.Task[AttemptOutcome]
    slots: SlotPool
    """Where what was computed may lie still."""


@dataclass
class RequestRunner:
    """One request's way through the rack. Lives on the service loop."""

    request: Request
    workplace: Workplace
    _attempts: int = 0
    _astray: int = 0
    _in_vain: int = 0
    _furthest: int = 0
    _disputes: int = 0
    _pending: list[PendingCheck] = field(default_factory=list)

    async def run(self) -> None:
        """Carry the request to its end; its state tells which."""
        request = self.request
        try:
            while not await self._generate_and_check():
                self._enter(RequestState.RECOVERING, request.state_reason)
            self._enter(RequestState.SETTLED)
            self.workplace.timeline.add(TimelineKind.INFO, self._settled())
        except asyncio.CancelledError:
            await self._settle_checked()
            self._enter(RequestState.CANCELLED, STOPPED_REASON)
        except ShardloomError as error:
            await self._fail(error.fact)
        except Exception as error:  # noqa: BLE001 - whatever happens, a request has an end
            _log.exception("request %s ended by a surprise", request.identifier)
            await self._fail(Fact(UNFORESEEN, error=type(error).__name__))
        finally:
            for pending in self._pending:
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
        applied = await self.workplace.assigner.current()
        phones = self.workplace.fleet.phones
        classes = {phones[each].worker.numerical_class for each in applied.assignment.serials}
        seat = await applied.slots.take(self.request.wanted(self.workplace.chunk_tokens, classes))
        try:
            if not applied.retired:
                await self._attempt_in(applied, seat)
        finally:
            applied.slots.give_back(seat)

    async def _attempt_in(self, applied: Applied, seat: Seat) -> None:
        request = self.request
        self._attempts += 1
        transaction = TransactionId(f"{request.identifier}-{self._attempts}")
        terms = AttemptTerms(
            applied.model.vocabulary_size,
            applied.pace,
            self.workplace.chunk_tokens,
            self.workplace.most_chunks,
            request.sampling,
            self.workplace.boundary,
            request.alternatives,
            request.end_tokens,
            applied.closed,
        )
        attempt = Attempt(transaction, applied.stages, seat, terms, self.workplace.clock)
        request.assignment = applied.assignment
        request.log.add(self.workplace.clock.monotonic_s(), AttemptStarted(applied.assignment))
        first_answer = request.answers
        dispute: UnusableRowsError | None = None
        await self.workplace.settlement.begin(transaction, request.identifier, applied)
        try:
            await attempt.open()
            self._note_reuse(attempt)
            await self._drive(attempt, applied)
        except UnusableRowsError as error:
            dispute = error
        except StageFailedError as failure:
            if not (isinstance(failure, StepLostError) and await self._went_astray(attempt)):
                self._fail_over(failure, attempt)
        finally:
            attempt.leave_group()
            await self._to_its_end(self._conclude(attempt, applied, first_answer))
        if dispute is not None:
            self._set_both_aside(dispute, attempt)
        self._count(applied)

    def _count(self, applied: Applied) -> None:
        """Count attempts that brought neither more of the answer nor a phone less."""
        phones = self.workplace.fleet.phones
        excluded = any(not phones[serial].usable for serial in applied.assignment.serials)
        further = self.request.answers > self._furthest
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
        self._accept(await attempt.prefill(known, len(request.tokens) + 1))
        _keep(attempt, applied)
        self._enter(RequestState.DECODING)
        while not request.complete and (attempt.under_way or not applied.retired):
            following = len(request.tokens) + 1
            more = request.tokens_wanted - following
            self._accept(await attempt.decode(request.tokens[-1], following, more))

    async def _read(self, attempt: Attempt, model: ModelManifest) -> None:
        tokens, numbers = self.request.prompt_tokens, model.answer_size
        result = await attempt.answer(tokens, numbers, whole=not model.cached)
        now_s = self.workplace.clock.monotonic_s()
        self.request.take_vector(result, now_s)
        self._record(result.timings, now_s)

    def _accept(self, result: TokenResult) -> None:
        now_s = self.workplace.clock.monotonic_s()
        self.request.add_token(result, now_s)
        self._record(result.timings, now_s)

    def _record(self, timings: Sequence[StageTiming], now_s: float) -> None:
        applied = self.workplace.assigner.applied
        is_current = applied is not None and applied.assignment == self.request.assignment
        for timing in timings:
            phone = self.workplace.fleet.phones.get(timing.serial)
            if phone is not None:
                self.workplace.telemetry.record_step(timing.serial, now_s, timing.compute_ms)
                if is_current:
                    phone.worker.stage_ms, phone.worker.stage_at_s = timing.compute_ms, now_s
        self.workplace.changed()

    async def _went_astray(self, attempt: Attempt) -> bool:
        """Tell whether a step was lost between phones that all answer, and not inside one of them.

        The request then goes on with the same phones. Without a broken way it does so only a few
        times: else a phone is at fault that drops steps and says nothing.
        """
        serials = [stage.serial for stage in attempt.stages]
        try:
            broken = await self.workplace.assigner.broken_ways(serials)
        except StageFailedError as failure:
            self._fail_over(failure, attempt)
            return True
        self._astray += 1
        if not broken and self._astray > STEPS_ASTRAY:
            return False
        self.request.failovers += 1
        lost = _astray(broken)
        self._enter(RequestState.RECOVERING, Fact("request.astray", lost=lost))
        told = Fact("request.goes_on", lost=lost, token=len(self.request.tokens) + 1)
        self.workplace.timeline.add(TimelineKind.FAILOVER, told)
        return True

    def _fail_over(self, failure: StageFailedError, attempt: Attempt) -> None:
        phone = self.workplace.fleet.phones[failure.serial]
        self.request.failovers += 1
        reason = failure.fact.but(phone=phone.name)
        known = any(stage.client is phone.client for stage in attempt.stages)
        if known and not isinstance(failure, OffenceError):
            self.workplace.fleet.mark_lost(phone, reason)
        self._enter(RequestState.RECOVERING, reason)
        if self.request.vector_model:
            told = Fact("request.read_without", phone=phone.name)
        else:
            next_token = len(self.request.tokens) + 1
            told = Fact("request.goes_on_without", phone=phone.name, token=next_token)
        self.workplace.timeline.add(TimelineKind.FAILOVER, told, phone.serial)

    def _set_both_aside(self, dispute: UnusableRowsError, attempt: Attempt) -> None:
        """Go on without two phones of which one lies about the other; nobody is blamed for it.

        Raises `ShardloomError` where that happened too often.
        """
        phones = self.workplace.fleet.phones
        sender, receiver = phones[dispute.sender], phones[dispute.receiver]
        names = {"receiver": receiver.name, "sender": sender.name, "reason": dispute.reason}
        self._disputes += 1
        self.request.failovers += 1
        for phone in (sender, receiver):
            if any(stage.client is phone.client for stage in attempt.stages):
                self.workplace.fleet.set_aside(phone, Fact("dispute.one_is_wrong", **names))
        if self._disputes > DISPUTES:
            raise ShardloomError("dispute.not_the_first", **names)
        self._enter(RequestState.RECOVERING, Fact("dispute.between_phones", **names))
        told = Fact("dispute.goes_on_without_both", **names)
        self.workplace.timeline.add(TimelineKind.FAILOVER, told)

    async def _conclude(self, attempt: Attempt, applied: Applied, first_answer: int) -> None:
        kept_steps = 0
        try:
            await attempt.drain()
            concluded = await self.workplace.settlement.conclude(
                attempt, applied, self.workplace.fleet.phones
            )
            if concluded.withheld:
                applied.slots.forget(attempt.transaction)
            else:
                kept_steps = _keep(attempt, applied)
        finally:
            await attempt.close(kept_steps)
        await self.workplace.penalties.jail(attempt.transaction, concluded.withheld)
        self.request.receipts += len(concluded.bodies)
        check = self.workplace.nursery.start(
            self.workplace.settlement.check(concluded), f"check of {attempt.transaction}"
        )
        self._pending.append(
            PendingCheck(
                attempt.transaction,
                first_answer,
                self.request.answers - first_answer,
                check,
                applied.slots,
            )
        )

    async def _checked(self) -> bool:
        """Wait for every check, keep the answers that stand and return whether all do."""
        request = self.request
        good = request.answers
        outcomes = [(pending, await pending.check) for pending in self._pending]
        for pending, outcome in outcomes:
            self._tell(outcome.verdicts)
            if outcome.findings or outcome.good_answers < pending.answers:
                pending.slots.forget(pending.transaction)
            if outcome.good_answers < pending.answers:
                good = min(good, pending.first_answer + outcome.good_answers)
        for pending, outcome in outcomes:
            surviving = min(max(good - pending.first_answer, 0), pending.answers)
            request.settle(outcome.coverage, surviving)
            request.slashes += await self.workplace.penalties.judge(
                outcome, surviving, pending.answers
            )
        self._pending.clear()
        self._keep_good(good)
        self.workplace.changed()
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

    def _settled(self) -> Fact:
        request = self.request
        how = certainty(request.audited_stages, request.stages, verified=request.verified)
        if request.vector_model:
            return Fact("request.answer_paid", certainty=how)
        return Fact("request.tokens_paid", count=len(request.tokens), certainty=how)

    def _enter(self, state: RequestState, reason: Fact | None = None) -> None:
        self.request.enter(state, reason, self.workplace.clock.monotonic_s())
        self.workplace.changed()

    async def _to_its_end(self, work: Coroutine[object, object, None]) -> None:
        """Wait until something is done, also where the request is stopped meanwhile."""
        task = self.workplace.nursery.start(work, f"end of {self.request.identifier}'s attempt")
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await task
            raise


def _keep(attempt: Attempt, applied: Applied) -> int:
    """Let others begin with what every stage has done; return how many steps are worth keeping."""
    return applied.slots.keep(attempt.seat, attempt.transaction, attempt.done, attempt.ancestors)


def _astray(broken: Sequence[tuple[Phone, Phone]]) -> Fact:
    """Return what was lost with the ways that broke, or without any."""
    if not broken:
        return Fact("request.step_lost")
    ways = [Fact("request.way", sender=one.name, receiver=other.name) for one, other in broken]
    return Fact("request.ways_broke", ways=tuple(ways))
