"""Whether what a step of a scene speaks of has happened, and to which phone. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from app.core.identifiers import RequestId, Serial
from app.rack.snapshot import Phase, RackSnapshot, RequestSnapshot, TimelineEvent, TimelineKind
from app.ui.presenter.scenes import Moment
from app.words.states import phone_name

_AT_WORK: Final = frozenset({Phase.READY, Phase.RUNNING, Phase.DEGRADED})
FEW_TOKENS: Final = 3
_CAUGHT: Final = frozenset({TimelineKind.SLASH})
_JAILED: Final = ("penalty.jailed", "penalty.jailed_unpaid")


@dataclass(frozen=True)
class Happened:
    """What has happened, in what a caption may name."""

    phones: int
    phone: str = ""

    def caption(self, words: str) -> str:
        """Return a caption with what it names filled in."""
        return words.replace("{phones}", str(self.phones)).replace("{phone}", self.phone)


def happened(
    moment: Moment, snapshot: RackSnapshot, since: int, request: RequestId | None
) -> Happened | None:
    """Return what happened after an event of the timeline; None where it has not yet."""
    phones = sum(phone.usable for phone in snapshot.phones)
    match moment:
        case Moment.READY:
            return Happened(phones) if snapshot.phase in _AT_WORK else None
        case Moment.DEPLOYED:
            still = snapshot.applied is not None and snapshot.applied == snapshot.requested
            return Happened(phones) if still and snapshot.phase in _AT_WORK else None
        case Moment.INJECTED:
            struck = next((phone.serial for phone in snapshot.phones if phone.fault), None)
            return _with(snapshot, phones, struck) if struck else None
        case Moment.TEXT:
            shown = _request(snapshot, request)
            written = shown is not None and len(shown.token_ids) >= FEW_TOKENS
            return Happened(phones) if written else None
        case Moment.SETTLED:
            shown = _request(snapshot, request)
            return Happened(phones) if shown is not None and shown.state.ended else None
        case Moment.CAUGHT | Moment.LOST | Moment.REBALANCED:
            event = _event(moment, snapshot, since)
            return _with(snapshot, phones, event.serial) if event else None
        case _:
            assert_never(moment)


def newest_event(snapshot: RackSnapshot) -> int:
    """Return the sequence of the newest event of the timeline."""
    return snapshot.timeline[-1].sequence if snapshot.timeline else 0


def _event(moment: Moment, snapshot: RackSnapshot, since: int) -> TimelineEvent | None:
    for event in snapshot.timeline:
        if event.sequence <= since:
            continue
        slashed = event.kind in _CAUGHT or event.fact.code in _JAILED
        if moment is Moment.CAUGHT and slashed:
            return event
        if moment is Moment.LOST and event.kind is TimelineKind.FAILOVER:
            return event
        if moment is Moment.REBALANCED and event.kind is TimelineKind.MOVE:
            return event
    return None


def _request(snapshot: RackSnapshot, request: RequestId | None) -> RequestSnapshot | None:
    return next((each for each in snapshot.requests if each.identifier == request), None)


def _with(snapshot: RackSnapshot, phones: int, serial: Serial | None) -> Happened:
    names = {phone.serial: phone_name(phone) for phone in snapshot.phones}
    return Happened(phones, names.get(serial, "") if serial else "")
