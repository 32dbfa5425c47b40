"""LinguaLinked's second optimisation against none: a phone gets half as quick while texts flow."""

from __future__ import annotations

import statistics
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from app.benchmarks.paper.sized_model import MODEL, text
from app.command_line.output.progress import shown_progress
from app.command_line.output.report import FigureTable
from app.command_line.rack_session import (
    COMMAND_TIMEOUT_S,
    WORKING_PHASES,
    RackSession,
    opened_rack,
)
from app.core.errors import ShardloomError
from app.core.identifiers import RequestId, Serial
from app.core.tasks import Complete
from app.core.units import format_rate
from app.faults.catalogue import Fault, FaultKind
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Ask, Inject
from app.rack.options import RackOptions
from app.rack.snapshot import RackSnapshot

STREAMS: Final = 4
TOKENS: Final = 400
DEPLOY_TIMEOUT_S: Final = 900.0
"""The slowest simulated radio takes a megabyte in three seconds."""
SLOW_FACTOR: Final = 2.0
CALM_S: Final = 12.0
SETTLING_S: Final = 60.0
RATED_S: Final = 6.0
"""At the end of each of the two, tokens are counted for so long."""
_LOOK_S: Final = 0.1
HEADINGS: Final = (
    "rack",
    "balancing",
    ">before",
    ">one half as quick",
    ">left",
    ">moves",
    ">paper",
)
REPORTED: Final = "1.29-1.32"


@dataclass(frozen=True)
class SlowdownRates:
    """One rack's rates before and after a phone got slow, in tokens a second."""

    before: float
    after: float
    moves: int
    texts: frozenset[tuple[int, ...]]
    """The tokens of each text, of those still being written so far as they are."""


@dataclass
class SlowdownFigures:
    """All rounds of one rack and setting."""

    rack: str
    balancing: Balancing
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    moves: list[int] = field(default_factory=list)

    def add(self, course: SlowdownRates) -> None:
        """Take in one round."""
        self.before.append(course.before)
        self.after.append(course.after)
        self.moves.append(course.moves)

    @property
    def shares(self) -> list[float]:
        """What was left of each round's rate."""
        return [after / before for before, after in zip(self.before, self.after, strict=True)]

    @property
    def row(self) -> tuple[str, ...]:
        """Return the line of the table."""
        return (
            self.rack,
            self.balancing.value,
            format_rate(statistics.median(self.before)),
            format_rate(statistics.median(self.after)),
            f"{statistics.median(self.shares):.2f}",
            f"{statistics.median(self.moves):g}",
        )


@dataclass(frozen=True)
class Slowdown:
    """One rack without balancing and with it, in turns."""

    rack: str
    off: SlowdownFigures
    on: SlowdownFigures
    one_text: bool
    """Whether no text's tokens differ, whatever moved."""

    @property
    def ratio(self) -> float:
        """How many times as much is left with balancing."""
        pairs = zip(self.on.shares, self.off.shares, strict=True)
        return statistics.median(moved / left for moved, left in pairs)

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Return the lines of the table."""
        texts = "all texts alike" if self.one_text else "texts differ"
        ratio = (self.rack, f"on over off; {texts}", "", "", f"{self.ratio:.2f}", "", REPORTED)
        return ((*self.off.row, ""), (*self.on.row, ""), ratio)

    @property
    def figures(self) -> dict[str, object]:
        """Return them for JSON."""
        off, on = asdict(self.off), asdict(self.on)
        return {
            "rack": self.rack,
            "off": off,
            "on": on,
            "ratio": self.ratio,
            "one_text": self.one_text,
        }


def measure_slowdown(rack: str, home: Path, rounds: int) -> Slowdown:
    """Measure a rack in both settings. Raises `ShardloomError` where texts differ."""
    off, on = SlowdownFigures(rack, Balancing.OFF), SlowdownFigures(rack, Balancing.ON)
    texts: set[tuple[int, ...]] = set()
    for _round in range(rounds):
        for each in (off, on):
            options = RackOptions(
                home=home, rack=rack, model=MODEL, balancing=each.balancing, audit_rate=0.0
            )
            with opened_rack(options) as session:
                course = _play(session)
            each.add(course)
            texts |= course.texts
    return Slowdown(rack, off, on, are_one_text(texts))


def figure_table(found: list[Slowdown]) -> FigureTable:
    """Return the table of all racks."""
    return FigureTable(HEADINGS, tuple(row for each in found for row in each.rows))


def _play(session: RackSession) -> SlowdownRates:
    with shown_progress(session):
        session.wait_until(lambda rack: rack.phase in WORKING_PHASES, DEPLOY_TIMEOUT_S)
        writing = _Writing(session)
        before = writing.rate_at_the_end_of(CALM_S)
        fault = Fault(FaultKind.SLOW, _slowest(session.newest), amount=SLOW_FACTOR)
        session.control.do(Inject(fault)).result(COMMAND_TIMEOUT_S)
        after = writing.rate_at_the_end_of(SETTLING_S)
    return SlowdownRates(before, after, len(session.newest.balancing.moves), writing.texts())


def _slowest(snapshot: RackSnapshot) -> Serial:
    if snapshot.prediction is None:
        raise ShardloomError("layers.none_applied")
    return max(snapshot.prediction.stages, key=lambda stage: stage.compute_s).serial


def are_one_text(texts: Collection[tuple[int, ...]]) -> bool:
    """Tell whether all are the beginning of one, and that one is not empty."""
    longest = max(texts, key=len, default=())
    return bool(longest) and all(longest[: len(text)] == text for text in texts)


class _Writing:
    """Texts without end: where one has ended the next begins."""

    def __init__(self, session: RackSession) -> None:
        self._session = session
        self._asked: list[RequestId] = []

    def rate_at_the_end_of(self, seconds: float) -> float:
        """Write for so long and return the rate of the last `RATED_S`."""
        self._write(seconds - RATED_S)
        before, began_s = self._written, time.monotonic()
        self._write(RATED_S)
        return (self._written - before) / (time.monotonic() - began_s)

    def texts(self) -> frozenset[tuple[int, ...]]:
        """Return the tokens of each, also of those that have not ended."""
        return frozenset(request.token_ids for request in self._session.newest.requests)

    def _write(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            ended = {each.identifier for each in self._session.newest.requests if each.state.ended}
            for _ in range(STREAMS - len(set(self._asked) - ended)):
                command = Ask(Complete(text(0)), TOKENS)
                self._asked.append(self._session.control.do(command).result(COMMAND_TIMEOUT_S))
            time.sleep(_LOOK_S)

    @property
    def _written(self) -> int:
        return sum(len(request.token_ids) for request in self._session.newest.requests)
