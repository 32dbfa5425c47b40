"""The paper's own way to decode against ours, on the same phones and from the same text."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

from app.benchmarks.paper import sized_model
from app.benchmarks.paper.ring import PaperPhones, PaperRing, paper_ring
from app.benchmarks.paper.splits import applied, planned, split_by
from app.command_line.output.report import FigureTable
from app.command_line.rack_session import READY_TIMEOUT_S, RackSession
from app.command_line.request_progress import wait_until_settled
from app.core.assignment import Assignment
from app.core.errors import ShardloomError
from app.core.tasks import Complete
from app.core.units import format_rate
from app.placement.problem import Objective
from app.rack.commands import Ask

TOKENS, OUR_TOKENS = 8, 32
"""How many each tells in a round; theirs take long."""
HEADINGS: Final = (
    "rack",
    "placement of either",
    ">stages",
    ">paper's method",
    ">ours",
    ">ours over paper's",
)
PROGRAM: Final = "LinguaLinked linear program"
EQUAL: Final = "equal split"
ROOM_TOKENS: Final = sized_model.CONTEXT + TOKENS


@dataclass
class MethodRates:
    """One rack and placement: tokens a second of one text, a round each."""

    rack: str
    placement: str
    stages: str
    theirs: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)

    @property
    def gain(self) -> float:
        """How many times their rate ours is."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return statistics.median(our / their for our, their in pairs)

    @property
    def row(self) -> tuple[str, ...]:
        """Return the line of the table."""
        return (
            self.rack,
            self.placement,
            self.stages,
            format_rate(statistics.median(self.theirs)),
            format_rate(statistics.median(self.ours)),
            f"{self.gain:.1f}",
        )

    @property
    def figures(self) -> dict[str, object]:
        """Return them for JSON."""
        return {**asdict(self), "gain": self.gain}


def measure_methods(
    session: RackSession, phones: PaperPhones, rack: str, rounds: int
) -> list[MethodRates]:
    """Measure on an equal split, then each on its own plan. Raises `ShardloomError`."""
    equal, program = split_by(session, EQUAL), split_by(session, PROGRAM)
    applied(session, equal)
    alike = MethodRates(rack, "equal split", _stages(equal, equal))
    _measure(session, phones, alike, equal, rounds)
    own = MethodRates(rack, "its own", _stages(program, planned(session, Objective.LATENCY)))
    _measure(session, phones, own, program, rounds)
    return [alike, own]


def _measure(
    session: RackSession, phones: PaperPhones, rates: MethodRates, theirs: Assignment, rounds: int
) -> None:
    """Decode by both in turns; what is applied on the rack is ours."""
    with paper_ring(phones, theirs) as ring:
        for number in range(rounds + 1):
            text = sized_model.text(number)
            their_rate, our_rate = _decoded(ring, text), _asked(session, text)
            if number:  # the first round warms up
                rates.theirs.append(their_rate)
                rates.ours.append(our_rate)


def _decoded(ring: PaperRing, prompt: Sequence[int]) -> float:
    """Return the rate of the tokens after the first."""
    text, at_s = list(prompt), list[float]()
    for _ in range(TOKENS):
        text.append(ring.next_token(text))
        at_s.append(time.perf_counter())
    return (TOKENS - 1) / (at_s[-1] - at_s[0])


def _asked(session: RackSession, text: tuple[int, ...]) -> float:
    asked = session.control.do(Ask(Complete(text), OUR_TOKENS)).result(READY_TIMEOUT_S)
    _snapshot, (request,) = wait_until_settled(session, [asked], READY_TIMEOUT_S)
    if request.tokens_per_second is None:
        raise ShardloomError("bench.no_figures")
    return request.tokens_per_second


def _stages(theirs: Assignment, ours: Assignment) -> str:
    counts = {len(theirs.stages): None, len(ours.stages): None}
    return " / ".join(map(str, counts))


def figure_table(found: list[MethodRates]) -> FigureTable:
    """Return the table of all racks."""
    return FigureTable(HEADINGS, tuple(each.row for each in found))
