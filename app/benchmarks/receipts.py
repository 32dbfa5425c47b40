"""Receipts that 64 simulated phones keep for each other: traffic, losses, healing."""

from __future__ import annotations

import statistics
from dataclasses import asdict
from typing import Final

from app.command_line.output.report import BenchmarkReport, FigureTable
from app.core.facts import Fact
from app.core.units import format_bytes, format_duration
from app.simulation.receipts.racks import SIGNED_A_SECOND, RackLoss, lose_two_of

PHONES: Final = 64
RECEIPTS: Final = 640


def measure(rounds: int) -> BenchmarkReport:
    """Play `rounds` racks, a seed each."""
    found = [lose_two_of(PHONES, RECEIPTS, seed) for seed in range(rounds)]
    explanation = Fact(
        "bench.receipts", phones=PHONES, receipts=RECEIPTS, rate=SIGNED_A_SECOND, rounds=rounds
    )
    headings = ("what", ">median", ">worst", ">wanted")
    table = FigureTable(headings, tuple(_rows(found)))
    figures: dict[str, object] = {"racks": [asdict(each) for each in found]}
    return BenchmarkReport("Receipts on phones", explanation, (table,), figures)


def _rows(found: list[RackLoss]) -> list[tuple[str, ...]]:
    unstored = [float(each.receipts - each.stored) for each in found]
    traffic = [each.bytes_a_receipt for each in found]
    idle = [each.idle_bytes_per_second for each in found]
    rows = [
        ("stored receipts lost with two phones", [float(each.lost) for each in found], "0"),
        ("receipts not stored in the end", unstored, ""),
    ]
    counted = [
        (what, f"{statistics.median(x):g}", f"{max(x):g}", wanted) for what, x, wanted in rows
    ]
    times = [
        ("until two phones have a receipt", [each.stored_after_s for each in found], ""),
        ("until all are with three again", [each.healed_s for each in found], "30 s"),
        ("until a phone that was away has all", [each.returned_s for each in found], "30 s"),
    ]
    timed = [
        (what, format_duration(statistics.median(x)), format_duration(max(x)), wanted)
        for what, x, wanted in times
    ]
    sizes = [
        ("traffic a receipt", traffic, "6.14 kB"),
        ("traffic of a phone at rest, a second", idle, ""),
    ]
    sized = [
        (what, format_bytes(statistics.median(x)), format_bytes(max(x)), wanted)
        for what, x, wanted in sizes
    ]
    return [*counted, *timed, *sized]
