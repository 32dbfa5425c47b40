"""Phones that stand by: kept ready, without layers, until they are taken up again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from app.core.identifiers import Serial
from app.rack.commands import Replan
from app.rack.snapshot import RackSnapshot


def plan_with(snapshot: RackSnapshot, serials: Collection[Serial], *, stand_by: bool) -> Replan:
    """Return what asks a rack for a plan without these phones, or with them again.

    `Apply` then moves the layers. Everything else that is asked of plans stays; pins of phones that
    are to stand by go.
    """
    known, named = snapshot.conditions, frozenset(map(str, serials))
    excluded = known.excluded | named if stand_by else known.excluded - named
    pins = tuple(pin for pin in snapshot.pins if not (stand_by and pin.serial in named))
    return Replan(snapshot.objective, pins, replace(known, excluded=excluded))
