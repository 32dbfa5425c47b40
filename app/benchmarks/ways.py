"""What adb costs on the data path: three phones on Wi-Fi, kept apart on it, and on cables only."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from app.benchmarks.rack import (
    TOKENS,
    Measurement,
    RackFigures,
    interleaved,
    measure_rack,
)
from app.command_line.output.progress import shown_progress
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.command_line.rack_session import RackSession, opened_rack
from app.core.assets import ASSETS
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.units import format_duration, format_rate
from app.rack.commands import MeasureLinks, RequestAssignment
from app.rack.options import RackOptions
from app.rack.phones.rack_file import load_rack
from app.virtual.persona import Persona

PHONES = "virtual:3"
MEASURE_TIMEOUT_S = 60.0
HEADINGS = ("links", "ways", ">median rate", ">range", ">predicted", ">of direct", ">first token")
WAYS: Mapping[str, Mapping[str, Any]] = {
    "direct": {},
    "kept apart: relayed by the host": {"isolated": True},
    "cables only: all through adb": {"wifi": False},
}


@dataclass(frozen=True)
class _Way:
    """What was measured of a way, and what the planner promised of it beforehand."""

    figures: RackFigures
    predicted: float
    """Tokens per second."""


def measure(rounds: int) -> BenchmarkReport:
    """Measure every way, shaped and not. Raises `ShardloomError` where tokens differ."""
    rows: list[tuple[str, ...]] = []
    figures: dict[str, object] = {}
    for links in ("shaped", "loopback"):
        found = _measure_ways(rounds, shaped=links == "shaped")
        rows.extend(_row(links, each, found[0]) for each in found)
        figures[links] = [
            {
                **asdict(each.figures),
                "median": each.figures.median_rate,
                "predicted": each.predicted,
            }
            for each in found
        ]
    table = FigureTable(HEADINGS, tuple(rows))
    explanation = Fact("bench.ways", rounds=rounds, tokens=TOKENS)
    return BenchmarkReport("Ways", explanation, (table,), figures)


def _measure_ways(rounds: int, *, shaped: bool) -> list[_Way]:
    personas = load_rack(PHONES, ASSETS / "racks").personas
    if not shaped:
        personas = tuple(
            replace(each, link_latency_ms=None, link_mbit_per_second=None) for each in personas
        )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shardloom-bench-")))
        variants: dict[str, Callable[[], Measurement]] = {}
        sessions: list[RackSession] = []
        for number, (name, changes) in enumerate(WAYS.items()):
            file = folder / f"{number}.toml"
            file.write_text(_rack_text([replace(each, **changes) for each in personas]))
            options = RackOptions(home=folder / str(number), rack=str(file))
            session = stack.enter_context(opened_rack(options))
            with shown_progress(session):
                session.wait_until_ready()
            sessions.append(session)
            variants[name] = lambda session=session: measure_rack(session)  # type: ignore[misc]
        predicted = [_predicted(session) for session in sessions]
        return list(map(_Way, interleaved(variants, rounds), predicted))


def _predicted(session: RackSession) -> float:
    """Return what the rack expects of itself once all of its links are measured.

    Raises `ShardloomError` where it expects nothing.
    """
    control = session.control
    control.do(MeasureLinks()).result(MEASURE_TIMEOUT_S)
    applied = session.newest.applied
    if applied is not None:
        control.do(RequestAssignment(applied)).result(MEASURE_TIMEOUT_S)
        prediction = control.snapshot().prediction
        if prediction is not None:
            return prediction.tokens_per_second
    raise ShardloomError("bench.nothing_predicted")


def _row(links: str, way: _Way, direct: _Way) -> tuple[str, ...]:
    figures = way.figures
    return (
        links,
        figures.variant,
        format_rate(figures.median_rate),
        f"{min(figures.rates):.1f}-{max(figures.rates):.1f}",
        format_rate(way.predicted),
        f"{figures.median_ratio(direct.figures):.3f}",
        format_duration(figures.median_first_token_s),
    )


def _rack_text(personas: list[Persona]) -> str:
    """Return a rack file; JSON's texts, numbers and truth values are TOML's as well."""
    lines = ['use = "all"', "audit_rate = 1.0"]
    for persona in personas:
        lines.append("[[phones]]")
        table = asdict(persona)
        lines += [f"{key} = {json.dumps(table[key])}" for key in table if table[key] is not None]
    return "\n".join(lines) + "\n"
