"""What came of a round, read from the timeline, the requests' own events and the accounts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from app.core.facts import Fact
from app.core.identifiers import HOST, Serial
from app.faults.experiments.outcome import (
    Account,
    CheatOutcome,
    Happening,
    HonestOutcome,
    RequestOutcome,
    Round,
    StageSeries,
)
from app.faults.experiments.targets import Strike
from app.ledger.views.snapshot import PhoneStanding
from app.rack.events.request_events import RequestEvent, RolledBack, StageAudited, TokenAdded
from app.rack.events.values import write_as
from app.rack.experiments.catching import first_catch
from app.rack.phones.phone import Phone
from app.rack.requests.request import Request
from app.rack.snapshot import RequestState, TimelineEvent

_Point = TypeVar("_Point")
MOST_POINTS: Final = 400
"""Of one series; every so many of more are kept."""


@dataclass
class Observed:
    """What is gathered while a round runs. Lives on the service loop."""

    number: int
    began_s: float
    before: Mapping[Serial, PhoneStanding | None]
    strikes: list[tuple[Strike, float]] = field(default_factory=list)
    """With the moment each was injected."""
    requests: list[Request] = field(default_factory=list)

    def outcome(
        self,
        now_s: float,
        phones: Sequence[Phone],
        timeline: Sequence[TimelineEvent],
        right: tuple[int, ...] | None,
    ) -> Round:
        """Return the round as it is kept; `right` are the tokens of the text without faults."""
        events = [event for event in timeline if event.at_s >= self.began_s]
        told = {each.identifier: each.log.read(0) for each in self.requests}
        audits = [
            event.at_s
            for log in told.values()
            for event in log
            if isinstance(event.what, StageAudited)
        ]
        struck = {strike.fault.serial for strike, _ in self.strikes}
        return Round(
            number=self.number,
            took_s=now_s - self.began_s,
            cheats=tuple(
                self._cheat(strike, at_s, now_s, events, audits, phones)
                for strike, at_s in self.strikes
            ),
            honest=tuple(
                HonestOutcome(phone.serial, phone.name, self._account(phone))
                for phone in phones
                if phone.serial not in struck and phone.standing is not None
            ),
            requests=tuple(
                self._request(each, told[each.identifier], right) for each in self.requests
            ),
            happenings=tuple(self._happening(event) for event in events),
            stages=self._series([event for log in told.values() for event in log]),
        )

    def _cheat(
        self,
        strike: Strike,
        at_s: float,
        now_s: float,
        events: Sequence[TimelineEvent],
        audits: Sequence[float],
        phones: Sequence[Phone],
    ) -> CheatOutcome:
        fault, phone = strike.fault, _of(phones, strike.fault.serial)
        name = phone.name if phone else HOST
        since = [event for event in events if event.at_s >= at_s]
        caught = first_catch(since, fault.serial, name) if phone else None
        caught_at_s = caught[1].at_s if caught else None
        return CheatOutcome(
            serial=fault.serial,
            name=name,
            kind=fault.kind,
            fault=str(fault),
            caught_by=caught[0] if caught else None,
            caught_after_s=None if caught_at_s is None else caught_at_s - at_s,
            audits_before=sum(caught_at_s is None or each <= caught_at_s for each in audits),
            account=self._account(phone) if phone else Account(0, 0, 1.0, 1.0, ""),
            stood_s=now_s - at_s,
        )

    def _account(self, phone: Phone) -> Account:
        before, after = self.before.get(phone.serial), phone.standing
        if before is None or after is None:
            return Account(0, 0, 0.0, 0.0, phone.state.value)
        return Account(
            stake_lost=after.slashed - before.slashed,
            earned=after.balance - before.balance,
            reputation_before=before.reputation,
            reputation_after=after.reputation,
            state=phone.state.value,
        )

    def _request(
        self, request: Request, log: Sequence[RequestEvent], right: tuple[int, ...] | None
    ) -> RequestOutcome:
        settled = request.state is RequestState.SETTLED
        tokens = tuple(request.tokens)
        times = [event.at_s - self.began_s for event in log if isinstance(event.what, TokenAdded)]
        ended_s = log[-1].at_s if log else self.began_s
        return RequestOutcome(
            identifier=request.identifier,
            state=request.state.value,
            tokens_wanted=request.tokens_wanted,
            tokens_settled=len(tokens) if settled else request.settled_tokens,
            taken_back=sum(
                event.what.taken_back for event in log if isinstance(event.what, RolledBack)
            ),
            failovers=request.failovers,
            audits=sum(isinstance(event.what, StageAudited) for event in log),
            took_s=ended_s - request.submitted_s,
            right=None if right is None else tokens == right[: len(tokens)],
            token_times_s=tuple(thinned(times)),
        )

    def _happening(self, event: TimelineEvent) -> Happening:
        told = json.dumps(write_as(Fact, event.fact))
        return Happening(event.at_s - self.began_s, event.kind.value, event.serial or "", told)

    def _series(self, events: Sequence[RequestEvent]) -> tuple[StageSeries, ...]:
        points: dict[Serial, list[tuple[float, float]]] = defaultdict(list)
        for event in sorted(events, key=lambda each: each.at_s):
            if isinstance(event.what, TokenAdded):
                times = event.what.times
                for serial, took_ms in zip(times.serials, times.compute_ms, strict=True):
                    points[serial].append((event.at_s - self.began_s, took_ms))
        return tuple(StageSeries(each, tuple(thinned(them))) for each, them in points.items())


def thinned(points: Sequence[_Point]) -> Sequence[_Point]:
    """Return at most `MOST_POINTS`, evenly chosen."""
    stride = -(-len(points) // MOST_POINTS)
    return points[:: max(stride, 1)]


def _of(phones: Sequence[Phone], serial: Serial) -> Phone | None:
    return next((phone for phone in phones if phone.serial == serial), None)
