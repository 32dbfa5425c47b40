"""How soon plans are made, how good they are, and how long they keep the loop waiting."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass

from app.benchmarks.racks.random_rack import random_rack
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.core.clock import SystemClock
from app.core.facts import Fact
from app.core.nursery import Nursery
from app.core.units import format_duration
from app.placement.asking.planner_process import PlannerProcess
from app.placement.asking.question import FIRST_ANSWER_S, PlannerQuestion
from app.placement.problem import PlacementProblem, Plan
from app.rack.blocking import BlockingPool
from app.rack.layers.problems import PLANNING_BUDGET_S

SIZES = ((16, 4), (32, 8), (48, 16), (96, 64), (96, 200))
"""Layers and phones."""
STREAMS = (4, 16)
LONGEST_S = 20.0
"""How long the search is that answers are compared with."""
BEAT_S = 0.005
HEADINGS = (
    "layers x phones",
    ">streams",
    ">first answer in",
    ">its gap",
    ">last answer in",
    ">its gap",
    ">proven",
    ">longest beat late",
    ">idle: longest beat late",
)


@dataclass(frozen=True)
class TimedPlan:
    """When an answer came, and what the streams get by it."""

    after_s: float
    rate: float
    proven: bool


@dataclass(frozen=True)
class PlannedRack:
    """How one rack was planned: the first answer, the last, and the best of a long search."""

    first: TimedPlan
    last: TimedPlan
    best_rate: float
    late_s: float
    idle_late_s: float

    def gap(self, answer: TimedPlan) -> float:
        """Return by what share less the streams get than by the best."""
        return 1 - answer.rate / max(self.best_rate, self.first.rate, self.last.rate)


@dataclass(frozen=True)
class Size:
    """All racks of one size."""

    layers: int
    phones: int
    streams: int
    plannings: tuple[PlannedRack, ...]


def measure(rounds: int) -> BenchmarkReport:
    """Plan so many racks of every size."""
    with closing(PlannerProcess(SystemClock())) as planner:
        planner.warm_up()
        planner.answer(PlannerQuestion(random_rack(8, 2, 1)))
        sizes = [
            Size(layers, phones, streams, _planned(planner, layers, phones, streams, rounds))
            for layers, phones in SIZES
            for streams in STREAMS
        ]
    table = FigureTable(HEADINGS, tuple(map(_row, sizes)))
    figures = {"plans": [asdict(each) for each in sizes]}
    explanation = Fact(
        "bench.plan", rounds=rounds, budget=PLANNING_BUDGET_S, longest=LONGEST_S, beat=BEAT_S
    )
    return BenchmarkReport("Plan", explanation, (table,), figures)


def _planned(
    planner: PlannerProcess, layers: int, phones: int, streams: int, rounds: int
) -> tuple[PlannedRack, ...]:
    racks = [random_rack(layers, phones, streams, seed) for seed in range(1, rounds + 1)]
    return tuple(asyncio.run(_measure(planner, rack)) for rack in racks)


async def _measure(planner: PlannerProcess, problem: PlacementProblem) -> PlannedRack:
    pool, nursery = BlockingPool(1, "planning"), Nursery(SystemClock())
    heard: list[TimedPlan] = []
    started_s = time.monotonic()

    def hear(found: Plan) -> None:
        heard.append(_answer(found, started_s))

    with_beats = nursery.start(_latest_beat_s(), "beats while planning")
    question = PlannerQuestion(problem, PLANNING_BUDGET_S, first_s=FIRST_ANSWER_S)
    hear(await pool.run(planner.answer, question, hear))
    late_s = await _ended(with_beats)
    idle = nursery.start(_latest_beat_s(), "beats while idle")
    await asyncio.sleep(heard[-1].after_s)
    idle_late_s = await _ended(idle)
    best = heard[-1]
    if not best.proven:
        best = _answer(
            await pool.run(planner.answer, PlannerQuestion(problem, LONGEST_S)), started_s
        )
    pool.shutdown()
    return PlannedRack(heard[0], heard[-1], best.rate, late_s, idle_late_s)


def _answer(found: Plan, started_s: float) -> TimedPlan:
    rate = found.prediction.streams_tokens_per_second
    return TimedPlan(time.monotonic() - started_s, rate, found.proven_optimal)


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


def _row(size: Size) -> tuple[str, ...]:
    plannings = size.plannings
    firsts, lasts = [each.first for each in plannings], [each.last for each in plannings]
    return (
        f"{size.layers} x {size.phones}",
        str(size.streams),
        _times([each.after_s for each in firsts]),
        _gaps([each.gap(each.first) for each in plannings]),
        _times([each.after_s for each in lasts]),
        _gaps([each.gap(each.last) for each in plannings]),
        f"{sum(each.proven for each in lasts)}/{len(plannings)}",
        format_duration(max(each.late_s for each in plannings)),
        format_duration(max(each.idle_late_s for each in plannings)),
    )


def _times(taken_s: Sequence[float]) -> str:
    return f"{format_duration(statistics.median(taken_s))}, {format_duration(max(taken_s))}"


def _gaps(gaps: Sequence[float]) -> str:
    return f"{statistics.median(gaps):.1%}, {max(gaps):.1%}"
