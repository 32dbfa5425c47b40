"""Which lane of the timeline an event belongs to. Qt-free."""

from __future__ import annotations

from enum import Enum
from typing import Final, assert_never

from app.rack.snapshot import TimelineEvent, TimelineKind
from app.words.catalogue import tr

_MONEY: Final = ("penalty.", "offence.", "breaker.")
_PAID: Final = frozenset({"request.tokens_paid", "request.answer_paid"})
_LAYERS: Final = ("balance.", "layers.")
_AUDITS: Final = frozenset(
    {TimelineKind.AUDIT_OK, TimelineKind.AUDIT_DEVIATES, TimelineKind.AUDIT_FAILED}
)


class TimelineLane(Enum):
    """The lanes, the first one on top."""

    REQUESTS = "requests"
    LAYERS = "layers"
    PHONES = "phones"
    AUDITS = "audits"
    MONEY = "money"


def lane_of(event: TimelineEvent) -> TimelineLane:
    """Return where an event is shown: by its kind, else by the room that tells of it."""
    kind, code = event.kind, event.fact.code
    if kind in _AUDITS or code.startswith("audit."):
        return TimelineLane.AUDITS
    if kind is TimelineKind.SLASH or code in _PAID or code.startswith(_MONEY):
        return TimelineLane.MONEY
    if kind is TimelineKind.MOVE or code.startswith(_LAYERS):
        return TimelineLane.LAYERS
    if kind is TimelineKind.FAILOVER or code.startswith("request."):
        return TimelineLane.REQUESTS
    return TimelineLane.PHONES


def lane_word(lane: TimelineLane) -> str:
    """Return what stands in front of a lane."""
    match lane:
        case TimelineLane.REQUESTS:
            return tr("Texts")
        case TimelineLane.LAYERS:
            return tr("Layers")
        case TimelineLane.PHONES:
            return tr("Phones")
        case TimelineLane.AUDITS:
            return tr("Audits")
        case TimelineLane.MONEY:
            return tr("Money")
        case _:
            assert_never(lane)
