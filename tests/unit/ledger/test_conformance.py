"""Reports on the standard in the journal: whose signatures they need, and what they tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import LedgerError
from app.core.facts import Fact
from app.core.standard.rules import RULES_OF, STANDARD_VERSION, RuleName, RuleOutcome
from app.ledger.rules.phones.conformance import ConformanceReport
from app.ledger.rules.phones.registration import ProvenKey
from tests.saying import raises_saying
from tests.signing import TRANSPORT_KEY
from tests.unit.ledger.support import Bench, SigningPhone
from workers.identity.identity import hello_statement


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.register()
    return bench


def outcomes(*broken: RuleName) -> list[RuleOutcome]:
    names, reason = [rule.name for rule in RULES_OF[STANDARD_VERSION]], Fact("rule.no_figures")
    return [RuleOutcome(each, reason if each in broken else None) for each in names]


def greeted(bench: Bench, phone: SigningPhone, report: ConformanceReport) -> ProvenKey:
    host = bench.ledger.host_key
    proof = phone.key.sign(hello_statement(report.digest, phone.serial, TRANSPORT_KEY, host))
    return ProvenKey(report.public_key, TRANSPORT_KEY, report.digest, proof)


def examine(bench: Bench, *broken: RuleName) -> ConformanceReport:
    phone = bench.phones[0]
    report = bench.ledger.conformance.report(phone.serial, outcomes(*broken))
    bench.ledger.conformance.record(report, greeted(bench, phone, report))
    return report


def test_the_newest_report_says_which_rules_a_phone_breaks(bench: Bench) -> None:
    serial = bench.phones[0].serial
    assert bench.ledger.standing(serial).standard == 0
    examine(bench, RuleName.STEERING, RuleName.CACHE)
    assert bench.ledger.standing(serial).broken_rules == ("cache", "steering")
    bench.ledger.close()
    bench.open()
    assert bench.ledger.standing(serial).broken_rules == ("cache", "steering")
    examine(bench)
    assert bench.ledger.standing(serial).broken_rules == ()
    assert bench.ledger.standing(serial).standard == STANDARD_VERSION
    newest = [row.summary.code for row in bench.ledger.snapshot().journal][-2:]
    assert newest[-1] == "journal.keeps_standard"
    bench.ledger.close()
    assert bench.verify().valid


def test_a_report_counts_once_and_for_one_phone(bench: Bench) -> None:
    phone, other = bench.phones[:2]
    report = examine(bench)
    with raises_saying(LedgerError, "is not its next one"):
        bench.ledger.conformance.record(report, greeted(bench, phone, report))
    report = bench.ledger.conformance.report(phone.serial, outcomes())
    with raises_saying(LedgerError, "did not prove its key"):
        bench.ledger.conformance.record(report, greeted(bench, other, report))


def entry_with(bench: Bench, changes: Mapping[str, Any]) -> None:
    """Write the entry that a report would have made, with other fields."""
    phone, record = bench.phones[0], bench.ledger._journal.record

    def altered(kind: str, fields: Mapping[str, Any], wall_ms: int) -> None:
        record(kind, {**fields, **changes}, wall_ms)

    report = bench.ledger.conformance.report(phone.serial, outcomes(RuleName.ANSWER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.ledger._journal, "record", altered)
        bench.ledger.conformance.record(report, greeted(bench, phone, report))


ALL_HOLD = [{"name": rule.name.value, "holds": True} for rule in RULES_OF[STANDARD_VERSION]]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"rules": ALL_HOLD}, "signed another report"),
        ({"rules": ALL_HOLD[1:]}, "does not say of each rule"),
        ({"rules": [*ALL_HOLD, ALL_HOLD[0]]}, "does not say of each rule"),
        ({"version": 99}, "is not known"),
        ({"run": 7}, "signed another report"),
        ({"numerical_class": "another"}, "signed another report"),
        ({"host_signature": "00" * 64}, "not signed by the ledger's host"),
        ({"proof": "00" * 64}, "did not prove its key"),
        ({"serial": "nobody"}, "is not registered"),
        ({"public_key": "11" * 32}, "does not have now"),
    ],
)
def test_nothing_in_a_report_can_be_changed(
    bench: Bench, changes: Mapping[str, Any], why: str
) -> None:
    before = bench.ledger.snapshot().entries
    with raises_saying(LedgerError, why):
        entry_with(bench, changes)
    assert bench.ledger.snapshot().entries == before


def test_a_key_that_was_withdrawn_signs_no_report(bench: Bench) -> None:
    phone = bench.phones[0]
    report = bench.ledger.conformance.report(phone.serial, outcomes())
    bench.ledger.withdraw_key(phone.serial, "key.removed_by_operator")
    with raises_saying(LedgerError, "does not have now"):
        bench.ledger.conformance.record(report, greeted(bench, phone, report))
