"""A computer's clock that is set back: dates of entries never go backwards, and work goes on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.state import TransactionStatus
from app.ledger.storage.places import open_storage_read_only
from tests.unit.ledger.economy.support import EconomyBench

HOUR_S = 3600


def dates(bench: EconomyBench) -> list[int]:
    storage = open_storage_read_only(bench.place)
    try:
        with storage.consistent_read():
            return [entry.wall_ms for entry in storage.entries()]
    finally:
        storage.close()


def test_dates_never_go_backwards_and_all_that_has_a_deadline_still_works(tmp_path: Path) -> None:
    bench = EconomyBench(tmp_path)
    bench.work("before")
    bench.manual.advance(-HOUR_S)
    serial = bench.phones[2].serial
    bench.ledger.jail(serial, "hot", 1)
    assert bench.ledger.standing(serial).jailed_until_ms is not None
    bench.ledger.release(serial)
    bench.ledger.governance.stop_for(1, "a test")
    bench.ledger.governance.resume()
    work = bench.begin("meanwhile", 1_000_000)
    bench.sign_all(work)
    bench.ledger.settle(work, 5)
    bench.ledger.close()
    bench.open()  # the clock is still behind
    bench.ledger.recover()
    assert bench.status("meanwhile") is TransactionStatus.SETTLED
    bench.manual.advance(HOUR_S)
    bench.wait(Parameter.EVIDENCE_WINDOW_S)
    assert bench.status("meanwhile") is TransactionStatus.RELEASED
    bench.check()
    written = dates(bench)
    assert all(earlier <= later for earlier, later in pairwise(written))
    assert written[0] < written[-1]
