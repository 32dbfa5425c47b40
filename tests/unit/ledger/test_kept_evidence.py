"""Evidence goes by a rule of the journal, never while something needs it, and the journal tells."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import TransactionId
from app.ledger.entry import EntryKind
from app.ledger.rules.deals.closing import VoidReason
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.kept.evidence import LEAST_BYTES
from app.ledger.rules.kept.evidence_rule import EvidenceRule
from tests.saying import raises_saying
from tests.unit.ledger.economy.support import EconomyBench

DAY_S = 86_400
MONTH = EvidenceRule(most_days=30, most_bytes=LEAST_BYTES)


class Keeping(EconomyBench):
    """A ledger whose evidence is as old as its clock says."""

    def keep(self, content: bytes) -> str:
        name = self.ledger.evidence.put(content)
        now_s = self.manual.wall_ms() / 1000
        os.utime(self.folder / name, (now_s, now_s))
        return name

    @property
    def folder(self) -> Path:
        return self.path.with_name("evidence")

    def days_pass(self, days: int) -> None:
        self.manual.advance(days * DAY_S)
        self.ledger.look_after()

    def entries(self, kind: str) -> int:
        return sum(each.kind == kind for each in self.ledger._store.entries())


@pytest.fixture
def bench(tmp_path: Path) -> Keeping:
    return Keeping(tmp_path)


def test_what_is_older_than_the_rule_says_goes_and_the_journal_tells_which(bench: Keeping) -> None:
    bench.ledger.kept_evidence.keep_by(MONTH)
    old = bench.keep(b"old")
    bench.days_pass(20)
    young = bench.keep(b"young")
    bench.days_pass(11)
    assert not bench.ledger.evidence.has(old)
    assert bench.ledger.evidence.has(young)
    gone = list(bench.ledger._store.entries_with(old))
    assert [each.kind for each in gone] == [EntryKind.EVIDENCE_LET_GO]
    assert bench.verify().valid


def test_without_a_rule_nothing_goes_for_its_age(bench: Keeping) -> None:
    old = bench.keep(b"old")
    bench.days_pass(4000)
    assert bench.ledger.evidence.has(old)


def test_the_oldest_go_first_where_there_is_too_much(
    bench: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ledger.rules.kept.evidence.LEAST_BYTES", 10)
    bench.ledger.kept_evidence.keep_by(EvidenceRule(0, 30))
    names = []
    for number in range(5):
        names.append(bench.keep(bytes([number]) * 9))
        bench.manual.advance(60)
    bench.days_pass(1)
    assert [bench.ledger.evidence.has(each) for each in names] == [False] * 2 + [True] * 3


def test_what_a_transaction_under_way_may_need_stays_until_it_is_over(bench: Keeping) -> None:
    bench.ledger.kept_evidence.keep_by(EvidenceRule(1, LEAST_BYTES))
    name = bench.begin("t")
    bench.sign_all("t")
    needed = bench.keep(b"what it read and answered")
    bench.days_pass(3)
    assert bench.ledger.evidence.has(needed)
    bench.ledger.deals.void(name, VoidReason.EXPIRED)
    bench.days_pass(1)
    assert not bench.ledger.evidence.has(needed)
    assert bench.verify().valid


def test_an_entry_that_lets_go_what_is_needed_breaks_a_rule(bench: Keeping) -> None:
    bench.begin("t")
    agreed = bench.state.transaction("t").agreed[0].terms
    for names, before_ms in (([agreed.request], 1), (["0" * 64], bench.manual.wall_ms())):
        fields = {"names": names, "kept_before_ms": before_ms}
        with raises_saying(LedgerError, "may need this evidence"):
            bench.ledger._record(EntryKind.EVIDENCE_LET_GO, fields)
    for odd in ([], ["x"], ["0" * 64] * 2):
        fields = {"names": odd, "kept_before_ms": 1}
        with raises_saying(LedgerError, "digests"):
            bench.ledger._record(EntryKind.EVIDENCE_LET_GO, fields)


def test_a_conviction_whose_evidence_was_let_go_is_told_apart_from_one_that_lacks_it(
    bench: Keeping,
) -> None:
    for name in ("t", "u"):
        bench.begin(name)
        bench.sign_all(name)
        bench.convict(name, 2 if name == "t" else 1)
        bench.ledger.settle(TransactionId(name), 5)
    bench.wait(Parameter.EVIDENCE_WINDOW_S)
    assert bench.verify().convictions == 2
    first, second = sorted(bench.folder.iterdir(), key=lambda each: each.stat().st_mtime_ns)
    for path in (first, second):
        os.utime(path, (bench.manual.wall_ms() / 1000 - DAY_S * 40,) * 2)
    second.rename(bench.folder / "aside")
    bench.ledger.kept_evidence.keep_by(MONTH)
    bench.days_pass(1)
    report = bench.verify()
    assert report.valid
    assert (report.convictions, report.let_go, report.unproven) == (0, 1, 1)


def test_deleting_that_was_broken_off_is_finished_and_what_was_kept_again_stays(
    bench: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.ledger.kept_evidence.keep_by(MONTH)
    old, again = bench.keep(b"old"), bench.keep(b"again")
    with monkeypatch.context() as patch:
        patch.setattr(bench.ledger.evidence, "delete", lambda *_: None)
        bench.days_pass(40)
    assert bench.entries(EntryKind.EVIDENCE_LET_GO) == 1
    bench.keep(b"again")
    bench.ledger.close()
    bench.open()
    assert not bench.ledger.evidence.has(old)
    assert bench.ledger.evidence.has(again)


def test_a_rule_out_of_bounds_is_refused_and_one_in_force_is_journalled_once(
    bench: Keeping,
) -> None:
    for odd in (EvidenceRule(4000), EvidenceRule(1, 5), EvidenceRule(1, 1 << 50)):
        with raises_saying(LedgerError, "kept for"):
            bench.ledger.kept_evidence.keep_by(odd)
    bench.ledger.kept_evidence.keep_by(MONTH)
    bench.ledger.kept_evidence.keep_by(MONTH)
    assert bench.entries(EntryKind.EVIDENCE_RULE) == 1
    bench.ledger.close()
    bench.open()
    assert bench.ledger.kept_evidence.rule == MONTH
