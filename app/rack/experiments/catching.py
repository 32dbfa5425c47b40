"""Which event of the timeline means that a fault was noticed, and by what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from app.core.identifiers import Serial
from app.faults.specifications import Catcher
from app.rack.snapshot import TimelineEvent, TimelineKind

REASON_FOLLOWS_S: Final = 5.0
_LATE: Final = frozenset({"stage.late", "stage.step_missing", "stage.silent", "request.goes_on"})
_SAID: Final = frozenset({"stage.offended", "stage.cannot_go_on", "stage.cannot_go_on_because"})
_SAID_PREFIXES: Final = ("penalty.", "dispute.", "offence.")


def first_catch(
    events: Iterable[TimelineEvent], serial: Serial, name: str
) -> tuple[Catcher, TimelineEvent] | None:
    """Return what noticed a phone's fault first, and the event that tells of it.

    That a text goes on elsewhere is told before why: what is told right after it counts.
    """
    found: tuple[Catcher, TimelineEvent] | None = None
    for event in events:
        by = catcher_of(event, serial, name)
        if found is not None and event.at_s - found[1].at_s > REASON_FOLLOWS_S:
            return found
        if by is not None and found is None:
            found = by, event
        if found is not None and by is not None and found[1].kind is TimelineKind.FAILOVER:
            found = (by, found[1]) if event.kind is TimelineKind.ERROR else found
    return found


def catcher_of(event: TimelineEvent, serial: Serial, name: str) -> Catcher | None:
    """Return what noticed that something is wrong with a phone; None where the event is not so."""
    concerned = event.serial == serial or event.fact.mentions(name)
    match event.kind:
        case TimelineKind.AUDIT_FAILED | TimelineKind.AUDIT_DEVIATES | TimelineKind.SLASH:
            return Catcher.AUDIT if event.serial == serial else None
        case TimelineKind.ERROR if concerned:
            return _by_code(event.fact.code) or Catcher.CONNECTION
        case TimelineKind.FAILOVER if concerned or event.serial is None:
            return _by_code(event.fact.code) or Catcher.DEADLINE
        case TimelineKind.MOVE | TimelineKind.INFO if event.fact.code.startswith("balance."):
            return Catcher.BALANCING if concerned else None
        case _:
            return None


def _by_code(code: str) -> Catcher | None:
    if code in _LATE:
        return Catcher.DEADLINE
    return Catcher.PAPERS if code in _SAID or code.startswith(_SAID_PREFIXES) else None
