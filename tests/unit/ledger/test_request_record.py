"""What the journal has of one request, to be checked by whoever got its answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.audit_outcome import AuditOutcome
from app.core.errors import LedgerError
from app.core.identifiers import RequestId
from app.ledger.views.request_record import read_request_record
from tests.unit.ledger.support import Bench, Verdict
from workers.identity.receipts import verify_receipt


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.register()
    return bench


def test_receipts_come_as_they_were_signed_with_what_audits_found(bench: Bench) -> None:
    wrong = bench.begin("answer-1")
    bench.sign_all(wrong)
    bench.fail_audit(wrong, 1)
    bench.ledger.roll_back(wrong, 2, "wrong output")
    right = bench.begin("answer-2")
    bench.sign_all(bench.begin("other-1"))
    bench.sign_all(right)
    verdict = Verdict(right, 0, bench.phones[0].serial, AuditOutcome.PASSED)
    bench.ledger.record_audit(verdict)
    bench.ledger.settle(right, 5)

    first, second = read_request_record(bench.path, RequestId("answer"))
    assert (first["transaction"], first["status"], first["tokens"]) == (wrong, "rolled-back", 2)
    assert [each["outcome"] for each in first["stages"][1]["verdicts"]] == ["failed"]
    assert (second["transaction"], second["status"], second["tokens"]) == (right, "settled", 5)
    assert [len(stage["verdicts"]) for stage in second["stages"]] == [1, 0, 0]
    for stage, phone in zip(second["stages"], bench.phones, strict=True):
        signed = stage["receipt"]
        key = bytes.fromhex(signed["public_key"])
        body = verify_receipt(signed["data"].encode(), bytes.fromhex(signed["signature"]), key)
        assert (body.transaction, body.serial, key) == (right, phone.serial, phone.public_key)


def test_who_withheld_a_receipt_is_named(bench: Bench) -> None:
    transaction = bench.begin("answer-1")
    bench.ledger.withheld(bench.phones[0].serial, transaction)
    (record,) = read_request_record(bench.path, RequestId("answer"))
    assert record["status"] == "open"
    assert [stage["receipt"] for stage in record["stages"]] == [None, None, None]
    assert [(each["kind"], each["serial"]) for each in record["events"]] == [
        ("receipt-withheld", bench.phones[0].serial)
    ]


def test_nothing_is_made_up_of_a_request_that_is_not_there(bench: Bench, tmp_path: Path) -> None:
    bench.sign_all(bench.begin("answer-1"))
    for stranger in ("answe", "nswer", "answer-1", "%", '"'):
        assert read_request_record(bench.path, RequestId(stranger)) == []
    with pytest.raises(LedgerError):
        read_request_record(tmp_path / "nothing", RequestId("answer"))
