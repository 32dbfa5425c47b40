"""What HTTP adds to an answer, beside the rack's own events; and many streams at once over it."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from app.benchmarks.racks.asked_rack import AskedRack
from app.benchmarks.racks.stream_reader import StreamRead, StreamReader
from app.command_line.output.progress import shown_progress
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.command_line.rack_session import opened_rack
from app.core.clock import SystemClock
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.core.tasks import Complete
from app.core.units import BYTES_PER_MEGABYTE, format_rate
from app.gateway.access.keys import KeyStore
from app.gateway.context import GatewaySettings
from app.gateway.server import Gateway
from app.rack.commands import Ask
from app.rack.events.request_events import TokenAdded
from app.rack.home import Home
from app.rack.options import DEFAULT_MODEL, DEMO_PROMPT, RackOptions

RACK: Final = "virtual:4"
TOKENS: Final = 64
PAIRS: Final = 4
"""So many answers a round each way."""
STREAMS: Final = 64
WAVES: Final = 3
START_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True)
class Timed:
    """One answer: seconds to its first token, and from there to its last."""

    first_s: float
    rest_s: float
    outside_s: float
    """Of the first token's: before the rack was asked, and after it told of the token."""


@dataclass(frozen=True)
class Wave:
    """Streams at once: tokens a second of all, and this process's memory afterwards."""

    tokens_per_second: float
    memory_bytes: int


def measure(rounds: int) -> BenchmarkReport:
    """Measure in turn by the rack's events and over HTTP, then many streams at once.

    Raises `ShardloomError` where a stream lost, doubled or moved any of the rack's tokens.
    """
    with _served_rack() as (rack, address), StreamReader.started(address) as reader:
        reader.read([_body(0)])
        pairs = [_pair(rack, reader, number) for number in range(rounds * PAIRS)]
        waves = [_wave(rack, reader, number) for number in range(WAVES)]
    inside, over_http = zip(*pairs, strict=True)
    added_ms = 1000 * statistics.median(http.outside_s - own.outside_s for own, http in pairs)
    ratio = statistics.median(own.rest_s / http.rest_s for own, http in pairs)
    answers = FigureTable(
        ("read", ">median first token", ">median rate", ">HTTP adds", ">HTTP's share of the rate"),
        (
            _row("rack's events", inside, "", ""),
            _row("HTTP", over_http, f"{added_ms:.2f} ms", f"{ratio:.3f}"),
        ),
    )
    streams = FigureTable(
        (f"{STREAMS} streams at once", ">all tokens", ">memory of the control centre"),
        tuple(_wave_row(number, wave) for number, wave in enumerate(waves, 1)),
    )
    figures = {
        "added_first_token_ms": added_ms,
        "rate_ratio": ratio,
        "pairs": len(pairs),
        "waves": [[wave.tokens_per_second, wave.memory_bytes] for wave in waves],
    }
    explanation = Fact("bench.http", pairs=len(pairs), tokens=TOKENS, streams=STREAMS)
    return BenchmarkReport("HTTP", explanation, (answers, streams), figures)


@contextmanager
def _served_rack() -> Iterator[tuple[AskedRack, str]]:
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as folder:
        home, clock = Home(Path(folder)), SystemClock()
        options = RackOptions(home.folder, RACK, slots=STREAMS, audit_rate=0.0)
        with opened_rack(options) as session:
            with shown_progress(session):
                session.wait_until_ready()
            settings = GatewaySettings(home.ledger_file, "127.0.0.1", 0, STREAMS)
            rack = AskedRack(session.control)
            gateway = Gateway(rack, KeyStore(home.keys, clock), settings, clock)
            try:
                yield rack, gateway.address
            finally:
                gateway.close()


def _pair(rack: AskedRack, reader: StreamReader, number: int) -> tuple[Timed, Timed]:
    """Measure both ways, each first in every second pair."""
    if number % 2 == 0:
        own = _by_events(rack)
        return own, _over_http(rack, reader)
    http = _over_http(rack, reader)
    return _by_events(rack), http


def _by_events(rack: AskedRack) -> Timed:
    asked_s = time.monotonic()
    asked = Ask(Complete(DEMO_PROMPT), TOKENS)
    request = rack.do(asked).result(START_TIMEOUT_S)
    times_s = [
        time.monotonic()
        for event in rack.follow(request)
        if isinstance(event.what, TokenAdded) and event.what.text
    ]
    return _timed(rack, request, asked_s, times_s[0], times_s[-1])


def _over_http(rack: AskedRack, reader: StreamReader) -> Timed:
    (read,) = reader.read([_body(0)])
    return _timed(rack, _request_of(read), read.asked_s, read.first_s, read.last_s)


def _timed(
    rack: AskedRack, request: RequestId, asked_s: float, first_s: float, last_s: float
) -> Timed:
    told_s = next(each.at_s for each in rack.follow(request) if isinstance(each.what, TokenAdded))
    outside_s = (rack.asked_s(request) - asked_s) + (first_s - told_s)
    return Timed(first_s - asked_s, last_s - first_s, outside_s)


def _request_of(read: StreamRead) -> RequestId:
    return RequestId(read.identifier.removeprefix("cmpl-"))


def _wave(rack: AskedRack, reader: StreamReader, number: int) -> Wave:
    bodies = [_body(1.0, number * STREAMS + each) for each in range(STREAMS)]
    started_s = time.perf_counter()
    read = reader.read(bodies)
    took_s = time.perf_counter() - started_s
    tokens = sum(_compare(rack, each) for each in read)
    return Wave(tokens / took_s, psutil.Process(os.getpid()).memory_info().rss)


def _compare(rack: AskedRack, read: StreamRead) -> int:
    """Return how many tokens the rack tells of an answer. Raises where the text is another."""
    events = [event.what for event in rack.follow(_request_of(read))]
    tokens = [what.text for what in events if isinstance(what, TokenAdded)]
    if "".join(tokens) != read.text:
        raise ShardloomError("bench.variants_differ")
    return len(tokens)


def _body(temperature: float, seed: int = 0) -> dict[str, Any]:
    return {
        "model": DEFAULT_MODEL,
        "prompt": DEMO_PROMPT,
        "max_tokens": TOKENS,
        "temperature": temperature,
        "seed": seed,
    }


def _row(name: str, timed: Sequence[Timed], added: str, ratio: str) -> tuple[str, ...]:
    first_ms = 1000 * statistics.median(each.first_s for each in timed)
    rate = (TOKENS - 1) / statistics.median(each.rest_s for each in timed)
    return (name, f"{first_ms:.1f} ms", format_rate(rate), added, ratio)


def _wave_row(number: int, wave: Wave) -> tuple[str, ...]:
    memory = f"{wave.memory_bytes / BYTES_PER_MEGABYTE:.1f} MB"
    return (f"time {number}", format_rate(wave.tokens_per_second), memory)
