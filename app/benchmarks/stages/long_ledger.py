"""A long ledger, written and then read: `shardloom bench ledger --entries N`."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from app.benchmarks.stages.long_journal import make_long_journal
from app.benchmarks.stages.long_reading import PAGE, PAGES, LongReading, read_long_journal
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.units import format_bytes, format_duration
from app.rack.home import Home

Told = Callable[[Fact, int, int], None]
"""Hears what is done, and how much of how much; of 0 where that is not known."""
ENTRY_BYTES: Final = 2000
"""What an entry takes on the disk, tables and log included, rounded up."""
_HEADINGS: Final = ("what", ">measured", ">wanted of 1,000,000")


def measure_long(entries: int, told: Told) -> BenchmarkReport:
    """Write a ledger of at least so many entries in a folder that is removed, and read it.

    Raises `BadInputError` where the disk has no room for it, `ShardloomError` where what was
    written is not right.
    """
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as folder:
        _require_room(Path(folder), entries * ENTRY_BYTES)
        home, began_s = Home(Path(folder) / "long"), time.process_time()
        make_long_journal(
            home, entries, lambda done: told(Fact("bench.long_writing"), done, entries)
        )
        written_s = time.process_time() - began_s
        found = read_long_journal(home, lambda stage: told(stage, 0, 0))
    explanation = Fact("bench.long_ledger", entries=found.entries, page=PAGE, pages=PAGES)
    figures = {**asdict(found), "writing_processor_s": written_s}
    table = FigureTable(_HEADINGS, tuple(_rows(found, written_s)))
    return BenchmarkReport("Long ledger", explanation, (table,), figures)


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BadInputError("bench.no_room", path=str(folder.parent), free=free, needed=needed)


def _rows(found: LongReading, written_s: float) -> list[tuple[str, str, str]]:
    return [
        ("writing, processor", format_duration(written_s), ""),
        ("file", format_bytes(found.file_bytes), ""),
        ("verifying", format_duration(found.verified_s), "120 s"),
        ("verifying, all processors", format_duration(found.processor_s), ""),
        ("memory to verify, at most", format_bytes(found.memory_bytes), "600 MB"),
        ("opening", format_duration(found.opened_s), "2 s"),
        ("opening, processor", format_duration(found.opening_processor_s), ""),
        ("a page, median", format_duration(found.median_page_s), ""),
        ("a page, slowest", format_duration(found.page_s), "100 ms"),
    ]
