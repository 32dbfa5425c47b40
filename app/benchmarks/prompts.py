"""How soon a prompt's first token comes: chunk by chunk or several at a time, and rows reused."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from app.benchmarks.rack import REQUEST_TIMEOUT_S, START_TIMEOUT_S
from app.benchmarks.stages.random_model import LlamaSize, write_random_llama
from app.command_line.output.progress import shown_progress
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.command_line.rack_session import RackSession, opened_rack
from app.command_line.request_progress import wait_until_settled
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.tasks import Complete
from app.core.units import format_duration
from app.models.library import Library
from app.pipeline.prompts.prefill_window import MOST_CHUNKS
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Ask
from app.rack.options import RackOptions
from app.rack.snapshot import RequestSnapshot

MODEL: Final = "random-135M"
SIZE: Final = LlamaSize(
    layers=30, hidden_size=576, inner_size=1536, heads=9, kv_heads=3, vocabulary_size=49_152
)
"""The sizes of SmolLM2-135M."""
LONG: Final = 960
"""Tokens of the prompt that is read chunk by chunk and several at a time."""
SAID, ANSWER, NEW = 700, 32, 64
"""Tokens of a conversation's first prompt, of its answer, and of what is asked next."""
CONTEXT_TOKENS: Final = 1_024
FAR_LATENCY_MS: Final = 15.0
RACKS: Final = ("virtual:4", "far")


@dataclass
class RackTimes:
    """First tokens on one rack, in seconds, a round each."""

    rack: str
    chunk_by_chunk_s: list[float] = field(default_factory=list)
    several_s: list[float] = field(default_factory=list)
    turn_s: list[float] = field(default_factory=list)
    new_alone_s: list[float] = field(default_factory=list)
    anew_s: list[float] = field(default_factory=list)
    reused: list[int] = field(default_factory=list)

    @property
    def gain(self) -> float:
        """How much sooner the first token comes with several chunks under way."""
        return _median_ratio(self.chunk_by_chunk_s, self.several_s)

    @property
    def turn_over_new(self) -> float:
        """A next turn over a prompt as long as what is new in it."""
        return _median_ratio(self.turn_s, self.new_alone_s)

    @property
    def anew_over_turn(self) -> float:
        """Reading a next turn anew over going on from what is there."""
        return _median_ratio(self.anew_s, self.turn_s)


def measure(rounds: int) -> BenchmarkReport:
    """Measure each rack. Raises `ShardloomError` where variants differ in their tokens."""
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as name:
        folder = Path(name)
        source = write_random_llama(folder / "checkpoint", SIZE)
        found = [_measure_rack(folder, source, rack, rounds) for rack in RACKS]
    figures = {
        "racks": [
            {**asdict(each), "gain": each.gain, "turn_over_new": each.turn_over_new}
            for each in found
        ]
    }
    explanation = Fact(
        "bench.prompts",
        rounds=rounds,
        hop=2 * FAR_LATENCY_MS / 1e3,
        chunk=64,
        long=LONG,
        said=SAID,
        answer=ANSWER,
        new=NEW,
    )
    return BenchmarkReport("Prompts", explanation, (_reading(found), _conversation(found)), figures)


def _measure_rack(folder: Path, source: Path, rack: str, rounds: int) -> RackTimes:
    times = RackTimes(rack)
    with ExitStack() as stack:
        slow, quick = (
            stack.enter_context(_opened(folder / f"{rack}-{chunks}", source, rack, chunks))
            for chunks in (1, MOST_CHUNKS)
        )
        for number in range(rounds + 1):
            texts = np.random.default_rng(number)
            _read(times, slow, quick, _text(texts, LONG))
            _converse(times, quick, texts)
            if number == 0:  # the round that warms up
                times = RackTimes(rack)
    return times


@contextmanager
def _opened(home: Path, source: Path, rack: str, chunks: int) -> Iterator[RackSession]:
    home.mkdir()
    Library(home).import_folder(source, MODEL, "q8")
    place = rack
    if rack == "far":
        file = home / "far.toml"
        file.write_text(_far())
        place = str(file)
    options = RackOptions(
        home=home,
        rack=place,
        model=MODEL,
        context_tokens=CONTEXT_TOKENS,
        audit_rate=0.0,
        balancing=Balancing.OFF,
        most_chunks=chunks,
    )
    with opened_rack(options) as session:
        with shown_progress(session):
            session.wait_until_ready()
        yield session


def _far() -> str:
    phones = [
        f'[[phones]]\nserial = "FAR{number}-000{number}"\nname = "Phone {number}"\n'
        'manufacturer = "Unnamed"\nandroid_version = "14"\ncores = 8\n'
        "memory_bytes = 8_000_000_000\nbattery_percent = 80\ntemperature_celsius = 30.0\n"
        f"link_latency_ms = {FAR_LATENCY_MS}\nlink_mbit_per_second = 100\n"
        for number in range(1, 5)
    ]
    return 'name = "far"\nuse = "all"\naudit_rate = 0.0\n\n' + "\n".join(phones)


def _text(generator: np.random.Generator, tokens: int) -> tuple[int, ...]:
    return tuple(int(token) for token in generator.integers(0, SIZE.vocabulary_size, tokens))


def _read(times: RackTimes, slow: RackSession, quick: RackSession, prompt: tuple[int, ...]) -> None:
    answers = [_first_token(session, prompt, 1, "read") for session in (slow, quick)]
    _check_same([answer.token_ids for answer in answers])
    for kept, answer in zip((times.chunk_by_chunk_s, times.several_s), answers, strict=True):
        kept.append(_seconds(answer))


def _converse(times: RackTimes, session: RackSession, texts: np.random.Generator) -> None:
    said = _text(texts, SAID)
    answer = _first_token(session, said, ANSWER, "conversation").token_ids
    turn = (*said, *answer, *_text(texts, NEW))
    asked: dict[str, Callable[[], RequestSnapshot]] = {
        "new": lambda: _first_token(session, turn[SAID:], 1, "new"),
        "turn": lambda: _first_token(session, turn, 1, "conversation"),
        "anew": lambda: _first_token(session, turn, 1, "another"),
    }
    found = {name: ask() for name, ask in asked.items()}
    _check_same([found["turn"].token_ids, found["anew"].token_ids])
    times.reused.append(found["turn"].reused_tokens)
    times.new_alone_s.append(_seconds(found["new"]))
    times.turn_s.append(_seconds(found["turn"]))
    times.anew_s.append(_seconds(found["anew"]))


def _first_token(
    session: RackSession, prompt: tuple[int, ...], tokens: int, keeper: str
) -> RequestSnapshot:
    asked = session.control.do(Ask(Complete(prompt), tokens, keeper=keeper))
    identifier = asked.result(START_TIMEOUT_S)
    _snapshot, (request,) = wait_until_settled(session, [identifier], REQUEST_TIMEOUT_S)
    return request


def _seconds(request: RequestSnapshot) -> float:
    if request.time_to_first_token_ms is None:
        raise ShardloomError("bench.no_figures")
    return request.time_to_first_token_ms / 1000


def _check_same(tokens: Sequence[tuple[int, ...]]) -> None:
    if len(set(tokens)) != 1:
        raise ShardloomError("bench.variants_differ")


def _reading(found: Sequence[RackTimes]) -> FigureTable:
    headings = ("rack", f">{LONG} tokens, chunk by chunk", ">several at a time", ">sooner by")
    rows = tuple(
        (
            each.rack,
            _median(each.chunk_by_chunk_s),
            _median(each.several_s),
            f"{each.gain:.2f}",
        )
        for each in found
    )
    return FigureTable(headings, rows)


def _conversation(found: Sequence[RackTimes]) -> FigureTable:
    headings = (
        "rack",
        ">next turn",
        ">tokens reused",
        ">new alone",
        ">turn / new alone",
        ">anew",
        ">anew / turn",
    )
    rows = tuple(
        (
            each.rack,
            _median(each.turn_s),
            f"{statistics.median(each.reused):.0f} of {SAID + ANSWER + NEW}",
            _median(each.new_alone_s),
            f"{each.turn_over_new:.2f}",
            _median(each.anew_s),
            f"{each.anew_over_turn:.2f}",
        )
        for each in found
    )
    return FigureTable(headings, rows)


def _median(times_s: Sequence[float]) -> str:
    return format_duration(statistics.median(times_s))


def _median_ratio(ones: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))
