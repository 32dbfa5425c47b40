"""Registration, receipts, audits, slashes, pay: what the ledger does and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.core.audit_outcome import AuditOutcome
from app.core.errors import LedgerError
from app.core.identifiers import Serial, TransactionId
from app.ledger.journal.verification import verify_ledger
from app.ledger.ledger import Ledger
from app.ledger.rules.economy import CREDIT, STARTING_STAKE, WATCHED_AUDITS
from app.ledger.rules.evidence import SignedReceipt
from app.ledger.rules.phones.registration import ProvenKey
from app.ledger.rules.verdict import AuditVerdict, ReceiptStatus, verdict_fields
from app.testing.clocks import ManualClock
from tests.saying import raises_saying
from tests.signing import NONCE, TRANSPORT_KEY, proven_key
from tests.unit.ledger.support import PRICE, Bench, SigningPhone, Verdict, eventful
from workers.identity.receipts import RECEIPT_DOMAIN
from workers.protocol.chain import ChainName, Span


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.register()
    return bench


def kinds(ledger: Ledger) -> list[str]:
    return [row.kind for row in ledger.snapshot().journal]


def test_a_registered_phone_has_the_starting_stake_and_registering_again_changes_nothing(
    bench: Bench,
) -> None:
    entries = bench.ledger.snapshot().entries
    bench.register()
    standing = bench.ledger.standing(bench.phones[0].serial)
    assert (standing.stake, standing.bonded) == (500 * CREDIT, 100 * CREDIT)
    assert bench.ledger.snapshot().entries == entries


def test_a_changed_key_is_journalled_and_the_old_one_no_longer_counts(bench: Bench) -> None:
    phone = bench.phones[0]
    transaction = bench.begin("t")
    old = phone.receipt(transaction, 0)
    renewed = SigningPhone(phone.serial, "renewed")
    renewed.terms = phone.terms
    host_key = bench.ledger.host_key
    alone = proven_key(renewed.key, phone.serial, host_key)
    with raises_saying(LedgerError, match="its old one did not sign"):
        bench.ledger.register_phone(phone.serial, alone, "class")
    signed = proven_key(renewed.key, phone.serial, host_key, predecessor=phone.key)
    bench.ledger.register_phone(phone.serial, signed, "class")
    assert kinds(bench.ledger)[-1] == "phone-changed"
    assert bench.ledger.standing(phone.serial).stake == STARTING_STAKE
    with raises_saying(LedgerError, match="not signed with the key"):
        bench.ledger.record_receipt(*old)
    bench.ledger.record_receipt(*renewed.receipt(transaction, 0))


def test_a_low_order_key_cannot_be_registered(bench: Bench) -> None:
    weak = ProvenKey(bytes(32), TRANSPORT_KEY, NONCE, bytes(64))
    with raises_saying(LedgerError, match="did not prove its key"):
        bench.ledger.register_phone(Serial("weak"), weak, "class")


def test_a_receipt_counts_once_and_a_renewed_signature_over_the_same_content_is_no_lie(
    bench: Bench,
) -> None:
    transaction, phone = bench.begin("t"), bench.phones[0]
    first = phone.receipt(transaction, 0)
    assert bench.ledger.record_receipt(*first) is ReceiptStatus.RECORDED
    entries = bench.ledger.snapshot().entries
    assert bench.ledger.record_receipt(*first) is ReceiptStatus.REPEATED
    assert bench.ledger.record_receipt(*phone.receipt(transaction, 0)) is ReceiptStatus.REPEATED
    assert bench.ledger.snapshot().entries == entries


def test_two_receipts_that_contradict_each_other_cost_the_whole_stake_once(bench: Bench) -> None:
    transaction, phone = bench.begin("t"), bench.phones[0]
    bench.ledger.record_receipt(*phone.receipt(transaction, 0))
    lie = phone.receipt(transaction, 0, output_root="a" * 64)
    assert bench.ledger.record_receipt(*lie) is ReceiptStatus.EQUIVOCATION
    assert bench.ledger.record_receipt(*lie) is ReceiptStatus.EQUIVOCATION
    standing = bench.ledger.standing(phone.serial)
    assert (standing.stake, standing.bonded, standing.slashed) == (0, 0, STARTING_STAKE)
    (slash,) = bench.ledger.snapshot().slashes
    assert "output_root" in slash.evidence
    with raises_saying(LedgerError, match="banned for good"):
        bench.ledger.release(phone.serial)
    with raises_saying(LedgerError, match="banned for good"):
        bench.ledger.add_stake(phone.serial, CREDIT)


@pytest.mark.parametrize("change", [{"sequence": 2**60}, {"span": "\ud800"}, {"steps": 1.5}, {}])
def test_a_signed_receipt_that_makes_no_sense_is_refused_in_one_line(
    bench: Bench, change: dict[str, object]
) -> None:
    phone = bench.phones[0]
    fields = json.loads(phone.receipt(bench.begin("t"), 0)[0])
    data = json.dumps({**fields, **change}).encode() if change else b"[" * 16_000
    signature = phone.key.sign(RECEIPT_DOMAIN + data)
    with raises_saying(LedgerError, match="Receipt refused"):
        bench.ledger.record_receipt(data, signature, phone.public_key)


@pytest.mark.parametrize(
    "changes",
    [
        {"blocks": Span(ChainName.DECODER, 1, 2)},
        {"blocks": Span(ChainName.DECODER, 0, 8)},
        {"blocks": Span(ChainName.ENCODER, 0, 2)},
        {"serial": "phone-1"},
    ],
)
def test_a_receipt_about_something_else_than_agreed_is_refused(
    bench: Bench, changes: dict[str, object]
) -> None:
    transaction = bench.begin("t")
    with raises_saying(LedgerError, match="is not about stage"):
        bench.ledger.record_receipt(*bench.phones[0].receipt(transaction, 0, **changes))


def test_a_receipt_that_was_found_to_hold_lends_that_to_no_other_signature(bench: Bench) -> None:
    data, signature, key = bench.phones[0].receipt(bench.begin("t"), 0)
    signed = SignedReceipt.of(data, signature, key)
    signed.take_as_verified(signed.reading())
    for other in (bytes(64), bench.phones[1].key.sign(RECEIPT_DOMAIN + data)):
        with raises_saying(LedgerError, match="signature does not fit"):
            bench.ledger.record_receipt(data, other, key)
    assert bench.ledger.record_receipt(data, signature, key) is ReceiptStatus.RECORDED


def test_a_tampered_receipt_and_one_for_an_unknown_transaction_are_refused(bench: Bench) -> None:
    data, signature, key = bench.phones[0].receipt(bench.begin("t"), 0)
    with raises_saying(LedgerError, match="signature does not fit"):
        bench.ledger.record_receipt(data.replace(b'"steps":3', b'"steps":4'), signature, key)
    with raises_saying(LedgerError, match="not in the ledger"):
        bench.ledger.record_receipt(*bench.phones[0].receipt("unknown", 0))


def test_a_wrong_output_costs_a_fifth_of_the_original_stake_and_ten_minutes_of_jail(
    bench: Bench,
) -> None:
    serial = bench.phones[1].serial
    for number in range(1, 7):
        transaction = bench.begin(f"t{number}")
        bench.sign_all(transaction)
        bench.convict(transaction, 1)
        taken = bench.ledger.slash(serial, transaction, "wrong-output", {"deviation": 0.25})
        assert taken == (100 * CREDIT if number <= 5 else 0)
        assert bench.ledger.slash(serial, transaction, "wrong-output", {}) == 0
    standing = bench.ledger.standing(serial)
    assert (standing.stake, standing.slashed, standing.audits_failed) == (0, STARTING_STAKE, 6)
    assert bench.ledger.snapshot().treasury == STARTING_STAKE
    assert standing.jailed_until_ms == bench.clock.wall_ms() + 600_000


def test_nobody_is_slashed_for_a_wrong_output_without_a_failed_sharp_test(bench: Bench) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    serial = bench.phones[1].serial
    bench.fail_audit(transaction, 1)
    with raises_saying(LedgerError, match="proves 'wrong-output'"):
        bench.ledger.slash(serial, transaction, "wrong-output", {})
    with raises_saying(LedgerError, match="No penalty"):
        bench.ledger.slash(serial, transaction, "bad-mood", {})


def test_a_phone_that_deviates_keeps_stake_and_pay_but_loses_reputation_and_is_audited_more_often(
    bench: Bench,
) -> None:
    transaction, serial = bench.begin("t"), bench.phones[1].serial
    bench.sign_all(transaction)
    before = bench.ledger.standing(serial).reputation
    bench.deviate(transaction, 1)
    bench.deviate(transaction, 1)
    with raises_saying(LedgerError, match="proves 'wrong-output'"):
        bench.ledger.slash(serial, transaction, "wrong-output", {})
    bench.ledger.settle(transaction, 5)
    standing = bench.ledger.standing(serial)
    assert (standing.stake, standing.slashed, standing.jailed_until_ms) == (STARTING_STAKE, 0, None)
    assert standing.balance > 0
    assert (standing.audits_passed, standing.audits_failed, standing.audits_deviating) == (0, 0, 1)
    assert bench.ledger.standing(serial).reputation < before
    assert bench.ledger.snapshot().journal[-3].summary.code == "journal.audit_deviates"


def test_a_phone_is_audited_as_others_are_once_it_passed_so_many_audits(bench: Bench) -> None:
    serial = bench.phones[0].serial
    deviating = bench.begin("deviating", audit_rate=0.1)
    bench.sign_all(deviating)
    bench.deviate(deviating, 0)
    for number in range(WATCHED_AUDITS):
        transaction = bench.begin(f"t{number}", audit_rate=0.1)
        bench.sign_all(transaction)
        assert [bench.audit_rate(transaction, stage) for stage in range(3)] == [0.5, 0.1, 0.1]
        bench.ledger.record_audit(Verdict(transaction, 0, serial, AuditOutcome.PASSED))
    last = bench.begin("last", audit_rate=0.1)
    bench.sign_all(last)
    assert bench.audit_rate(last, 0) == 0.1
    bench.ledger.close()
    assert bench.verify().valid


def test_a_journal_of_before_there_was_an_outcome_between_the_two_still_verifies(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_before(verdict: AuditVerdict) -> dict[str, Any]:
        fields = verdict_fields(verdict)
        del fields["outcome"]
        return fields

    monkeypatch.setattr("app.ledger.ledger.verdict_fields", as_before)
    transaction, serial = bench.begin("t"), bench.phones[0].serial
    bench.sign_all(transaction)
    bench.ledger.record_audit(Verdict(transaction, 0, serial, AuditOutcome.PASSED))
    bench.convict(transaction, 1)
    bench.ledger.slash(bench.phones[1].serial, transaction, "wrong-output", {})
    bench.ledger.close()
    assert bench.verify().valid
    bench.open()
    assert bench.ledger.standing(serial).audits_passed == 1
    assert bench.ledger.standing(bench.phones[1].serial).audits_failed == 1


@pytest.mark.parametrize("told", ["deviates", "failed", "perhaps"])
def test_an_outcome_that_contradicts_what_is_said_beside_it_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    transaction, serial = bench.begin("t"), bench.phones[0].serial
    bench.sign_all(transaction)

    def contradicting(verdict: AuditVerdict) -> dict[str, Any]:
        return verdict_fields(verdict) | {"outcome": told}

    monkeypatch.setattr("app.ledger.ledger.verdict_fields", contradicting)
    with raises_saying(LedgerError, match="outcome"):
        bench.ledger.record_audit(Verdict(transaction, 0, serial, AuditOutcome.PASSED))


def test_an_audit_without_a_receipt_is_refused(bench: Bench) -> None:
    transaction = bench.begin("t")
    with raises_saying(LedgerError, match="no receipt"):
        bench.fail_audit(transaction, 0)


def test_a_withheld_receipt_jails_and_lowers_reputation_but_takes_nothing(bench: Bench) -> None:
    transaction, serial = bench.begin("t"), bench.phones[0].serial
    bench.ledger.jail(bench.phones[1].serial, "hot", 5)
    bench.ledger.record_receipt(*bench.phones[1].receipt(transaction, 1))
    bench.ledger.record_audit(Verdict(transaction, 1, bench.phones[1].serial, AuditOutcome.PASSED))
    bench.ledger.withheld(serial, transaction)
    bench.ledger.withheld(serial, transaction)
    assert kinds(bench.ledger).count("receipt-withheld") == 1
    standing = bench.ledger.standing(serial)
    assert (standing.stake, standing.slashed) == (STARTING_STAKE, 0)
    assert standing.jailed_until_ms is not None
    assert (
        bench.ledger.standing(serial).reputation
        < bench.ledger.standing(bench.phones[1].serial).reputation
    )


def test_a_phone_that_is_left_unpaid_gets_nothing_though_it_signed(bench: Bench) -> None:
    transaction = bench.begin("t")
    bench.sign_all("t")
    left_out, blamed_only = bench.phones[0].serial, bench.phones[1].serial
    bench.ledger.withheld(left_out, transaction, unpaid_for="hid what it had computed with")
    bench.ledger.withheld(blamed_only, transaction)
    bench.ledger.settle(transaction, 10)
    assert bench.ledger.standing(left_out).balance == 0
    assert bench.ledger.standing(blamed_only).balance > 0
    assert bench.ledger.standing(left_out).slashed == 0
    assert bench.verify().valid


def test_a_jail_term_ends_by_itself_or_by_release(bench: Bench) -> None:
    serial, other = bench.phones[0].serial, bench.phones[1].serial
    bench.ledger.jail(serial, "hot", 60)
    bench.ledger.jail(other, "hot", 60)
    bench.ledger.release(other)
    assert bench.ledger.standing(other).jailed_until_ms is None
    assert bench.ledger.standing(serial).jailed_until_ms is not None
    assert isinstance(bench.clock, ManualClock)
    bench.clock.advance(60)
    assert bench.ledger.standing(serial).jailed_until_ms is None


def test_settlement_pays_by_layers_with_two_percent_to_the_treasury_exactly(bench: Bench) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    bench.ledger.settle(transaction, 40)
    bench.ledger.settle(transaction, 40)
    balances = [bench.ledger.standing(phone.serial).balance for phone in bench.phones]
    parts = [10_010, 15_015, 15_015]
    assert balances == [part - part * 2 // 100 for part in parts]
    assert isinstance(bench.clock, ManualClock)
    bench.clock.advance(3600)
    bench.ledger.look_after()
    assert balances == [bench.ledger.standing(phone.serial).balance for phone in bench.phones]
    assert sum(balances) + bench.ledger.snapshot().treasury == 40 * PRICE
    with raises_saying(LedgerError, match="settled"):
        bench.ledger.settle(transaction, 41)


def test_a_liar_and_a_phone_without_a_receipt_are_not_paid(bench: Bench) -> None:
    transaction = bench.begin("t")
    for stage in (0, 1):
        bench.ledger.record_receipt(*bench.phones[stage].receipt(transaction, stage))
    bench.fail_audit(transaction, 1)
    bench.ledger.roll_back(transaction, 3, "wrong output")
    bench.ledger.roll_back(transaction, 3, "wrong output")
    with raises_saying(LedgerError, match="Only 3 tokens"):
        bench.ledger.settle(transaction, 4)
    bench.ledger.settle(transaction, 3)
    paid = [bench.ledger.standing(phone.serial).balance for phone in bench.phones]
    assert paid[0] > 0
    assert paid[1:] == [0, 0]


def test_a_transaction_opens_once_and_only_with_registered_phones(bench: Bench) -> None:
    bench.begin("t")
    with raises_saying(LedgerError, match="already opened"):
        bench.begin("t")
    bench.phones[0].serial = Serial("stranger")
    with raises_saying(LedgerError, match="not registered"):
        bench.begin("u")


def test_the_operator_cannot_spend_what_it_does_not_have(bench: Bench) -> None:
    bench.begin("t")
    entries = bench.ledger.snapshot().entries
    with raises_saying(LedgerError, match="short"):
        bench.begin("u", price=10**13)
    assert bench.ledger.snapshot().entries == entries
    assert "u" not in bench.ledger._state.transactions


def test_reopened_the_ledger_says_the_same(tmp_path: Path) -> None:
    bench = eventful(tmp_path)
    before = verify_ledger(bench.path, bench.open()._key.public_key().public_bytes_raw())
    standings = [bench.ledger.standing(phone.serial) for phone in bench.phones]
    snapshot = bench.ledger.snapshot()
    bench.ledger.close()
    again = bench.open()
    assert before.valid
    assert [again.standing(phone.serial) for phone in bench.phones] == standings
    assert again.snapshot() == snapshot


def test_an_unknown_phone_or_transaction_is_named(bench: Bench) -> None:
    with raises_saying(LedgerError, match="Phone nobody is not registered"):
        bench.ledger.standing(Serial("nobody"))
    with raises_saying(LedgerError, match="Transaction none is not in the ledger"):
        bench.ledger.settle(TransactionId("none"), 1)
