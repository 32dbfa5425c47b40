"""The one record of what a rack was told, what happened and how it looked, each with its time."""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from operator import attrgetter
from threading import Lock
from typing import Any, Final

from app.core.clock import Clock
from app.core.facts import Fact
from app.rack.commands.command import Command
from app.rack.events.request_events import RequestEvent
from app.rack.snapshot import RackSnapshot, TimelineEvent

COMMANDS_KEPT: Final = 512
EVENTS_KEPT: Final = 20_000
SNAPSHOTS_KEPT: Final = 30
SNAPSHOT_INTERVAL_S: Final = 1.0
"""Of the snapshots one a second is kept: between two of them events say more."""


@dataclass(frozen=True, slots=True)
class CommandGiven:
    """Somebody asked for this."""

    command: Command[Any]


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """A command was carried out, or why it was not."""

    given: int
    """The sequence of the record in which it was given."""
    failure: Fact | None
    """None where it was carried out."""


Recorded = CommandGiven | CommandEnded | RequestEvent | TimelineEvent | RackSnapshot


@dataclass(frozen=True, slots=True)
class Record:
    """One thing with its place in the order of all, from 1, and its time, monotonic."""

    sequence: int
    at_s: float
    what: Recorded


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded after some sequence, oldest first."""

    records: tuple[Record, ...]
    newest: int
    """The sequence to ask after next time."""
    complete: bool
    """Whether every command and event since then is still kept and in here."""


class Recorder:
    """The newest of each kind, in memory. Written and read on any thread."""

    def __init__(self, clock: Clock, interval_s: float = SNAPSHOT_INTERVAL_S) -> None:
        """Keep a snapshot every so many seconds."""
        self._clock = clock
        self._interval_s = interval_s
        self._lock = Lock()
        self._sequence = 0
        self._commands = _NewestRecords(COMMANDS_KEPT)
        self._events = _NewestRecords(EVENTS_KEPT)
        self._snapshots = _NewestRecords(SNAPSHOTS_KEPT)
        self._snapshot_at_s = -math.inf

    def command_given(self, command: Command[Any]) -> int:
        """Record a command; returns what its end refers to."""
        return self._add(self._commands, CommandGiven(command.as_record()))

    def command_ended(self, given: int, failure: Fact | None = None) -> None:
        """Record how a command ended."""
        self._add(self._commands, CommandEnded(given, failure))

    def event(self, event: RequestEvent | TimelineEvent) -> None:
        """Record something that happened."""
        self._add(self._events, event)

    def snapshot(self, snapshot: RackSnapshot) -> None:
        """Record how the rack looks, unless that was done a moment ago."""
        if snapshot.at_s - self._snapshot_at_s >= self._interval_s:
            self._snapshot_at_s = snapshot.at_s
            self._add(self._snapshots, snapshot)

    def since(self, sequence: int = 0) -> Recording:
        """Return everything that was recorded after a sequence and is still kept."""
        with self._lock:
            rings = (self._commands, self._events, self._snapshots)
            parts = [ring.since(sequence) for ring in rings]
            complete = max(self._commands.dropped, self._events.dropped) <= sequence
            newest = self._sequence
        merged = heapq.merge(*parts, key=attrgetter("sequence"))
        return Recording(tuple(merged), newest, complete)

    def _add(self, ring: _NewestRecords, what: Recorded) -> int:
        with self._lock:
            self._sequence += 1
            ring.add(Record(self._sequence, self._clock.monotonic_s(), what))
            return self._sequence


class _NewestRecords:
    """The newest records of one kind; `dropped` is the sequence of the newest that is gone."""

    def __init__(self, kept: int) -> None:
        self.dropped = 0
        self._kept = kept
        self._records: deque[Record] = deque()

    def add(self, record: Record) -> None:
        """Keep a record, and the oldest no longer where there are too many."""
        self._records.append(record)
        if len(self._records) > self._kept:
            self.dropped = self._records.popleft().sequence

    def since(self, sequence: int) -> list[Record]:
        """Return the records of a higher sequence, oldest first."""
        newer = takewhile(lambda record: record.sequence > sequence, reversed(self._records))
        return list(newer)[::-1]
