"""What a token draws from phones' batteries: predicted, and by what simulated batteries lost."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from app.benchmarks.paper import sized_model
from app.benchmarks.paper.splits import planned
from app.command_line.output.progress import shown_progress
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.command_line.rack_session import READY_TIMEOUT_S, RackSession, opened_rack
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.tasks import Complete
from app.core.units import format_rate, significant
from app.devices.condition.drain import drawn_watts
from app.models.library import Library
from app.placement.problem import Objective
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Ask
from app.rack.options import RackOptions
from app.rack.snapshot import RackSnapshot

SHARES: Final = (1.0, 0.5, 0.25)
"""Of a processor, one of each phone: a slower one draws as much, and for longer."""
REST_S, WORK_S = 12.0, 24.0
"""How long batteries are read without work, and with it; phones tell every two seconds."""
TOKENS: Final = 400
HEADINGS: Final = (
    "plan for",
    ">phones at work",
    ">rate",
    ">predicted",
    ">by batteries",
    ">of predicted",
)
_LOOK_S: Final = 0.2
_PHONE: Final = """
[[phones]]
serial = "CELL-000{number}"
name = "Phone {number}"
manufacturer = "Unnamed"
android_version = "14"
cores = 8
memory_bytes = 8_000_000_000
cpu_share = {share}
battery_percent = 80
plugged = false
temperature_celsius = 30.0
link_latency_ms = 2
link_mbit_per_second = 200
"""


@dataclass
class DrainFigures:
    """One objective, a round each; joules are of all phones together."""

    objective: str
    phones: int = 0
    rates: list[float] = field(default_factory=list)
    predicted_joules: list[float] = field(default_factory=list)
    """A token's computing; simulated radios draw nothing."""
    drained_joules: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """What batteries lost over what was predicted."""
        pairs = zip(self.drained_joules, self.predicted_joules, strict=True)
        return statistics.median(drained / predicted for drained, predicted in pairs)

    @property
    def row(self) -> tuple[str, ...]:
        """Return the line of the table."""
        return (
            self.objective,
            str(self.phones),
            format_rate(statistics.median(self.rates)),
            f"{significant(statistics.median(self.predicted_joules) * 1e3)} mJ",
            f"{significant(statistics.median(self.drained_joules) * 1e3)} mJ",
            f"{self.ratio:.2f}",
        )


def measure(rounds: int) -> BenchmarkReport:
    """Measure a plan for each objective in turns. Raises `ShardloomError`."""
    found = [DrainFigures(objective.value) for objective in Objective]
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as name:
        file = Path(name) / "cells.toml"
        phones = (_PHONE.format(number=at, share=share) for at, share in enumerate(SHARES, 1))
        file.write_text('name = "cells"\nuse = "best"\naudit_rate = 0.0\n' + "\n".join(phones))
        model = sized_model.imported(Library(Path(name)), Path(name)).name
        options = RackOptions(Path(name), str(file), model, audit_rate=0.0, balancing=Balancing.OFF)
        with opened_rack(options) as session:
            with shown_progress(session):
                session.wait_until_ready()
            for _round in range(rounds):
                for figures in found:
                    _measure(session, figures)
    table = FigureTable(HEADINGS, tuple(each.row for each in found))
    explanation = Fact(
        "bench.energy", rounds=rounds, rest=REST_S, work=WORK_S, layers=sized_model.SIZE.layers
    )
    objectives = [{**asdict(each), "ratio": each.ratio} for each in found]
    return BenchmarkReport("Energy", explanation, (table,), {"objectives": objectives})


def _measure(session: RackSession, figures: DrainFigures) -> None:
    assignment = planned(session, Objective(figures.objective))
    prediction = session.control.snapshot().prediction
    if prediction is None:
        raise ShardloomError("bench.nothing_predicted")
    idle_watts, _, _ = _read(session, REST_S, writing=False)
    busy_watts, tokens, elapsed_s = _read(session, WORK_S, writing=True)
    figures.phones = len(assignment.stages)
    figures.rates.append(tokens / elapsed_s)
    figures.predicted_joules.append(sum(stage.joules for stage in prediction.stages))
    figures.drained_joules.append((busy_watts - idle_watts) * elapsed_s / tokens)


def _read(session: RackSession, seconds: float, *, writing: bool) -> tuple[float, int, float]:
    """Return the mean watts of all phones, tokens written meanwhile, and how long it took."""
    readings: dict[tuple[str, float], float] = {}
    began_s, before = time.monotonic(), _written(session.newest)
    while (elapsed_s := time.monotonic() - began_s) < seconds or not readings:
        snapshot = session.newest
        if writing and all(request.state.ended for request in snapshot.requests):
            command = Ask(Complete(sized_model.text(0)), TOKENS)
            session.control.do(command).result(READY_TIMEOUT_S)
        if elapsed_s > seconds / 4:  # what was read before is of another state
            readings |= _watts(snapshot)
        time.sleep(_LOOK_S)
    serials = {serial for serial, _ in readings}
    means = (statistics.mean(w for (s, _), w in readings.items() if s == each) for each in serials)
    return sum(means), _written(session.newest) - before, elapsed_s


def _watts(snapshot: RackSnapshot) -> dict[tuple[str, float], float]:
    """Return what each phone's battery gave, by phone and the moment when it was read."""
    return {
        (phone.serial, phone.vitals_at_s): watts
        for phone in snapshot.phones
        if phone.vitals is not None
        and phone.vitals_at_s is not None
        and (watts := drawn_watts(phone.vitals)) is not None
    }


def _written(snapshot: RackSnapshot) -> int:
    return sum(len(request.token_ids) for request in snapshot.requests)
