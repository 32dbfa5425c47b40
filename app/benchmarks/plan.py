"""How long planning takes, and how long it keeps the loop waiting that serves requests."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import asdict, dataclass

from app.benchmarks.random_rack import random_rack
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.core.clock import SystemClock
from app.core.facts import Fact
from app.core.nursery import Nursery
from app.core.units import format_duration
from app.placement.planner import plan
from app.placement.problem import PlacementProblem, Plan
from app.rack.blocking import BlockingPool
from app.rack.layers.problems import PLANNING_BUDGET_S

SIZES = ((12, 30), (16, 48), (64, 96))
"""Phones and layers."""
STREAMS = (4, 16)
BEAT_S = 0.005
HEADINGS = (
    "phones x layers",
    ">streams",
    ">planned in",
    ">at most",
    "proven",
    ">rate of the whole search",
    ">searched in",
    ">longest beat late",
    ">idle: longest beat late",
)


@dataclass(frozen=True)
class Planning:
    """Times in seconds; `rate` is the plan's over that of a search without a budget."""

    phones: int
    layers: int
    streams: int
    plan_s: tuple[float, ...]
    proven: bool
    rate: float
    search_s: float
    late_s: float
    idle_late_s: float


def measure(rounds: int) -> BenchmarkReport:
    """Plan racks of every size."""
    found = [
        asyncio.run(_measure(random_rack(layers, phones, streams), rounds))
        for phones, layers in SIZES
        for streams in STREAMS
    ]
    table = FigureTable(HEADINGS, tuple(_row(each) for each in found))
    figures = {"plans": [asdict(each) for each in found]}
    explanation = Fact("bench.plan", rounds=rounds, budget=PLANNING_BUDGET_S, beat=BEAT_S)
    return BenchmarkReport("Plan", explanation, (table,), figures)


async def _measure(problem: PlacementProblem, rounds: int) -> Planning:
    pool, nursery = BlockingPool(1, "planning"), Nursery(SystemClock())
    times_s, late_s, idle_late_s = [], [0.0], [0.0]
    made: Plan | None = None
    for _ in range(rounds):
        with_beats = nursery.start(_latest_beat_s(), "beats while planning")
        started_s = time.monotonic()
        made = await pool.run(plan, problem, budget_s=PLANNING_BUDGET_S)
        times_s.append(time.monotonic() - started_s)
        late_s.append(await _ended(with_beats))
        idle = nursery.start(_latest_beat_s(), "beats while idle")
        await asyncio.sleep(times_s[-1])
        idle_late_s.append(await _ended(idle))
    started_s = time.monotonic()
    best = await pool.run(plan, problem)
    search_s = time.monotonic() - started_s
    pool.shutdown()
    made = best if made is None else made
    return Planning(
        phones=len(problem.devices),
        layers=problem.model.layer_count,
        streams=problem.slots,
        plan_s=tuple(times_s),
        proven=made.proven_optimal,
        rate=made.prediction.streams_tokens_per_second / best.prediction.streams_tokens_per_second,
        search_s=search_s,
        late_s=max(late_s),
        idle_late_s=max(idle_late_s),
    )


async def _latest_beat_s() -> float:
    """Beat until cancelled; returns by how much the latest beat was late."""
    loop = asyncio.get_running_loop()
    latest_s = 0.0
    try:
        while True:
            due_s = loop.time() + BEAT_S
            await asyncio.sleep(BEAT_S)
            latest_s = max(latest_s, loop.time() - due_s)
    except asyncio.CancelledError:
        return max(latest_s, loop.time() - due_s)


async def _ended(beats: asyncio.Task[float]) -> float:
    beats.cancel()
    return await beats


def _row(found: Planning) -> tuple[str, ...]:
    return (
        f"{found.phones} x {found.layers}",
        str(found.streams),
        format_duration(statistics.median(found.plan_s)),
        format_duration(max(found.plan_s)),
        "proven" if found.proven else "not proven",
        f"{found.rate:.3f}",
        format_duration(found.search_s),
        format_duration(found.late_s),
        format_duration(found.idle_late_s),
    )
