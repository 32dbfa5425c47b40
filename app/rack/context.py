"""What every part of a rack works with, made once and handed on whole."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.core.clock import Clock
from app.core.facts import Fact
from app.core.nursery import Nursery, TaskFailure
from app.rack.blocking import BlockingPool
from app.rack.snapshot import TimelineEvent, TimelineKind
from app.rack.timeline import Timeline

BLOCKING_THREADS: Final = 16


@dataclass(frozen=True)
class RackContext:
    """Time, chance, tasks, blocking calls and news of one rack. Lives on the service loop."""

    clock: Clock
    timeline: Timeline
    nursery: Nursery
    """Owns every task of the rack; a part that ends before the rack does has a child of it."""
    pool: BlockingPool
    """For blocking calls, of which many may wait: ADB, hashing, files."""
    changed: Callable[[], None]
    """To be called after what a snapshot shows has changed."""
    patience: float = 1.0
    """All that phones are given time for takes so many times as long as usual."""
    random_bytes: Callable[[int], bytes] = field(default=secrets.token_bytes)
    """Chance: so many bytes that nobody can guess; of a seed where a run is to be repeated."""


def make_context(
    clock: Clock,
    changed: Callable[[], None],
    patience: float,
    record: Callable[[TimelineEvent], object] | None = None,
) -> RackContext:
    """Return a context whose timeline tells of every task that failed unexpectedly.

    `record` hears of each event of the timeline too.
    """
    timeline = Timeline(clock, record)

    def tell(failure: TaskFailure) -> None:
        if failure.in_a_row == 1:
            timeline.add(TimelineKind.ERROR, _failed(failure))
            changed()

    pool = BlockingPool(BLOCKING_THREADS, "adb")
    return RackContext(clock, timeline, Nursery(clock, tell), pool, changed, patience)


def _failed(failure: TaskFailure) -> Fact:
    """Tell what ended, and whether it goes on; how it came to it stands in the log."""
    code = "task.failed_and_ended" if failure.retry_s is None else "task.failed_and_goes_on"
    return Fact(code, task=failure.name, error=type(failure.error).__name__)
