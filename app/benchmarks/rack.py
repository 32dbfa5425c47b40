"""Decoding through the whole rack: the model in one session against racks of virtual phones."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.command_line.output.progress import shown_progress
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.command_line.rack_session import RackSession, opened_rack
from app.command_line.request_progress import wait_until_settled
from app.core.assets import ASSETS
from app.core.errors import BadInputError, ShardloomError
from app.core.facts import Fact
from app.core.model import ModelManifest
from app.core.tasks import Complete
from app.core.units import format_duration, format_rate
from app.models.library import Library
from app.models.whole import WholeModel
from app.rack.commands import Ask
from app.rack.options import DEMO_PROMPT, RackOptions

RACKS = ("virtual:1", "virtual:2", "virtual:4")
TOKENS = 64
START_TIMEOUT_S = 30.0
REQUEST_TIMEOUT_S = 300.0
HEADINGS = ("variant", ">median rate", ">range", ">of whole", ">first token", ">settled after")


@dataclass(frozen=True)
class Measurement:
    """One run; `settled_s` from the prompt to the last audit, None where nothing is audited."""

    token_ids: tuple[int, ...]
    tokens_per_second: float
    first_token_s: float
    settled_s: float | None


@dataclass
class RackFigures:
    """All rounds of one variant; rates in tokens per second after the first token."""

    variant: str
    rates: list[float] = field(default_factory=list)
    first_token_s: list[float] = field(default_factory=list)
    settled_s: list[float] = field(default_factory=list)

    @property
    def median_rate(self) -> float:
        """Median tokens per second."""
        return statistics.median(self.rates)

    @property
    def median_first_token_s(self) -> float:
        """Median time to the first token."""
        return statistics.median(self.first_token_s)

    @property
    def median_settled_s(self) -> float | None:
        """Median time until the request was settled."""
        return statistics.median(self.settled_s) if self.settled_s else None

    def median_ratio(self, other: RackFigures) -> float:
        """Median over rounds of this variant's rate divided by the other's."""
        pairs = zip(self.rates, other.rates, strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)

    def add(self, measurement: Measurement) -> None:
        """Take in one round."""
        self.rates.append(measurement.tokens_per_second)
        self.first_token_s.append(measurement.first_token_s)
        if measurement.settled_s is not None:
            self.settled_s.append(measurement.settled_s)


def measure(rounds: int) -> BenchmarkReport:
    """Measure every variant in every round. Raises `ShardloomError` where tokens differ."""
    figures = _measure_variants(rounds)
    rows = tuple(_row(each, figures[0]) for each in figures)
    variants = [{**asdict(each), "median": each.median_rate} for each in figures]
    explanation = Fact("bench.rack", rounds=rounds, tokens=TOKENS)
    return BenchmarkReport(
        "Rack", explanation, (FigureTable(HEADINGS, rows),), {"variants": variants}
    )


def _row(figures: RackFigures, whole: RackFigures) -> tuple[str, ...]:
    settled_s = figures.median_settled_s
    return (
        figures.variant,
        format_rate(figures.median_rate),
        f"{min(figures.rates):.1f}-{max(figures.rates):.1f}",
        f"{figures.median_ratio(whole):.3f}",
        format_duration(figures.median_first_token_s),
        "" if settled_s is None else format_duration(settled_s),
    )


def _measure_variants(rounds: int) -> list[RackFigures]:
    """Measure every variant once a round, the whole model first in the list.

    One unmeasured round warms up. Raises `ShardloomError` where variants disagree on the tokens.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shardloom-bench-")))
        library = Library(folder)
        manifest = library.ensure_demo(ASSETS / "demo_model")
        variants: dict[str, Callable[[], Measurement]] = {
            "whole": lambda: _measure_whole(library, manifest)
        }
        for rack in RACKS:
            options = RackOptions(home=folder / rack.replace(":", "-"), rack=rack)
            session = stack.enter_context(opened_rack(options))
            with shown_progress(session):
                session.wait_until_ready()
            variants[rack] = lambda session=session: measure_rack(session)  # type: ignore[misc]
        return interleaved(variants, rounds)


def interleaved(variants: dict[str, Callable[[], Measurement]], rounds: int) -> list[RackFigures]:
    """Measure every variant once a round, after one round that warms up.

    Raises `ShardloomError` where variants disagree on the tokens.
    """
    figures = {name: RackFigures(name) for name in variants}
    expected = {measure().token_ids for measure in variants.values()}
    for _round in range(rounds):
        for name, measure in variants.items():
            measurement = measure()
            expected.add(measurement.token_ids)
            figures[name].add(measurement)
    if len(expected) != 1:
        raise ShardloomError("bench.variants_differ")
    return list(figures.values())


def _measure_whole(library: Library, manifest: ModelManifest) -> Measurement:
    tokenizer = library.tokenizer(manifest)
    if tokenizer is None:
        raise BadInputError("bench.no_tokenizer")
    pending: Sequence[int] = tokenizer.encode(DEMO_PROMPT)
    model, position = WholeModel(manifest, library), 0
    times_s, generated = [time.perf_counter()], list[int]()
    while len(generated) < TOKENS and not set(generated[-1:]) & set(manifest.end_tokens):
        generated.append(int(model.step(pending, position).argmax()))
        times_s.append(time.perf_counter())
        position, pending = position + len(pending), generated[-1:]
    rate = (len(generated) - 1) / (times_s[-1] - times_s[1])
    return Measurement(tuple(generated), rate, times_s[1] - times_s[0], None)


def measure_rack(session: RackSession) -> Measurement:
    """Run one request on a rack. Raises `ShardloomError` where it does not settle."""
    started_s = time.perf_counter()
    identifier = session.control.do(Ask(Complete(DEMO_PROMPT), TOKENS)).result(START_TIMEOUT_S)
    _snapshot, (request,) = wait_until_settled(session, [identifier], REQUEST_TIMEOUT_S)
    settled_s = time.perf_counter() - started_s
    first_ms, rate = request.time_to_first_token_ms, request.tokens_per_second
    if first_ms is None or rate is None:
        raise ShardloomError("bench.no_figures")
    return Measurement(request.token_ids, rate, first_ms / 1000, settled_s)
