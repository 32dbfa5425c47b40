"""Canaries in the journal: what they rest on, what they cost, and whom they cannot touch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import TransactionId
from app.ledger.desks.canaries import CANARY_RATE
from app.ledger.entry import Entry, EntryKind
from app.ledger.rules.economy import STARTING_STAKE, share
from app.ledger.rules.phones.canaries import Excuse, FalseCapability, SignedTimes
from app.ledger.rules.phones.canary_record import Pace
from app.ledger.rules.phones.phone_rules import slashed
from tests.saying import raises_saying
from tests.signing import proven_key
from tests.unit.ledger.support import Bench, SigningPhone

STAGE = 1
FEE = share(STARTING_STAKE, 50)
HELD: Mapping[str, Any] = {"taken_us": 10_000}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.register()
    return bench


def canary(bench: Bench, name: str, excuse: Excuse = Excuse.NONE, **changes: object) -> int | None:
    """Have a text signed for, and what its second stage took put on record."""
    transaction, phone = bench.begin(name), bench.phones[STAGE]
    bench.sign_all(transaction)
    return bench.ledger.canaries.record(
        transaction, STAGE, phone.times(name, STAGE, **changes), excuse
    )


def test_three_of_five_that_fall_short_cost_a_twentieth_and_no_work(bench: Bench) -> None:
    phone = bench.phones[STAGE]
    known = bench.ledger.standing(phone.serial).reputation
    told = [canary(bench, "a"), canary(bench, "b", **HELD), canary(bench, "c")]
    assert told == [None, None, None]
    assert canary(bench, "d") == FEE
    standing = bench.ledger.standing(phone.serial)
    assert (standing.slashed, standing.stake) == (FEE, STARTING_STAKE - FEE)
    assert standing.jailed_until_ms is None
    assert standing.watched_audits > 0
    assert standing.reputation <= known
    assert standing.pace == Pace(1_000_000, 2_000)
    bench.ledger.settle(TransactionId("d"), 5)
    assert bench.ledger.standing(phone.serial).balance > 0
    assert [canary(bench, name) for name in "ef"] == [None, None]
    assert canary(bench, "g") == FEE
    bench.ledger.close()
    assert bench.verify().valid


def test_two_of_five_cost_nothing_however_long_it_goes_on(bench: Bench) -> None:
    for number in range(12):
        slow: Mapping[str, Any] = {} if number % 3 == 0 else HELD
        assert canary(bench, f"t{number}", **slow) is None
    assert bench.ledger.standing(bench.phones[STAGE].serial).slashed == 0


@pytest.mark.parametrize("excuse", [Excuse.HEAT, Excuse.CABLE])
def test_heat_and_a_lost_cable_excuse(bench: Bench, excuse: Excuse) -> None:
    for number in range(4):
        assert canary(bench, f"t{number}", excuse) is None
    standing = bench.ledger.standing(bench.phones[STAGE].serial)
    assert (standing.canaries, standing.slashed) == (0, 0)
    assert standing.pace is not None


def test_too_few_steps_say_nothing(bench: Bench) -> None:
    for number in range(4):
        assert canary(bench, f"t{number}", steps=7) is None
    standing = bench.ledger.standing(bench.phones[STAGE].serial)
    assert (standing.canaries, standing.pace) == (0, None)


def test_the_evidence_alone_convinces_and_a_changed_one_does_not(bench: Bench) -> None:
    for name in "abc":
        canary(bench, name)
    kept = [each.read_bytes() for each in bench.path.parent.rglob("*") if each.is_file()]
    found = next(read for each in kept if (read := FalseCapability.read(each)))
    assert {each.serial for each in found.proven()} == {bench.phones[STAGE].serial}
    one, two, three = found.statements
    held = bench.phones[STAGE].times("d", STAGE, **HELD)
    other = bench.phones[0].times("d", STAGE)
    elsewhere = bench.phones[STAGE].times("d", STAGE, host_key="f" * 64)
    forged = replace(three, data=three.data.replace('"taken_us":20000', '"taken_us":90000'))
    for last in (one, held, other, elsewhere, forged):
        with pytest.raises(LedgerError):
            FalseCapability((one, two, last)).proven()
    with pytest.raises(LedgerError):
        FalseCapability((one, two)).proven()


def test_a_host_can_make_nothing_of_what_an_honest_phone_signed(bench: Bench) -> None:
    """It cannot use a statement twice, for other work, under another key, or one it made up."""
    transaction, phone = bench.begin("t"), bench.phones[STAGE]
    bench.sign_all(transaction)
    signed = phone.times("t", STAGE)
    made_up = SignedTimes(signed.data, bench.phones[0].times("t", STAGE).signature, b"\x09" * 32)
    others = [
        phone.times("t", STAGE, nonce="f" * 32),
        phone.times("t", STAGE, host_key="f" * 64),
        phone.times("other", STAGE),
        phone.times("t", 0),
        bench.phones[0].times("t", STAGE, serial=phone.serial),
        made_up,
    ]
    for each in others:
        with pytest.raises(LedgerError):
            bench.ledger.canaries.record(transaction, STAGE, each, Excuse.NONE)
    bench.ledger.canaries.record(transaction, STAGE, signed, Excuse.NONE)
    with raises_saying(LedgerError, "no canary, or was one already"):
        bench.ledger.canaries.record(transaction, STAGE, signed, Excuse.NONE)
    unsigned = bench.begin("unsigned")
    with raises_saying(LedgerError, "no canary"):
        bench.ledger.canaries.record(unsigned, STAGE, phone.times("unsigned", STAGE), Excuse.NONE)
    with raises_saying(LedgerError, "proves 'false-capability'"):
        bench.ledger.slash(phone.serial, transaction, "false-capability", {})


def test_all_of_a_new_phone_is_drawn_and_a_share_of_a_known_ones(bench: Bench) -> None:
    phone = bench.phones[STAGE]
    for number in range(5):
        transaction = bench.begin(f"new{number}", audit_rate=0.0)
        bench.sign_all(transaction)
        assert STAGE in bench.ledger.canaries.due(transaction)
        signed = phone.times(transaction, STAGE, **HELD)
        bench.ledger.canaries.record(transaction, STAGE, signed, Excuse.NONE)
        assert STAGE not in bench.ledger.canaries.due(transaction)
    drawn = 0
    for number in range(120):
        transaction = bench.begin(f"t{number}", audit_rate=0.0)
        bench.ledger.record_receipt(
            *phone.receipt(transaction, STAGE, output_root=f"{number:064x}")
        )
        drawn += STAGE in bench.ledger.canaries.due(transaction)
    assert 0 < drawn < 120 * CANARY_RATE * 3


def test_a_new_key_between_statements_neither_acquits_nor_convicts(bench: Bench) -> None:
    """Three under one key convince others; two under an older one are none of them."""
    for name in "ab":
        canary(bench, name)
    older, serial = bench.phones[STAGE], bench.phones[STAGE].serial
    renewed = bench.phones[STAGE] = SigningPhone(serial, "other")
    key = proven_key(renewed.key, serial, bench.ledger.host_key, older.key)
    bench.ledger.register_phone(serial, key, renewed.numerical_class)
    assert [canary(bench, name) for name in "cd"] == [None, None]
    assert canary(bench, "e") == FEE
    bench.ledger.close()
    assert bench.verify().valid


def test_in_the_second_format_it_left_work_unpaid_and_still_does(bench: Bench) -> None:
    transaction, serial = bench.begin("t"), bench.phones[STAGE].serial
    state = bench.ledger._state
    fields = {
        "serial": serial,
        "transaction": transaction,
        "reason": "false-capability",
        "amount": str(FEE),
        "evidence": {},
    }
    entry = Entry(0, 1, EntryKind.SLASHED, "{}", b"", b"")
    state.format = 2
    changed = slashed(state, entry, fields).transaction
    assert changed is not None
    assert serial in changed.offenders
