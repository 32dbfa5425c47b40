"""How long a long journal takes: to verify, to open and to page through. Each in a process anew."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final, TypeVar

from app.core.clock import SystemClock
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.signature_processes import SignatureProcesses
from app.ledger.journal.verification import verify_ledger
from app.ledger.ledger import Ledger
from app.ledger.views.pages import read_page
from app.rack.home import Home

PAGE: Final = 200
PAGES: Final = 20
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class LongReading:
    """Times in seconds; `memory_bytes` is the most that verifying took, its processes included."""

    entries: int
    file_bytes: int
    verified_s: float
    processor_s: float
    """What verifying took of all processors."""
    memory_bytes: int
    opened_s: float
    opening_processor_s: float
    page_s: float
    """The slowest of pages spread over all of the journal, first and last among them."""
    median_page_s: float


def read_long_journal(home: Home, told: Callable[[Fact], None]) -> LongReading:
    """Verify a ledger, page through it and open it; `told` hears what is next.

    Raises `ShardloomError` for one that is not right.
    """
    told(Fact("bench.long_verifying"))
    entries, verified_s, processor_s, memory_bytes = _apart(_verified, home)
    told(Fact("bench.long_paging"))
    pages_s = _apart(_pages, home, entries)
    told(Fact("bench.long_opening"))
    opened_s, opening_processor_s = _apart(_opened, home)
    return LongReading(
        entries,
        home.ledger_file.stat().st_size,
        verified_s,
        processor_s,
        memory_bytes,
        opened_s,
        opening_processor_s,
        max(pages_s),
        statistics.median(pages_s),
    )


def _apart(measure: Callable[..., _Found], *given: object) -> _Found:
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(measure, *given).result()


def _verified(home: Home) -> tuple[int, float, float, int]:
    began_s = time.perf_counter()
    report = verify_ledger(home.ledger_file, read_public_key(home.ledger_key))
    taken_s = time.perf_counter() - began_s
    if not report.valid:
        raise ShardloomError("bench.ledger_wrong", reason=report.problem or Fact("head.none"))
    usages = [resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor_s = sum(each.ru_utime + each.ru_stime for each in usages)
    own, largest_child = (each.ru_maxrss * 1024 for each in usages)
    # what is known of children is the largest; there are as many as processors, four at most
    return report.entries, taken_s, processor_s, own + SignatureProcesses.most() * largest_child


def _pages(home: Home, entries: int) -> list[float]:
    taken_s = []
    for number in range(PAGES):
        before = None if number == 0 else max(PAGE, entries * (PAGES - number) // PAGES)
        began_s = time.perf_counter()
        read_page(home.ledger_file, before, PAGE)
        taken_s.append(time.perf_counter() - began_s)
    return taken_s


def _opened(home: Home) -> tuple[float, float]:
    began_s, computed_s = time.perf_counter(), time.process_time()
    ledger = Ledger(home.ledger_file, home.ledger_key, SystemClock())
    taken_s = time.perf_counter() - began_s, time.process_time() - computed_s
    ledger.close()
    return taken_s
