"""What parts of a rack are given in tests."""

from __future__ import annotations

from dataclasses import replace

from app.core.clock import Clock, ManualClock
from app.rack.blocking import BlockingPool
from app.rack.context import RackContext, make_context


def a_context(clock: Clock | None = None, threads: int = 1) -> RackContext:
    """Return a context with a clock that stands still and few threads."""
    context = make_context(clock or ManualClock(), lambda: None, patience=1.0)
    return replace(context, pool=BlockingPool(threads, "test"))
