"""A rack that is played from a file: a `RackControl` that shows and takes no commands."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

from app.core.assignment import Assignment
from app.core.errors import BadInputError
from app.core.identifiers import RequestId, Serial
from app.placement.problem import Prediction
from app.rack.commands.command import Command, Result
from app.rack.events.recorder import EVENTS_KEPT, Record, Recording
from app.rack.events.request_events import RequestEvent
from app.rack.events.request_log import RequestLog, RequestStream
from app.rack.replay.stream_file import read_stream
from app.rack.snapshot import ModelChoice, RackSnapshot, Samples, StageSample
from app.telemetry.history import History, Metric, Window
from app.telemetry.samples import WINDOW_S

STILL_S: Final = 0.5
"""While nothing happens the newest picture is told again so often: silence is another thing."""
LOG_KEPT: Final = 1 << 16


class ReplayedRack:
    """Plays on a thread of its own, `speed` times as fast as it was; at once where infinite."""

    def __init__(self, path: Path, speed: float = 1.0) -> None:
        """Read up to the first picture. Raises `BadInputError`."""
        self._speed = speed
        self._records = read_stream(path)
        self._first = list(_up_to_picture(self._records))
        if not self._first or not isinstance(self._first[-1].what, RackSnapshot):
            raise BadInputError("stream.empty", file=path.name)
        self._newest: RackSnapshot = self._first[-1].what
        self._played: deque[Record] = deque(maxlen=EVENTS_KEPT)
        self._logs: dict[RequestId, RequestLog] = {}
        self._samples: dict[Serial, deque[StageSample]] = {}
        self._listeners: list[Callable[[RackSnapshot], None]] = []
        self._lock = Lock()
        self._closing = Event()
        self.failure: BadInputError | None = None
        """Why the file could not be played to its end."""
        self.ended = Event()
        """Set once everything was played."""
        self._thread = Thread(target=self._play, name="replay", daemon=True)
        self._thread.start()

    def do(self, command: Command[Result]) -> Future[Result]:
        """Refuse: what is over cannot be changed."""
        del command
        done: Future[Result] = Future()
        done.set_exception(BadInputError("stream.read_only"))
        return done

    def subscribe(self, listener: Callable[[RackSnapshot], None]) -> Callable[[], None]:
        """Call the listener, on the replay's thread, with each picture; returns the undo."""
        with self._lock:
            self._listeners.append(listener)

        def undo() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return undo

    def snapshot(self) -> RackSnapshot:
        """Return the newest picture."""
        return self._newest

    def follow(self, request: RequestId, after: int = 0) -> RequestStream:
        """Return a stream of a request's events, those played so far included."""
        with self._lock:
            return RequestStream(self._log(request), after)

    def models(self) -> tuple[ModelChoice, ...]:
        """Return the model that was on the rack."""
        return (self._newest.model,) if self._newest.model else ()

    def events(self, since: int = 0) -> Recording:
        """Return what was played after a sequence."""
        with self._lock:
            records = tuple(each for each in self._played if each.sequence > since)
            newest = self._played[-1].sequence if self._played else 0
        return Recording(records, newest, complete=True)

    def samples(self) -> Samples:
        """Return the graph points of the last minute that the pictures tell of."""
        with self._lock:
            return {serial: tuple(points) for serial, points in self._samples.items()}

    def history(self, metric: Metric, window: Window) -> History:
        """Return nothing: longer times are not in the stream."""
        del metric, window
        return {}

    def predict(self, assignment: Assignment) -> Prediction | None:
        """Return what was predicted of the assignment that is shown; None of any other."""
        newest = self._newest
        return newest.prediction if assignment == newest.requested else None

    def close(self) -> Future[None]:
        """Stop playing."""
        done: Future[None] = Future()
        self._closing.set()
        self._thread.join()
        with self._lock:
            for log in self._logs.values():
                log.close()
        done.set_result(None)
        return done

    def _play(self) -> None:
        before_s = self._first[0].at_s
        try:
            for record in _chained(self._first, self._records):
                if not self._wait((record.at_s - before_s) / self._speed):
                    return
                before_s = record.at_s
                self._take(record)
        except BadInputError as error:
            self.failure = error
        self.ended.set()
        self._wait(math.inf)

    def _wait(self, seconds: float) -> bool:
        """Let time pass with the newest picture in sight; tell whether to go on."""
        left_s = seconds
        while left_s > 0:
            if self._closing.wait(min(left_s, STILL_S)):
                return False
            left_s -= STILL_S
            if left_s > 0:
                self._tell(self._newest)
        return not self._closing.is_set()

    def _take(self, record: Record) -> None:
        what = record.what
        with self._lock:
            self._played.append(record)
            if isinstance(what, RequestEvent):
                self._log(what.request).add(what.at_s, what.what)
            if isinstance(what, RackSnapshot):
                self._newest = what
                self._sample(what)
        if isinstance(what, RackSnapshot):
            self._tell(what)

    def _tell(self, snapshot: RackSnapshot) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(snapshot)

    def _log(self, request: RequestId) -> RequestLog:
        return self._logs.setdefault(request, RequestLog(request, LOG_KEPT))

    def _sample(self, snapshot: RackSnapshot) -> None:
        for phone in snapshot.phones:
            told, points = phone.telemetry, self._samples.setdefault(phone.serial, deque())
            if told is not None and told.stage_at_s is not None:
                points.append(StageSample(told.stage_at_s, told.stage_ms, told.resident_bytes))
            while points and points[0].at_s < snapshot.at_s - WINDOW_S:
                points.popleft()


def _up_to_picture(records: Iterator[Record]) -> Iterator[Record]:
    for record in records:
        yield record
        if isinstance(record.what, RackSnapshot):
            return


def _chained(first: list[Record], rest: Iterator[Record]) -> Iterator[Record]:
    yield from first
    yield from rest
