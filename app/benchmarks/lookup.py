"""What drafts bring: the same texts with them and without, where they pay and where they do not."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from app.benchmarks.rack import REQUEST_TIMEOUT_S, START_TIMEOUT_S
from app.command_line.output.progress import shown_progress
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.command_line.rack_session import RackSession, opened_rack
from app.command_line.request_progress import wait_until_settled
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.tasks import Complete
from app.core.units import format_rate
from app.pipeline.opening_stages.lookup import LookupMode
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Ask, Sampling
from app.rack.options import DEMO_PROMPT, RackOptions
from app.rack.snapshot import RequestSnapshot

PHONES: Final = 4
HOP_MS: Final = 10.0
TOKENS: Final = 200
TEMPERATURE: Final = 1.0
NAMES: Final = "the son of Adam, the son of Seth, the son of Enos, the son of"
TEXTS: Final = {
    "names": (NAMES, 0.0, 1),
    "names, two at a time": (NAMES, 0.0, 2),
    "names, four at a time": (NAMES, 0.0, 4),
    "story": (DEMO_PROMPT, 0.0, 1),
    "drawn": (DEMO_PROMPT, TEMPERATURE, 1),
}
"""What each text goes on with, at which temperature, and how often at a time."""
_PHONE: Final = """
[[phones]]
serial = "HOP{number}-000{number}"
name = "Phone {number}"
manufacturer = "Unnamed"
android_version = "14"
cores = 8
memory_bytes = 8_000_000_000
battery_percent = 80
temperature_celsius = 30.0
link_latency_ms = {latency_ms}
link_mbit_per_second = 100
"""


@dataclass
class TextRates:
    """Tokens a second of one text, a round each."""

    text: str
    plain: list[float] = field(default_factory=list)
    drafted: list[float] = field(default_factory=list)
    tokens_per_round: list[float] = field(default_factory=list)

    @property
    def gain(self) -> float:
        """How many times as fast it is with drafts."""
        pairs = zip(self.drafted, self.plain, strict=True)
        return statistics.median(drafted / plain for drafted, plain in pairs)


def measure(rounds: int) -> BenchmarkReport:
    """Measure each text. Raises `ShardloomError` where drafts change a token."""
    found = [TextRates(text) for text in TEXTS]
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as name, ExitStack() as stack:
        plain, drafted = (
            stack.enter_context(_opened(Path(name) / mode, mode))
            for mode in (LookupMode.OFF, LookupMode.AUTO)
        )
        for number in range(rounds + 1):
            for rates in found:
                _measure_round(rates, plain, drafted, number)
    explanation = Fact(
        "bench.lookup", tokens=TOKENS, hop=HOP_MS / 1e3, rounds=rounds, temperature=TEMPERATURE
    )
    figures = {"texts": [{**asdict(each), "gain": each.gain} for each in found]}
    return BenchmarkReport("Lookup", explanation, (_table(found),), figures)


@contextmanager
def _opened(home: Path, mode: LookupMode) -> Iterator[RackSession]:
    home.mkdir()
    file = home / "hops.toml"
    phones = (_PHONE.format(number=each + 1, latency_ms=HOP_MS / 2) for each in range(PHONES))
    file.write_text('name = "hops"\nuse = "all"\naudit_rate = 0.0\n' + "\n".join(phones))
    options = RackOptions(
        home=home, rack=str(file), audit_rate=0.0, balancing=Balancing.OFF, lookup=mode
    )
    with opened_rack(options) as session:
        with shown_progress(session):
            session.wait_until_ready()
        yield session


def _measure_round(rates: TextRates, plain: RackSession, drafted: RackSession, number: int) -> None:
    """Measure a text on both racks; the round of number 0 warms up."""
    sessions = (plain, drafted) if number % 2 else (drafted, plain)
    answers = {session: _answer(session, rates.text, number) for session in sessions}
    without, with_drafts = answers[plain], answers[drafted]
    if len({request.token_ids for request in (*without, *with_drafts)}) != 1:
        raise ShardloomError("bench.variants_differ")
    if number == 0:
        return
    rates.plain.append(sum(map(_rate, without)))
    rates.drafted.append(sum(map(_rate, with_drafts)))
    brought = [each.lookup.tokens_per_round or 0.0 for each in with_drafts]
    rates.tokens_per_round.append(statistics.mean(brought))


def _answer(session: RackSession, text: str, seed: int) -> tuple[RequestSnapshot, ...]:
    prompt, temperature, times = TEXTS[text]
    asked = Ask(Complete(prompt), TOKENS, Sampling(temperature, seed=seed))
    identifiers = [session.control.do(asked).result(START_TIMEOUT_S) for _ in range(times)]
    _snapshot, requests = wait_until_settled(session, identifiers, REQUEST_TIMEOUT_S)
    return requests


def _rate(request: RequestSnapshot) -> float:
    if request.tokens_per_second is None:
        raise ShardloomError("bench.no_figures")
    return request.tokens_per_second


def _table(found: list[TextRates]) -> FigureTable:
    headings = ("text", ">off", ">auto", ">tokens a round", ">gain")
    rows = tuple(
        (
            each.text,
            format_rate(statistics.median(each.plain)),
            format_rate(statistics.median(each.drafted)),
            f"{statistics.median(each.tokens_per_round):.2f}",
            f"{each.gain:.2f}",
        )
        for each in found
    )
    return FigureTable(headings, rows)
