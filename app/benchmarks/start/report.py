"""The figures of programs started one after another, and how they are shown."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.command_line.output.progress import shown_progress
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.command_line.rack_session import RackSession, opened_rack
from app.core.facts import Fact
from app.core.units import format_duration
from app.rack.events.request_events import TokenAdded
from app.rack.options import DEFAULT_MODEL, DEMO_PROMPT, RackOptions

RACK: Final = "virtual:2"
STARTS: Final = 6
"""So many a round."""


@dataclass(frozen=True)
class Started:
    """A program: seconds to its first token and to its end, and what it computed for both."""

    first_s: float
    ended_s: float
    processor_s: float


def measure(rounds: int) -> BenchmarkReport:
    """Start programs one after another; the first may have to compile, and is not counted."""
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as folder:
        home = Path(folder)
        options = RackOptions(home, RACK, audit_rate=0.0, lets_terminals_in=True)
        with opened_rack(options) as session:
            with shown_progress(session):
                session.wait_until_ready()
            _started(session, home)
            started = [_started(session, home) for _ in range(rounds * STARTS)]
    bare_s = [_run("-c", "pass") for _ in started]
    first_s = [each.first_s for each in started]
    rows = (
        ("first token", *_times(first_s)),
        ("end", *_times([each.ended_s for each in started])),
        ("processor time", *_times([each.processor_s for each in started])),
        ("an interpreter alone", *_times(bare_s)),
    )
    figures = {"first_token_s": statistics.median(first_s), "least_s": min(first_s)}
    return BenchmarkReport(
        "Start",
        Fact("bench.start", starts=len(started)),
        (FigureTable(("run, from its start", ">median", ">least", ">most"), rows),),
        figures,
    )


def _started(session: RackSession, home: Path) -> Started:
    before_s, known = _processor_s(), {each.identifier for each in session.newest.requests}
    started_s = time.monotonic()
    given = ("--prompt", DEMO_PROMPT, "--tokens", "1", "--home", str(home))
    ended_s = _run("-m", "app", "run", DEFAULT_MODEL, *given)
    rack = session.control.snapshot()
    (request,) = (each.identifier for each in rack.requests if each.identifier not in known)
    first_s = next(
        event.at_s
        for event in session.control.follow(request)
        if isinstance(event.what, TokenAdded)
    )
    return Started(first_s - started_s, ended_s, _processor_s() - before_s)


def _run(*arguments: str) -> float:
    """Run Python to its end; returns how long that took."""
    started_s = time.monotonic()
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, *arguments], env=environment, check=True, capture_output=True
    )
    return time.monotonic() - started_s


def _processor_s() -> float:
    """Return the processor time of all programs that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _times(seconds: Sequence[float]) -> tuple[str, str, str]:
    median_s = statistics.median(seconds)
    return format_duration(median_s), format_duration(min(seconds)), format_duration(max(seconds))
