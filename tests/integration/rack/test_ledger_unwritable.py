"""A ledger that cannot be written for a while: nobody is blamed for it, nothing is left open."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from app.core.device import DeviceState
from app.ledger.views.export import export_ledger
from app.rack.home import Home
from app.rack.snapshot import RequestState
from app.words.sentences import reason_text
from tests.integration.rack.support import (
    HELD,
    finish,
    generate,
    open_virtual_rack,
    paused_before,
    start,
    wait_for,
)

TOKENS = 20


def test_a_request_whose_receipts_cannot_be_written_fails_and_no_phone_is_jailed(
    tmp_path: Path,
) -> None:
    ledger = Home(tmp_path).ledger_file
    with open_virtual_rack(tmp_path, 2) as rack:
        with (
            paused_before(HELD) as pause,
            closing(sqlite3.connect(ledger, isolation_level=None)) as other,
        ):
            identifier = start(rack, TOKENS)
            pause.wait()
            before = len(export_ledger(ledger)["entries"])
            other.execute("BEGIN IMMEDIATE")
            pause.end()
            failed = finish(rack, identifier)
            assert len(export_ledger(ledger)["entries"]) == before
        assert failed.state is RequestState.FAILED
        assert "ledger could not be written" in reason_text(failed.state_reason)
        jailed = [phone for phone in rack.snapshot().phones if phone.state is DeviceState.JAILED]
        assert jailed == []
        for _ in range(2):
            assert generate(rack, TOKENS).state is RequestState.SETTLED
        wait_for(rack, lambda newest: newest.ledger is not None and newest.ledger.slashes == ())
    kinds = {entry["kind"] for entry in export_ledger(ledger)["entries"]}
    assert not kinds & {"receipt-withheld", "jailed", "slashed"}
