"""What LinguaLinked (arXiv 2312.00388) reports, measured here, and its method beside ours."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.benchmarks.paper import own_method, sized_model, slowdown, splits
from app.benchmarks.paper.own_method import MethodRates, measure_methods
from app.benchmarks.paper.ring import switched_on
from app.benchmarks.paper.slowdown import Slowdown, measure_slowdown
from app.benchmarks.paper.splits import SplitRates, measure_splits
from app.command_line.output.progress import shown_progress
from app.command_line.output.report import BenchmarkReport
from app.command_line.rack_session import WORKING_PHASES, RackSession, opened_rack
from app.core.assets import ASSETS
from app.core.facts import Fact
from app.core.model import DEMO_MODEL
from app.models.library import Library
from app.placement.rebalancing.setting import Balancing
from app.rack.options import RackOptions
from app.rack.phones.rack_file import load_rack

RACKS: Final = ("five-phones", "lingualinked-paper")


@dataclass
class _Found:
    """What was measured of all racks."""

    splits: list[SplitRates] = field(default_factory=list)
    methods: list[MethodRates] = field(default_factory=list)
    slowdowns: list[Slowdown] = field(default_factory=list)


def measure(rounds: int) -> BenchmarkReport:
    """Measure both racks. Raises `ShardloomError` where any two ways tell other tokens."""
    found = _Found()
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as name:
        folder = Path(name)
        library = Library(folder)
        model = sized_model.imported(library, folder)
        for rack in RACKS:
            with _opened(rack, folder, DEMO_MODEL) as session:
                found.splits += measure_splits(session, rack, rounds)
            personas = load_rack(rack, ASSETS / "racks").personas
            paper = folder / "paper" / rack
            with (
                _opened(rack, folder, model.name) as session,
                switched_on(personas, paper, library, model, own_method.ROOM_TOKENS) as phones,
            ):
                found.methods += measure_methods(session, phones, rack, rounds)
            found.slowdowns.append(measure_slowdown(rack, folder, rounds))
    explanation = Fact(
        "bench.lingualinked",
        rounds=rounds,
        tokens=splits.TOKENS,
        context=sized_model.CONTEXT,
        layers=sized_model.SIZE.layers,
        streams=slowdown.STREAMS,
        calm=slowdown.CALM_S,
        rated=slowdown.RATED_S,
        settling=slowdown.SETTLING_S - slowdown.RATED_S,
    )
    tables = (
        splits.figure_table(found.splits),
        own_method.figure_table(found.methods),
        slowdown.figure_table(found.slowdowns),
    )
    return BenchmarkReport("LinguaLinked", explanation, tables, _figures(found))


@contextmanager
def _opened(rack: str, home: Path, model: str) -> Iterator[RackSession]:
    options = RackOptions(
        home=home, rack=rack, model=model, balancing=Balancing.OFF, audit_rate=0.0
    )
    with opened_rack(options) as session:
        with shown_progress(session):
            session.wait_until(lambda rack: rack.phase in WORKING_PHASES, slowdown.DEPLOY_TIMEOUT_S)
        yield session


def _figures(found: _Found) -> dict[str, object]:
    return {
        "splits": [each.figures for each in found.splits],
        "methods": [each.figures for each in found.methods],
        "slowdowns": [each.figures for each in found.slowdowns],
    }
