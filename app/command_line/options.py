"""From a command's arguments to how the rack is opened."""

from __future__ import annotations

import argparse

from app.core.audit_outcome import CheckMode
from app.pipeline.opening_stages.lookup import LookupMode
from app.placement.conditions import Conditions
from app.placement.rebalancing.setting import Balancing
from app.rack.options import (
    DEFAULT_CONTEXT_TOKENS,
    DEFAULT_MODEL,
    DEFAULT_SLOTS,
    MAXIMUM_SLOTS,
    RackOptions,
)
from workers.protocol.boundary import Boundary

BOUNDARIES = {"f32": Boundary.F32, "f16": Boundary.F16}


def rack_options(arguments: argparse.Namespace) -> RackOptions:
    """Return the options the arguments ask for."""
    return RackOptions(
        home=arguments.home,
        rack=arguments.rack,
        model=getattr(arguments, "model", DEFAULT_MODEL),
        objective=getattr(arguments, "objective", None),
        slots=_slots(arguments),
        context_tokens=getattr(arguments, "context", DEFAULT_CONTEXT_TOKENS),
        boundary=BOUNDARIES[getattr(arguments, "boundary", "f32")],
        audit_rate=arguments.audit_rate,
        auditors=getattr(arguments, "auditors", None),
        auditors_tls=getattr(arguments, "auditors_tls", None),
        sharp_rate=getattr(arguments, "sharp_rate", 0.0),
        check_mode=CheckMode(arguments.check_everything) if arguments.check_everything else None,
        verifiers=arguments.verifiers == "on" if arguments.verifiers else None,
        balancing=Balancing(arguments.balancing) if arguments.balancing else None,
        pause_limit_s=arguments.pause_limit,
        conditions=conditions(arguments),
        patience=arguments.patience,
        known=tuple(arguments.memory_share or ()),
        take=arguments.take,
        lookup=_lookup(arguments),
    )


def conditions(arguments: argparse.Namespace) -> Conditions:
    """Return what the arguments ask of every plan."""
    return Conditions(
        frozenset(getattr(arguments, "exclude", ())),
        frozenset(getattr(arguments, "trust", ())),
        getattr(arguments, "private", False),
        getattr(arguments, "least_reputation", 0.0),
        getattr(arguments, "least_battery", 0),
        getattr(arguments, "most_heat", None),
        None if (most := getattr(arguments, "most_token_ms", None)) is None else most / 1000,
        getattr(arguments, "least_rate", 0.0),
    )


def _lookup(arguments: argparse.Namespace) -> LookupMode | None:
    mode = getattr(arguments, "lookup", None)
    return LookupMode(mode) if mode else None


def _slots(arguments: argparse.Namespace) -> int:
    """Return a slot for each stream asked for, within bounds; the others wait their turn."""
    return min(max(getattr(arguments, "streams", 1), DEFAULT_SLOTS), MAXIMUM_SLOTS)
