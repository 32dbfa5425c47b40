"""State as a shape as well as a colour. Qt-free: which mark a phone carries, and its colour."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from app.core.device import DeviceState
from app.rack.snapshot import Phase, PhoneSnapshot, TimelineKind
from app.ui.looks.tokens import Tokens

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


class Shield(StrEnum):
    """How much of an answer was checked; only a filled one is ever green."""

    EMPTY = "hollow shield"
    HALF = "half-filled shield"
    FULL = "filled shield"


def mark_of_state(state: DeviceState) -> Mark:
    """Return the shape of a state by itself."""
    match state:
        case (
            DeviceState.FOUND
            | DeviceState.UNAUTHORIZED
            | DeviceState.BUSY
            | DeviceState.PREPARING
            | DeviceState.STANDBY
        ):
            return Mark.WAITING
        case DeviceState.READY:
            return Mark.READY
        case DeviceState.WORKING:
            return Mark.WORKING
        case DeviceState.JAILED:
            return Mark.SLASHED
        case DeviceState.UNSUITABLE | DeviceState.LOST:
            return Mark.LOST
        case _:
            assert_never(state)


def mark_of(phone: PhoneSnapshot) -> Mark:
    """Return the phone's shape: lost and slashed go before an injected fault."""
    mark = mark_of_state(phone.state)
    if phone.fault is not None and mark not in (Mark.LOST, Mark.SLASHED):
        return Mark.FAULT
    return mark


def mark_of_event(kind: TimelineKind) -> Mark:
    """Return the shape of a timeline event."""
    match kind:
        case TimelineKind.INFO:
            return Mark.WAITING
        case TimelineKind.MOVE | TimelineKind.FAILOVER:
            return Mark.WORKING
        case TimelineKind.FAULT | TimelineKind.AUDIT_DEVIATES:
            return Mark.FAULT
        case TimelineKind.AUDIT_OK:
            return Mark.READY
        case TimelineKind.SLASH:
            return Mark.SLASHED
        case TimelineKind.AUDIT_FAILED | TimelineKind.ERROR:
            return Mark.LOST
        case _:
            assert_never(kind)


def mark_colour(mark: Mark, tokens: Tokens) -> str:
    """Return the colour that goes with a shape."""
    match mark:
        case Mark.READY:
            return tokens.good
        case Mark.WORKING:
            return tokens.accent
        case Mark.WAITING:
            return tokens.muted
        case Mark.FAULT:
            return tokens.warn
        case Mark.SLASHED:
            return tokens.slashed
        case Mark.LOST:
            return tokens.bad
        case _:
            assert_never(mark)


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
    match phase:
        case Phase.STARTING:
            return tokens.muted
        case Phase.DEPLOYING:
            return tokens.accent
        case Phase.READY:
            return tokens.good
        case Phase.RUNNING:
            return tokens.good
        case Phase.DEGRADED:
            return tokens.warn
        case Phase.FAILED:
            return tokens.bad
        case Phase.STOPPED:
            return tokens.muted
        case _:
            assert_never(phase)
