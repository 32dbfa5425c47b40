"""LinguaLinked's first claim: layers placed by what phones can do, against an equal split."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass, field
from typing import Final

from app.command_line.output.report import FigureTable
from app.command_line.rack_session import RackSession
from app.command_line.request_progress import wait_until_settled
from app.core.assignment import Assignment
from app.core.errors import ShardloomError
from app.core.tasks import Complete
from app.core.units import format_rate
from app.placement.problem import Objective
from app.rack.commands import Apply, Ask, Compare, Replan, RequestAssignment
from app.rack.options import DEMO_PROMPT

TOKENS: Final = 96
SEVERAL: Final = 4
REPORTED: Final = {1: "1.11-1.61", SEVERAL: "1.73-2.65"}
OBJECTIVES: Final = {1: Objective.LATENCY, SEVERAL: Objective.THROUGHPUT}
"""What a plan is asked for where so many texts are written."""
HEADINGS: Final = (
    "rack",
    ">texts at a time",
    ">equal split",
    ">optimised",
    ">stages",
    ">gain",
    ">paper",
)
_COMPARE_TIMEOUT_S: Final = 180.0
TIMEOUT_S: Final = 900.0
"""A move pushes weights over the slowest radio."""


@dataclass
class SplitRates:
    """One rack with so many texts at a time: tokens a second of all together, a round each."""

    rack: str
    streams: int
    equal: list[float] = field(default_factory=list)
    optimised: list[float] = field(default_factory=list)
    stages: int = 0
    """Phones that the optimised plan gives layers."""

    @property
    def gain(self) -> float:
        """How many times the rate of an equal split."""
        pairs = zip(self.optimised, self.equal, strict=True)
        return statistics.median(optimised / equal for optimised, equal in pairs)

    @property
    def row(self) -> tuple[str, ...]:
        """Return the line of the table."""
        return (
            self.rack,
            str(self.streams),
            format_rate(statistics.median(self.equal)),
            format_rate(statistics.median(self.optimised)),
            str(self.stages),
            f"{self.gain:.2f}",
            REPORTED[self.streams],
        )

    @property
    def figures(self) -> dict[str, object]:
        """Return them for JSON."""
        return {**asdict(self), "gain": self.gain}


def measure_splits(session: RackSession, rack: str, rounds: int) -> list[SplitRates]:
    """Measure both in turns. Raises `ShardloomError` where tokens differ."""
    equal, texts = split_by(session, "equal split"), set[tuple[int, ...]]()
    found = [SplitRates(rack, streams) for streams in OBJECTIVES]
    for number in range(rounds + 1):
        for rates in found:
            applied(session, equal)
            without = _rate(session, rates.streams, texts)
            optimised = planned(session, OBJECTIVES[rates.streams])
            with_plan = _rate(session, rates.streams, texts)
            rates.stages = len(optimised.stages)
            if number:  # the first round warms up
                rates.equal.append(without)
                rates.optimised.append(with_plan)
    if len(texts) != 1:
        raise ShardloomError("bench.variants_differ")
    return found


def split_by(session: RackSession, way: str) -> Assignment:
    """Return how a method places the model. Raises `ShardloomError` where it does not."""
    found = session.control.do(Compare()).result(_COMPARE_TIMEOUT_S)
    plan = next(each.plan for each in found if each.name == way)
    if plan is None:
        raise ShardloomError("bench.nothing_predicted")
    return plan.assignment


def planned(session: RackSession, objective: Objective) -> Assignment:
    """Apply the best plan found for an objective; return it."""
    session.control.do(Replan(objective)).result(TIMEOUT_S)
    session.control.do(Apply()).result(TIMEOUT_S)
    assignment = session.control.snapshot().applied
    if assignment is None:
        raise ShardloomError("layers.none_applied")
    return assignment


def applied(session: RackSession, assignment: Assignment) -> None:
    """Put an assignment on the phones."""
    session.control.do(RequestAssignment(assignment)).result(TIMEOUT_S)
    session.control.do(Apply()).result(TIMEOUT_S)


def figure_table(found: list[SplitRates]) -> FigureTable:
    """Return the table of all racks."""
    return FigureTable(HEADINGS, tuple(each.row for each in found))


def _rate(session: RackSession, streams: int, texts: set[tuple[int, ...]]) -> float:
    """Write so many texts at a time; return their tokens a second, from asking to the last."""
    started_s = time.perf_counter()
    asked = [
        session.control.do(Ask(Complete(DEMO_PROMPT), TOKENS)).result(TIMEOUT_S)
        for _ in range(streams)
    ]
    _snapshot, requests = wait_until_settled(session, asked, TIMEOUT_S)
    elapsed_s = time.perf_counter() - started_s
    texts.update(request.token_ids for request in requests)
    return sum(len(request.token_ids) for request in requests) / elapsed_s
