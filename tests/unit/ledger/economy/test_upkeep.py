"""What only time brings: a part that fails stops no other, and is said once."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.ledger.desks.governance import GovernanceDesk
from app.ledger.desks.stakes import StakeDesk
from app.ledger.entry import EntryKind
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.state import TransactionStatus
from app.words.sentences import fact_text
from tests.unit.ledger.economy.support import EconomyBench


def broken(desk: StakeDesk) -> None:
    """Write an entry, then fail: none of it may count."""
    desk._recorder.record(EntryKind.JAILED, {"serial": "phone-0", "reason": "x", "until_ms": 2**45})
    raise LedgerError("ledger.phone_unknown", phone="phone-9")


def odd(_desk: GovernanceDesk) -> None:
    raise KeyError("nobody expected this")


def test_a_part_that_fails_leaves_the_others_done_and_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(StakeDesk, "end_unbonding", broken)
    monkeypatch.setattr(GovernanceDesk, "decide_due", odd)
    bench = EconomyBench(tmp_path)
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    bench.ledger.settle(transaction, 5)
    bench.manual.advance(bench.state.economy.value(Parameter.EVIDENCE_WINDOW_S))
    for _ in range(3):
        failed = bench.ledger.look_after()
        assert set(failed) == {"stakes", "governance"}
    assert bench.status("t") is TransactionStatus.RELEASED
    assert bench.ledger.standing(bench.phones[0].serial).jailed_until_ms is None
    assert "Withdrawals that are due are not paid" in fact_text(failed["stakes"])
    assert "nobody expected this" in fact_text(failed["governance"])
    assert caplog.text.count("what is due of stakes is not done") == 1
    assert caplog.text.count("what is due of governance is not done") == 1
    bench.check()
