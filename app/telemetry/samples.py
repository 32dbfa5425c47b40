"""Per-phone ring buffers of stage time and memory, thinned to what a graph can show."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from app.core.identifiers import Serial
from app.telemetry.history import HistoryStore, Metric

BUCKET_S = 0.1
WINDOW_S = 60.0


@dataclass(frozen=True)
class StageSample:
    """One point of the graphs: means over a tenth of a second."""

    at_s: float
    stage_ms: float | None
    resident_bytes: int | None


Samples = Mapping[Serial, tuple[StageSample, ...]]


@dataclass
class _Bucket:
    """Sums of the tenth of a second being filled."""

    started_s: float
    total_ms: float = 0.0
    steps: int = 0
    resident_bytes: int | None = None

    def sample(self) -> StageSample:
        mean_ms = self.total_ms / self.steps if self.steps else None
        return StageSample(self.started_s, mean_ms, self.resident_bytes)


class TelemetryStore:
    """The last minute of every phone, and in `history` the last day.

    Written on the service thread, read from any.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self.history = HistoryStore()
        self._window_s = window_s
        self._lock = Lock()
        self._closed: dict[Serial, deque[StageSample]] = {}
        self._open: dict[Serial, _Bucket] = {}

    def record_step(self, serial: Serial, at_s: float, stage_ms: float) -> None:
        """Add one step's compute time."""
        with self._lock:
            bucket = self._bucket(serial, at_s)
            bucket.total_ms += stage_ms
            bucket.steps += 1
        self.history.record(serial, Metric.STAGE_MS, at_s, stage_ms)

    def record_memory(self, serial: Serial, at_s: float, resident_bytes: int) -> None:
        """Add one reading of resident memory."""
        with self._lock:
            self._bucket(serial, at_s).resident_bytes = resident_bytes
        self.history.record(serial, Metric.RESIDENT_BYTES, at_s, resident_bytes)

    def samples(self) -> Samples:
        """Return what every phone has, oldest first, the open bucket last."""
        with self._lock:
            return {
                serial: (*self._closed[serial], bucket.sample())
                for serial, bucket in self._open.items()
            }

    def _bucket(self, serial: Serial, at_s: float) -> _Bucket:
        bucket = self._open.get(serial)
        if bucket is not None and at_s - bucket.started_s < BUCKET_S:
            return bucket
        closed = self._closed.setdefault(serial, deque())
        if bucket is not None:
            closed.append(bucket.sample())
        while closed and closed[0].at_s < at_s - self._window_s:
            closed.popleft()
        self._open[serial] = _Bucket(at_s)
        return self._open[serial]
