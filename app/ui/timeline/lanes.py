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


class Lane(Enum):
    """The lanes, the first one on top."""

    REQUESTS = "requests"
    LAYERS = "layers"
    PHONES = "phones"
    AUDITS = "audits"
    MONEY = "money"


def lane_of(event: TimelineEvent) -> Lane:
    """Return where an event is shown: by its kind, else by the room that tells of it."""
    kind, code = event.kind, event.fact.code
    if kind in _AUDITS or code.startswith("audit."):
        return Lane.AUDITS
    if kind is TimelineKind.SLASH or code in _PAID or code.startswith(_MONEY):
        return Lane.MONEY
    if kind is TimelineKind.MOVE or code.startswith(_LAYERS):
        return Lane.LAYERS
    if kind is TimelineKind.FAILOVER or code.startswith("request."):
        return Lane.REQUESTS
    return Lane.PHONES


def lane_word(lane: Lane) -> str:
    """Return what stands in front of a lane."""
    match lane:
        case Lane.REQUESTS:
            return tr("Texts")
        case Lane.LAYERS:
            return tr("Layers")
        case Lane.PHONES:
            return tr("Phones")
        case Lane.AUDITS:
            return tr("Audits")
        case Lane.MONEY:
            return tr("Money")
        case _:
            assert_never(lane)
