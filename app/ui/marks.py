"""State as a shape as well as a colour. Qt-free: which mark a phone carries, and its colour."""

from __future__ import annotations

from enum import StrEnum

from app.core.device import DeviceState
from app.rack.snapshot import Phase, PhoneSnapshot, TimelineKind
from app.ui.tokens import Tokens

STALE_AFTER_S = 2.0
ALARMING = 2
"""Rank of the events that something went wrong in."""


class Mark(StrEnum):
    """The shapes in use."""

    READY = "filled circle"
    WORKING = "ring"
    WAITING = "hollow circle"
    FAULT = "triangle"
    SLASHED = "struck circle"
    LOST = "cross"


_OF_STATE = {
    DeviceState.FOUND: Mark.WAITING,
    DeviceState.UNAUTHORIZED: Mark.WAITING,
    DeviceState.BUSY: Mark.WAITING,
    DeviceState.UNSUITABLE: Mark.LOST,
    DeviceState.PREPARING: Mark.WAITING,
    DeviceState.STANDBY: Mark.WAITING,
    DeviceState.READY: Mark.READY,
    DeviceState.WORKING: Mark.WORKING,
    DeviceState.JAILED: Mark.SLASHED,
    DeviceState.LOST: Mark.LOST,
}

_OF_EVENT = {
    TimelineKind.INFO: Mark.WAITING,
    TimelineKind.MOVE: Mark.WORKING,
    TimelineKind.FAULT: Mark.FAULT,
    TimelineKind.FAILOVER: Mark.WORKING,
    TimelineKind.AUDIT_OK: Mark.READY,
    TimelineKind.AUDIT_DEVIATES: Mark.FAULT,
    TimelineKind.AUDIT_FAILED: Mark.LOST,
    TimelineKind.SLASH: Mark.SLASHED,
    TimelineKind.ERROR: Mark.LOST,
}


def mark_of_state(state: DeviceState) -> Mark:
    """Return the shape of a state by itself."""
    return _OF_STATE[state]


def mark_of(phone: PhoneSnapshot) -> Mark:
    """Return the phone's shape: lost and slashed go before an injected fault."""
    mark = _OF_STATE[phone.state]
    if phone.fault is not None and mark not in (Mark.LOST, Mark.SLASHED):
        return Mark.FAULT
    return mark


def mark_of_event(kind: TimelineKind) -> Mark:
    """Return the shape of a timeline event."""
    return _OF_EVENT[kind]


def mark_colour(mark: Mark, tokens: Tokens) -> str:
    """Return the colour that goes with a shape."""
    return {
        Mark.READY: tokens.good,
        Mark.WORKING: tokens.accent,
        Mark.WAITING: tokens.muted,
        Mark.FAULT: tokens.warn,
        Mark.SLASHED: tokens.slashed,
        Mark.LOST: tokens.bad,
    }[mark]


def event_rank(kind: TimelineKind) -> int:
    """Return how much an event matters where there is no room for all: 0 to `ALARMING`."""
    if kind is TimelineKind.INFO:
        return 0
    return 1 if kind in (TimelineKind.MOVE, TimelineKind.AUDIT_OK) else ALARMING


def event_colour(kind: TimelineKind, tokens: Tokens) -> str:
    """Return the colour of a timeline event: a failover asks for more notice than a move."""
    if kind is TimelineKind.FAILOVER:
        return tokens.warn
    return mark_colour(mark_of_event(kind), tokens)


def phase_colour(phase: Phase, tokens: Tokens) -> str:
    """Return the colour of the rack's phase."""
    return {
        Phase.STARTING: tokens.muted,
        Phase.DEPLOYING: tokens.accent,
        Phase.READY: tokens.good,
        Phase.RUNNING: tokens.good,
        Phase.DEGRADED: tokens.warn,
        Phase.FAILED: tokens.bad,
        Phase.STOPPED: tokens.muted,
    }[phase]


def is_stale(phone: PhoneSnapshot) -> bool:
    """Whether the phone's figures are too old to trust."""
    return phone.telemetry is not None and phone.telemetry.age_s > STALE_AFTER_S
