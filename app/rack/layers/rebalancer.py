"""Layers that move by themselves where that has become clearly better, or on a person's word.

Looks once a second at what stages took and how phones are; `app.placement.rebalancing` says when to
plan anew and whether a move is worth it. A move is an assignment like any other: it is loaded
beside the old one, running requests follow by themselves, and what they write stays the same.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from app.core.assignment import Assignment
from app.core.errors import BadInputError, DoesNotFitError
from app.core.facts import Fact
from app.core.vitals import Charging, Throttling
from app.pipeline.failures import StageFailedError
from app.placement.baselines import score
from app.placement.rebalancing.beliefs import Beliefs
from app.placement.rebalancing.readings import (
    BodyLimits,
    Cause,
    CauseKind,
    PhoneReading,
    Reading,
    StageReading,
)
from app.placement.rebalancing.setting import Balancing
from app.placement.rebalancing.trigger import look
from app.placement.rebalancing.worth import DISTRUST_S, WORSE, Trade, reading_again_s
from app.rack.context import RackContext
from app.rack.layers.assigner import Assigner
from app.rack.layers.problems import Proposal
from app.rack.layers.spans import Applied
from app.rack.layers.stage_meter import StageMeter
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.snapshot import BalancingSnapshot, LayerMove, TimelineKind

LOOK_INTERVAL_S: Final = 1.0
READ_OVER_S: Final = 4.0
"""Steps of so long are read together."""
RATED_OVER_S: Final = 5.0
"""How long tokens are counted before and after a move, to tell what it brought."""
RATED_WITHIN_S: Final = 120.0
"""So long after a move it is rated at the latest, or not at all."""
MOVES_KEPT: Final = 32
SPARING_LIMIT: Final = 2.0
"""How many times as slow it may get to spare a phone that is hot or nearly empty."""
_UNTHROTTLED: Final = frozenset({None, Throttling.NONE, Throttling.LIGHT})
_log = logging.getLogger("shardloom.rack")


@dataclass(frozen=True)
class Work:
    """How many texts are being written, and the longest."""

    texts: int
    longest_tokens: int
    longest_answers: int
    """How many of its tokens are its answer's."""
    under_way: int
    """Those that are read, wait or are moved over, too."""


@dataclass(frozen=True)
class _Open:
    """A move of which it is not known yet what it brings, and what was written before it."""

    move: LayerMove
    under_way: int
    meter: StageMeter
    proposal: Proposal
    since_s: float = 0.0
    """From when on as many texts have been written as before it."""

    @property
    def way_back(self) -> Proposal:
        """What was before, as something to move to."""
        before, plan = self.move.before, self.proposal.plan
        prediction = self.proposal.predictor.predict(before)
        back = replace(plan, assignment=before, prediction=prediction, proven_optimal=False)
        return replace(self.proposal, plan=back)


class Rebalancer:
    """Owns what is believed of the phones' speed. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        fleet: Fleet,
        assigner: Assigner,
        work: Callable[[], Work],
        mode: Balancing,
    ) -> None:
        """`work` tells what is being written now."""
        self.mode = mode
        self._fleet = fleet
        self._assigner = assigner
        self._work = work
        self._timeline = context.timeline
        self._clock = context.clock
        self._changed = context.changed
        self._beliefs = Beliefs()
        self._seen: Applied | None = None
        self._proposal: LayerMove | None = None
        self._moves: deque[LayerMove] = deque(maxlen=MOVES_KEPT)
        self._open: _Open | None = None
        self._disappointing: dict[Assignment, float] = {}
        """What brought less than promised, and until when it is not moved to again."""

    def set_mode(self, mode: Balancing) -> None:
        """Change whether layers move by themselves; nothing that was proposed waits any more."""
        self.mode, self._proposal = mode, None
        self._changed()

    def snapshot(self) -> BalancingSnapshot:
        """Return what front ends are told."""
        proposal = self._proposal
        if proposal is not None and self._assigner.requested != proposal.after:
            proposal = None
        return BalancingSnapshot(self.mode, proposal, tuple(self._moves))

    async def look(self) -> None:
        """Read once, and move layers where that is due and worth it."""
        applied = self._assigner.applied
        if self.mode is Balancing.OFF or applied is None or self._assigner.moving:
            return
        now_s = self._clock.monotonic_s()
        self._note_moves_of_others(applied, now_s)
        disappointment = self._tell_what_it_brought(applied, now_s)
        if disappointment is not None and await self._undo(applied, disappointment):
            return
        self._beliefs, causes = look(self._beliefs, self._reading(applied, now_s))
        phones, ring = self._fleet.phones, applied.assignment.serials
        problems = self._assigner.problems
        problems.slowness = self._beliefs.slowness(phones, ring, problems.recorded_slowness)
        if causes and not self._assigner.by_hand:
            await self._consider(applied, causes)

    def _note_moves_of_others(self, applied: Applied, now_s: float) -> None:
        if self._seen is not applied and self._seen is not None:
            self._beliefs = self._beliefs.moved(now_s).with_due(self._beliefs.due)
            self._proposal = None
        self._seen = applied

    def _reading(self, applied: Applied, now_s: float) -> Reading:
        stages = []
        for serial, expected_s in applied.decoding_s.items():
            measured_s, steps = applied.meter.stage_s(serial, now_s - READ_OVER_S)
            stages.append(StageReading(serial, expected_s, measured_s, steps))
        holders = applied.assignment.serials
        phones = (_phone_reading(each, holds=each.serial in holders) for each in self._fleet.usable)
        limits = BodyLimits.within(self._assigner.problems.conditions)
        return Reading(now_s, tuple(stages), tuple(phones), limits)

    async def _consider(self, applied: Applied, causes: tuple[Cause, ...]) -> None:
        before, phones = applied.assignment, self._fleet.phones
        proposal = None
        if self._stands(applied):
            try:
                proposal = await self._assigner.propose(frozenset(self._beliefs.spared))
            except (DoesNotFitError, BadInputError) as refusal:
                self._tell_no_other(causes, refusal.fact)
                return
        if proposal is None or not self._stands(applied):
            self._beliefs = self._beliefs.with_due(causes)  # something else comes first
            return
        if proposal.plan.assignment == before or self._is_disappointing(proposal):
            return
        trade = self._trade(proposal, before)
        if not (trade.is_worth_it or self._has_to_be(proposal, before, trade)):
            return
        move = LayerMove(
            self._clock.monotonic_s(),
            causes,
            before,
            proposal.plan.assignment,
            trade.gain,
            proposal.plan.prediction.push_bytes,
        )
        causes_told = tuple(each.fact(phones[each.serial].name) for each in causes)
        if self.mode is Balancing.ON:
            self._timeline.add(TimelineKind.MOVE, Fact("balance.moves", causes=causes_told))
            await self._move(applied, proposal, move)
        elif self.mode is Balancing.ASK:
            told = Fact("balance.proposed", causes=causes_told, gain=max(trade.gain, 0.0))
            self._timeline.add(TimelineKind.INFO, told)
            self._assigner.adopt(proposal)
            self._proposal = move

    def _tell_no_other(self, causes: tuple[Cause, ...], reason: Fact) -> None:
        """Say that layers stay though they should not, because nothing else is to be had."""
        phones = self._fleet.phones
        told = tuple(each.fact(phones[each.serial].name) for each in causes)
        self._timeline.add(TimelineKind.ERROR, Fact("balance.no_other", causes=told, reason=reason))

    def _stands(self, applied: Applied) -> bool:
        """Tell whether that is applied, and all its phones are there."""
        phones, serials = self._fleet.phones, applied.assignment.serials
        return self._assigner.applied is applied and all(phones[each].usable for each in serials)

    def _trade(self, proposal: Proposal, before: Assignment) -> Trade:
        now, then = proposal.predictor.predict(before), proposal.plan.prediction
        work = self._work()
        again_s = reading_again_s(now, work.longest_tokens, work.longest_answers)
        push_s = self._assigner.problems.push_s(then)
        objective = proposal.objective
        return Trade(score(now, objective), score(then, objective), push_s, again_s)

    def _has_to_be(self, proposal: Proposal, before: Assignment, trade: Trade) -> bool:
        """Tell whether the move is to be made though it is no quicker.

        What is applied breaks a condition by now; it spares a phone, within limits; or the rack's
        rule is that every phone works.
        """
        if self._assigner.problems.breach(before) is not None:
            return True
        held, holding = set(before.serials), set(proposal.plan.assignment.serials)
        if self._beliefs.spared.keys() & (held - holding):
            return trade.then <= trade.now * SPARING_LIMIT
        return proposal.plan.uses_all and held < holding

    async def _move(self, applied: Applied, proposal: Proposal, move: LayerMove) -> None:
        now_s = self._clock.monotonic_s()
        rate = applied.meter.tokens_per_second(now_s - RATED_OVER_S, now_s)
        under_way = self._work().under_way
        try:
            self._seen = await self._assigner.move_to(proposal)
        except StageFailedError as failure:
            _log.warning("layers did not move: %s", failure)
            return
        finally:
            self._beliefs = self._beliefs.moved(self._clock.monotonic_s())
        move = replace(move, at_s=self._clock.monotonic_s(), rate_before=rate)
        self._moves.append(move)
        self._open = _Open(move, under_way, applied.meter, proposal) if under_way else None
        self._changed()

    def _is_disappointing(self, proposal: Proposal) -> bool:
        now_s = self._clock.monotonic_s()
        known = self._disappointing
        self._disappointing = {each: until_s for each, until_s in known.items() if until_s > now_s}
        return proposal.plan.assignment in self._disappointing

    async def _undo(self, applied: Applied, made: _Open) -> bool:
        """Move back from what brought less, unless what was before cannot or may not be."""
        move, phones = made.move, self._fleet.phones
        now_s = self._clock.monotonic_s()
        self._disappointing[move.after] = now_s + DISTRUST_S
        possible = all(phones[serial].usable for serial in move.before.serials)
        spared = self._beliefs.spared.keys() & set(move.before.serials)
        came = made.proposal.plan.uses_all and set(move.before.serials) < set(move.after.serials)
        breach = self._assigner.problems.breach(move.before)
        if not possible or spared or came or breach is not None:
            return False
        share = (move.rate_after or 0.0) / (move.rate_before or math.inf)
        why = (Cause(CauseKind.WORSENED, move.causes[0].serial, share),)
        back = LayerMove(now_s, why, move.after, move.before, 1 / max(share, 0.01) - 1, 0)
        told = tuple(each.fact(phones[each.serial].name) for each in why)
        self._timeline.add(TimelineKind.MOVE, Fact("balance.moves", causes=told))
        await self._move(applied, made.way_back, back)
        self._open = None  # what was before is known: it is not tried to and fro
        return True

    def _tell_what_it_brought(self, applied: Applied, now_s: float) -> _Open | None:
        """Complete the newest move's figures, over a time with as many texts as before it.

        Returns the move where it left less of the rate than there was.
        """
        before = self._open
        if before is None:
            return None
        if before.move.after != applied.assignment or now_s - before.move.at_s > RATED_WITHIN_S:
            self._open = None
            return None
        if self._work().under_way != before.under_way:
            self._open = replace(before, since_s=now_s)
            return None
        first_s, last_s = applied.meter.first_token_s, before.meter.last_token_s
        if first_s is None or last_s is None:
            return None
        since_s = max(first_s, before.since_s)
        if now_s - since_s < RATED_OVER_S:
            return None
        self._open = None
        rate, stall_s = applied.meter.tokens_per_second(since_s, now_s), max(first_s - last_s, 0.0)
        move = replace(before.move, rate_after=rate, stall_s=stall_s)
        self._moves[-1] = move
        if rate is not None and before.move.rate_before is not None:
            told = Fact(
                "balance.brought", before=before.move.rate_before, after=rate, stall=stall_s
            )
            self._timeline.add(TimelineKind.INFO, told)
        self._changed()
        worse = move.rate_before and (rate or 0.0) < move.rate_before * WORSE
        return replace(before, move=move) if worse else None


def _phone_reading(phone: Phone, *, holds: bool) -> PhoneReading:
    vitals = phone.vitals
    if vitals is None:
        return PhoneReading(phone.serial, phone.ready_since_s, holds)
    return PhoneReading(
        phone.serial,
        phone.ready_since_s,
        holds,
        vitals.temperature_celsius,
        vitals.throttling not in _UNTHROTTLED,
        vitals.battery_percent,
        vitals.charging is Charging.DISCHARGING,
    )
