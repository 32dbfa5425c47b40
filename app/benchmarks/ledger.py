"""Receipts with the ledger: committed in groups beside one commit an entry."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.benchmarks.stages.paced_receipts import PER_SECOND, answered_after_s
from app.benchmarks.stages.signed_receipts import SignedReceipt, receipts_to_record
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.core.clock import SystemClock
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.nursery import Nursery
from app.core.units import format_duration, format_rate
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.rules.evidence import SignedReceipt as Received
from app.rack.home import Home
from app.rack.ledger_thread import LARGEST_GROUP, LedgerThread

RECEIPTS = 4096
PACED_RECEIPTS = 1000
IN_FLIGHT = 64
WANTED_PER_SECOND = 3000
WANTED_WITHIN_S = 0.02
SYNCHRONISED_WRITES = 50
PAGE_BYTES = 4096
VARIANTS = {"one commit an entry": 1, "in groups": LARGEST_GROUP}
"""How many operations may share a commit."""
HEADINGS = (
    "variant",
    ">median rate",
    ">range",
    ">of one by one",
    ">receipts a commit",
    ">answered after",
    ">processor a receipt",
    ">wanted",
)
PACED_HEADINGS = ("rate", ">median", ">of 100 the slowest", ">slowest", ">wanted")


@dataclass
class LedgerFigures:
    """All rounds of one variant; times in seconds."""

    variant: str
    rates: list[float] = field(default_factory=list)
    """Receipts per second."""
    receipts_a_commit: list[float] = field(default_factory=list)
    answered_after_s: list[float] = field(default_factory=list)
    """The median of each round's receipts."""
    processor_s: list[float] = field(default_factory=list)
    """A receipt's."""

    def gain(self, other: LedgerFigures) -> float:
        """Return the median over rounds of this variant's rate divided by the other's."""
        pairs = zip(self.rates, other.rates, strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


def measure(rounds: int) -> BenchmarkReport:
    """Measure both variants in every round. Raises `ShardloomError` where a ledger is not valid."""
    figures = [LedgerFigures(variant) for variant in VARIANTS]
    synchronised_s: list[float] = []
    paced_s: list[float] = []
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as folder:
        for turn in range(rounds):
            synchronised_s += _synchronised_writes(Path(folder) / "page")
            for each in figures:
                home = Home(Path(folder) / f"{turn}-{VARIANTS[each.variant]}")
                asyncio.run(_measure_round(each, home))
            paced_s += asyncio.run(_measure_paced(Home(Path(folder) / f"{turn}-paced")))
    rows = tuple(_row(each, figures[0]) for each in figures)
    synchronised = statistics.median(synchronised_s)
    explanation = Fact(
        "bench.ledger",
        rounds=rounds,
        receipts=RECEIPTS,
        in_flight=IN_FLIGHT,
        synchronised=synchronised,
        paced=PACED_RECEIPTS,
        rate=PER_SECOND,
    )
    variants = [{**asdict(each), "median": statistics.median(each.rates)} for each in figures]
    found = {"variants": variants, "gain": figures[1].gain(figures[0]), "sync_s": synchronised}
    tables = FigureTable(HEADINGS, rows), FigureTable(PACED_HEADINGS, (_paced_row(paced_s),))
    return BenchmarkReport("Ledger", explanation, tables, {**found, "paced_s": paced_s})


async def _measure_paced(home: Home) -> list[float]:
    clock = SystemClock()
    books = LedgerThread(home, clock, Nursery(clock))
    await books.open()
    receipts = await books.run(lambda ledger: receipts_to_record(ledger, PACED_RECEIPTS))
    answered_s = await answered_after_s(books, receipts)
    await books.close()
    return answered_s


async def _measure_round(figures: LedgerFigures, home: Home) -> None:
    clock = SystemClock()
    books = LedgerThread(home, clock, Nursery(clock), VARIANTS[figures.variant])
    await books.open()
    receipts = await books.run(lambda ledger: receipts_to_record(ledger, RECEIPTS))
    entries = books.newest.entries if books.newest else 0
    await _measure_receipts(figures, books, receipts)
    await books.close()
    report = verify_ledger(home.ledger_file, read_public_key(home.ledger_key))
    ended = entries + len(receipts) + 1
    if not report.valid or report.entries != ended:
        reason = report.problem or Fact("bench.entries_missing", count=ended - report.entries)
        raise ShardloomError("bench.ledger_wrong", reason=reason)


async def _measure_receipts(
    figures: LedgerFigures, books: LedgerThread, receipts: Sequence[SignedReceipt]
) -> None:
    remaining = iter(receipts)
    answered_after_s: list[float] = []
    lengths: set[int] = set()

    async def hand_in(left: Iterator[SignedReceipt]) -> None:
        for receipt in left:
            began = time.perf_counter()
            if books.receipt_checks.are_wanted(1):
                await books.receipt_checks.check([Received.of(*receipt)])
            await books.run(lambda ledger, receipt=receipt: ledger.record_receipt(*receipt))  # type: ignore[misc]
            answered_after_s.append(time.perf_counter() - began)
            lengths.add(books.newest.entries if books.newest else 0)

    began, computed = time.perf_counter(), time.process_time()
    await asyncio.gather(*(hand_in(remaining) for _ in range(IN_FLIGHT)))
    count = len(receipts)
    figures.rates.append(count / (time.perf_counter() - began))
    figures.processor_s.append((time.process_time() - computed) / count)
    figures.receipts_a_commit.append(count / len(lengths))
    figures.answered_after_s.append(statistics.median(answered_after_s))


def _synchronised_writes(path: Path) -> list[float]:
    """Return how long each of some appended pages took to be on the disk."""
    taken_s = []
    with path.open("ab", buffering=0) as file:
        for _ in range(SYNCHRONISED_WRITES):
            began = time.perf_counter()
            file.write(bytes(PAGE_BYTES))
            os.fdatasync(file.fileno())
            taken_s.append(time.perf_counter() - began)
    return taken_s


def _paced_row(answered_s: list[float]) -> tuple[str, ...]:
    return (
        format_rate(PER_SECOND, "receipts"),
        format_duration(statistics.median(answered_s)),
        format_duration(statistics.quantiles(answered_s, n=100)[-1]),
        format_duration(max(answered_s)),
        f"at most {format_duration(WANTED_WITHIN_S)}",
    )


def _row(figures: LedgerFigures, single: LedgerFigures) -> tuple[str, ...]:
    grouped = figures is not single
    return (
        figures.variant,
        format_rate(statistics.median(figures.rates), "receipts"),
        f"{min(figures.rates):.0f}-{max(figures.rates):.0f}",
        f"{figures.gain(single):.2f}",
        f"{statistics.median(figures.receipts_a_commit):.1f}",
        format_duration(statistics.median(figures.answered_after_s)),
        format_duration(statistics.median(figures.processor_s)),
        f"at least {WANTED_PER_SECOND:,}" if grouped else "",
    )
