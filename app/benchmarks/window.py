"""Figures of the window: its frames with a wall of replayed phones, and how long its loop is held.

`measure_window`, which `bench devices` asks for, watches it while real processes come up as phones.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.benchmarks.control_centre.child import figures_of
from app.benchmarks.control_centre.frames import DYING_S, SPANS, WATCHED_S, Frames, measure_frames
from app.benchmarks.control_centre.wall_stream import PHONES, PICTURES_A_SECOND, STAGES
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.core.facts import Fact

RACK = "wall-of-64"
READY_FOR_S = 5.0
"""How long the window is watched after all is ready."""
TIMEOUT_S = 400.0
LIMIT_MS = 50.0


HEADINGS = ("figure", ">charts: last minute", ">charts: last hour", ">wanted")


def measure(rounds: int) -> BenchmarkReport:
    """Measure everything; raises `ShardloomError` where something cannot be measured."""
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as name:
        found = measure_frames(Path(name), rounds)
    figures = {span: [frames.as_record() for frames in found[span]] for span in SPANS}
    explanation = Fact(
        "bench.window",
        rounds=rounds,
        phones=PHONES,
        stages=STAGES,
        rate=PICTURES_A_SECOND,
        watched=WATCHED_S,
        dying=DYING_S,
    )
    tables = (FigureTable(HEADINGS, _rows(found)),)
    return BenchmarkReport("Window", explanation, tables, figures)


def _rows(found: Mapping[str, Sequence[Frames]]) -> tuple[tuple[str, ...], ...]:
    def row(name: str, wanted: str, told: Mapping[str, str]) -> tuple[str, ...]:
        return (name, *(told[span] for span in SPANS), wanted)

    def each(figure: Callable[[Frames], float], unit: str, digits: int = 1) -> Mapping[str, str]:
        told = {}
        for span in SPANS:
            values = [figure(frames) for frames in found[span]]
            middle, least, most = statistics.median(values), min(values), max(values)
            told[span] = f"{middle:.{digits}f} {unit} ({least:.{digits}f}-{most:.{digits}f})"
        return told

    return (
        row("painted", "at most 1.5 s", each(lambda one: one.painted_s, "s", 2)),
        row("frame, median", "at most 16 ms", each(lambda one: one.frame_ms, "ms")),
        row("frame, worst", "at most 50 ms", each(lambda one: max(one.frames_ms), "ms")),
        row("loop blocked, longest", "at most 50 ms", each(lambda one: max(one.blocked_ms), "ms")),
        row("loop busy, longest", "at most 50 ms", each(lambda one: max(one.busy_ms), "ms")),
        row("memory", "", each(lambda one: one.memory_bytes[-1] / 1e6, "MB", 0)),
    )


@dataclass(frozen=True)
class WindowFigures:
    """Seconds since the rack was opened, and every beat of the event loop, one due each 5 ms.

    Of a beat: how late it came, how late by the program's own doing (not for want of a processor),
    and how long the window's thread computed since the one before.
    """

    phones: int
    prepared: int
    found_s: float
    ready_s: float
    beats: int
    late_ms: Sequence[float]
    blocked_ms: Sequence[float]
    busy_ms: Sequence[float]

    def summary(self) -> dict[str, float]:
        """Return the figures with the largest of each kind and how many are above the limit."""
        summary: dict[str, float] = {
            "phones": self.phones,
            "prepared": self.prepared,
            "found_s": self.found_s,
            "ready_s": self.ready_s,
            "beats": self.beats,
        }
        for kind in ("late", "blocked", "busy"):
            values: Sequence[float] = getattr(self, f"{kind}_ms")
            summary[f"{kind}_longest_ms"] = max(values)
            summary[f"{kind}_above_limit"] = sum(value > LIMIT_MS for value in values)
        return summary


def measure_window(home: Path, rack: str = RACK) -> dict[str, float]:
    """Run the control centre without a screen. Raises `ShardloomError` with its last words."""
    return figures_of("app.benchmarks.window_child", (rack, str(home)), TIMEOUT_S)
