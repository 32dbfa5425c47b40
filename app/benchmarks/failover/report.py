"""How long a text waits for its next token where a worker is killed, stopped, or loses layers."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from app.benchmarks.failover.disturbing import Interruption, disturbed
from app.benchmarks.paper import sized_model
from app.benchmarks.paper.splits import applied, split_by
from app.command_line.output.progress import shown_progress
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.command_line.rack_session import READY_TIMEOUT_S, RackSession, opened_rack
from app.command_line.request_progress import wait_until_settled
from app.core.device import DeviceState
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.core.tasks import Complete
from app.core.units import format_duration
from app.models.library import Library
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Ask, ClearFault
from app.rack.events.request_events import TokenAdded
from app.rack.options import RackOptions
from app.rack.snapshot import RackSnapshot

RACK: Final = "virtual:4"
MORE: Final = 60
"""Tokens written after the disturbance."""
WANTED_S: Final = {Interruption.KILL: 1.0, Interruption.STOP: 2.0, Interruption.MOVE: 0.15}
HEADINGS: Final = (
    "what happens",
    ">tokens asked with",
    ">written by then",
    ">a token usually",
    ">longest wait",
    ">worst",
    ">wanted",
)
_PATIENCE_S: Final = 300.0


@dataclass(frozen=True)
class TextLength:
    """How long a text is where it is disturbed."""

    prompt: int
    written: int


LENGTHS: Final = (TextLength(64, 40), TextLength(64, 300), TextLength(900, 40))


@dataclass
class Waits:
    """One disturbance of texts of one length, a round each."""

    disturbance: str
    length: TextLength
    usual_s: list[float] = field(default_factory=list)
    longest_s: list[float] = field(default_factory=list)

    @property
    def row(self) -> tuple[str, ...]:
        """Return the line of the table."""
        return (
            self.disturbance,
            str(self.length.prompt),
            str(self.length.written),
            format_duration(statistics.median(self.usual_s)),
            format_duration(statistics.median(self.longest_s)),
            format_duration(max(self.longest_s)),
            format_duration(WANTED_S[Interruption(self.disturbance)]),
        )


def measure(rounds: int) -> BenchmarkReport:
    """Disturb each text in each way. Raises `ShardloomError` where one token differs."""
    found = [Waits(each.value, length) for length in LENGTHS for each in Interruption]
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as name:
        home = Path(name)
        with _opened(home) as session:
            equal = split_by(session, "equal split")
            applied(session, equal)
            undisturbed = {length: _written(session, length)[0] for length in LENGTHS}
            for number in range(rounds + 1):
                for place, waits in enumerate(found):
                    applied(session, equal)
                    _measure(session, home, waits, undisturbed[waits.length], number + place)
                if number == 0:  # the round that warms up
                    found = [Waits(each.disturbance, each.length) for each in found]
    table = FigureTable(HEADINGS, tuple(each.row for each in found))
    explanation = Fact(
        "bench.failover", rounds=rounds, rack=RACK, layers=sized_model.SIZE.layers, more=MORE
    )
    return BenchmarkReport("Failover", explanation, (table,), {"waits": [*map(asdict, found)]})


@contextmanager
def _opened(home: Path) -> Iterator[RackSession]:
    model = sized_model.imported(Library(home), home).name
    options = RackOptions(home, RACK, model, audit_rate=0.0, balancing=Balancing.OFF)
    with opened_rack(options) as session:
        with shown_progress(session):
            session.wait_until_ready()
        yield session


def _measure(
    session: RackSession, home: Path, waits: Waits, expected: Sequence[int], number: int
) -> None:
    identifier = _asked(session, waits.length)
    session.wait_until(
        lambda rack: _count(rack, identifier) >= waits.length.written, READY_TIMEOUT_S
    )
    with disturbed(session, home, Interruption(waits.disturbance), number) as began_s:
        tokens, times_s = _ended(session, identifier)
    if tokens != tuple(expected):
        raise ShardloomError("bench.variants_differ")
    gaps_s = [(later, later - before) for before, later in pairwise(times_s)]
    waits.usual_s.append(statistics.mean(gap for later, gap in gaps_s if later < began_s))
    waits.longest_s.append(max(gap for later, gap in gaps_s if later >= began_s))
    _mend(session)


def _mend(session: RackSession) -> None:
    """Wait until every phone can be given layers again."""
    for phone in session.newest.phones:
        session.control.do(ClearFault(phone.serial)).result(READY_TIMEOUT_S)
    usable = {DeviceState.READY, DeviceState.STANDBY, DeviceState.WORKING}
    session.wait_until(
        lambda rack: all(phone.state in usable for phone in rack.phones), READY_TIMEOUT_S
    )


def _written(session: RackSession, length: TextLength) -> tuple[tuple[int, ...], list[float]]:
    return _ended(session, _asked(session, length))


def _asked(session: RackSession, length: TextLength) -> RequestId:
    generator = np.random.default_rng(length.prompt)
    tokens = generator.integers(0, sized_model.SIZE.vocabulary_size, length.prompt)
    command = Ask(Complete(tuple(tokens.tolist())), length.written + MORE)
    return session.control.do(command).result(READY_TIMEOUT_S)


def _ended(session: RackSession, identifier: RequestId) -> tuple[tuple[int, ...], list[float]]:
    """Wait for a text's end and return its tokens and when each came."""
    events = list(session.control.follow(identifier))
    times_s = [event.at_s for event in events if isinstance(event.what, TokenAdded)]
    _snapshot, (request,) = wait_until_settled(session, [identifier], _PATIENCE_S)
    return request.token_ids, times_s


def _count(rack: RackSnapshot, identifier: RequestId) -> int:
    return sum(len(each.token_ids) for each in rack.requests if each.identifier == identifier)
