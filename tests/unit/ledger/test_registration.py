"""Who a phone is to the ledger: proven keys, one a phone; stakes by decision, never by joining."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import Serial
from app.ledger.rules.economy import STARTING_STAKE
from app.ledger.views.reasons import REMOVED_BY_OPERATOR
from tests.saying import raises_saying
from tests.signing import NONCE, proven_key
from tests.unit.ledger.support import Bench, SigningPhone


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_joining_brings_no_stake_and_a_decision_brings_one_once(bench: Bench) -> None:
    phone, ledger = bench.phones[0], bench.ledger
    ledger.register_phone(phone.serial, bench.proven(phone), "class")
    assert ledger.standing(phone.serial).stake == 0
    for _ in range(2):
        ledger.grant_stake(phone.serial)
        assert ledger.standing(phone.serial).stake == STARTING_STAKE
    ledger.close()
    assert bench.verify().valid


def test_who_has_nothing_at_stake_is_audited_always(bench: Bench) -> None:
    bench.register()
    poor = SigningPhone("poor")
    bench.ledger.register_phone(poor.serial, bench.proven(poor), "class")
    poor.terms, bench.phones[2] = bench.phones[0].terms, poor
    bench.sign_all(bench.begin("t", audit_rate=0.1))
    rates = [bench.audit_rate("t", stage) for stage in range(3)]
    assert rates == [0.1, 0.1, 1.0]


@pytest.mark.parametrize("which", ["serial", "host", "transport", "nonce", "proof"])
def test_a_key_counts_for_one_serial_connection_and_host(bench: Bench, which: str) -> None:
    phone, host = bench.phones[0], bench.ledger.host_key
    key = proven_key(phone.key, phone.serial, host)
    wrong = {
        "serial": proven_key(phone.key, "another", host),
        "host": proven_key(phone.key, phone.serial, bytes(32)),
        "transport": replace(key, transport_key="x" * 40),
        "nonce": replace(key, nonce=NONCE[::-1]),
        "proof": replace(key, proof=bytes(64)),
    }[which]
    with raises_saying(LedgerError, "did not prove its key"):
        bench.ledger.register_phone(phone.serial, wrong, "class")


def test_one_key_is_one_phone_also_after_it_was_changed(bench: Bench) -> None:
    bench.register()
    phone, ledger = bench.phones[0], bench.ledger
    twin = SigningPhone("twin")
    twin.key = phone.key
    for _ in range(2):
        with raises_saying(LedgerError, f"belongs to phone {phone.serial}"):
            ledger.register_phone(Serial("twin"), bench.proven(twin), "class")
        renewed = SigningPhone(phone.serial, "renewed")
        key = proven_key(renewed.key, phone.serial, ledger.host_key, predecessor=phone.key)
        ledger.register_phone(phone.serial, key, "class")


def test_a_lost_key_is_withdrawn_by_the_operator_and_then_signs_nothing(bench: Bench) -> None:
    bench.register()
    phone, ledger = bench.phones[0], bench.ledger
    transaction = bench.begin("t")
    renewed = SigningPhone(phone.serial, "renewed")
    renewed.terms = phone.terms
    assert ledger.knows_other_key(phone.serial, renewed.public_key)
    ledger.withdraw_key(phone.serial, REMOVED_BY_OPERATOR)
    with raises_saying(LedgerError, "not signed with the key"):
        ledger.record_receipt(*phone.receipt(transaction, 0))
    before = ledger.standing(phone.serial)
    ledger.register_phone(phone.serial, bench.proven(renewed), "class")
    assert ledger.standing(phone.serial) == before, "account and record stay with the phone"
    ledger.record_receipt(*renewed.receipt(transaction, 0))
    with raises_saying(LedgerError, "its old one did not sign"):
        ledger.register_phone(phone.serial, bench.proven(phone), "class")
    ledger.close()
    assert bench.verify().valid


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shard", "6" * 64),
        ("sampling", "6" * 64),
        ("alternatives", 0),
        ("boundary", "f2"),
        ("cache", "none"),
        ("request", "6" * 64),
        ("model", "6" * 64),
        ("host_key", "6" * 64),
        ("entry", 1),
        ("head", "6" * 64),
    ],
)
def test_a_receipt_says_what_was_agreed_or_is_refused(
    bench: Bench, field: str, value: object
) -> None:
    bench.register()
    transaction, phone = bench.begin("t"), bench.phones[0]
    terms = phone.terms[transaction]
    changes: dict[str, Any] = {field: value}
    if hasattr(terms, field):
        changes = {"terms": replace(terms, **changes)}
    with raises_saying(LedgerError, f"otherwise than agreed in '{field}'"):
        bench.ledger.record_receipt(*phone.receipt(transaction, 0, **changes))
    bench.ledger.record_receipt(*phone.receipt(transaction, 0))


def test_two_openings_of_one_id_contradict_nothing(bench: Bench) -> None:
    """A host that opens an id twice cannot make an honest phone lose its stake by that."""
    bench.register()
    transaction, phone = bench.begin("t"), bench.phones[0]
    bench.ledger.record_receipt(*phone.receipt(transaction, 0))
    again = phone.receipt(transaction, 0, nonce="f" * 32, output_root="e" * 64)
    with raises_saying(LedgerError, "another opening"):
        bench.ledger.record_receipt(*again)
    assert bench.ledger.standing(phone.serial).stake == STARTING_STAKE


@pytest.mark.parametrize("offence", ["equivocation", "forged-root", "false-capability"])
def test_a_slash_rests_on_what_the_journal_holds(bench: Bench, offence: str) -> None:
    """A host cannot take a stake by naming an offence."""
    bench.register()
    transaction, phone = bench.begin("t"), bench.phones[1]
    bench.sign_all(transaction)
    with raises_saying(LedgerError, f"proves '{offence}'"):
        bench.ledger.slash(phone.serial, transaction, offence, {"made": "up"})
    bench.ledger.close()
    assert bench.verify().valid
