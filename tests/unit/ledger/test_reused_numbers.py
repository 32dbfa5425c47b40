"""Two receipts of one number: the rule, what convinces strangers, and whom it never harms."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.__main__ import main
from app.core.errors import LedgerError
from app.core.identifiers import Serial, TransactionId
from app.ledger.entry import EntryKind, make_entry
from app.ledger.rules.evidence import SignedReceipt
from app.ledger.rules.phones.reused_numbers import ReusedNumber, number_reused
from app.ledger.views.discrepancies import contradictions
from app.rack.settlement.replicas.gathering import punish_reused
from tests.saying import raises_saying
from tests.signing import proven_key
from tests.unit.ledger.support import Bench, SigningPhone
from tests.unit.ledger.test_old_journal import OldBench
from workers.errors import IdentityError
from workers.identity.identity import KEY_FILE, SIGNED_FILE, Identity
from workers.identity.receipts import read_receipt
from workers.replicas.records import SignedRecord

WRITTEN = Path(__file__).parent / "journals" / "before_grounds.sql"
STAGE, NUMBER = 1, 77


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.register()
    return made


def signed(
    phone: SigningPhone, transaction: str, sequence: int = NUMBER, **changes: object
) -> SignedReceipt:
    return SignedReceipt.of(*phone.receipt(transaction, STAGE, sequence=sequence, **changes))


def pair_of(phone: SigningPhone, transaction: str, other: str = "elsewhere") -> ReusedNumber:
    return ReusedNumber(signed(phone, transaction), signed(phone, other))


def untouched(bench: Bench, phone: SigningPhone) -> bool:
    account = bench.ledger._state.phone(phone.serial)
    return not (account.tombstoned or account.slashed or account.jailed_until_ms)


def test_two_receipts_of_one_number_cost_the_whole_stake_and_the_journal_verifies(
    bench: Bench,
) -> None:
    liar, ledger = bench.phones[STAGE], bench.ledger
    work = bench.begin("work")
    assert ledger.contradictions.of_one_number(pair_of(liar, work))
    account = ledger._state.phone(liar.serial)
    assert account.tombstoned
    assert account.slashed == account.staked > 0
    assert not ledger.contradictions.of_one_number(pair_of(liar, work))
    assert all(untouched(bench, each) for each in bench.phones if each is not liar)
    ledger.close()
    assert bench.verify().valid


def test_neither_has_to_be_in_the_journal_but_one_is_about_work_of_it(bench: Bench) -> None:
    liar, stranger = bench.phones[STAGE], pair_of(bench.phones[STAGE], "nowhere")
    with raises_saying(LedgerError, "nowhere"):
        bench.ledger.contradictions.of_one_number(stranger)
    assert untouched(bench, liar)


def test_what_phones_keep_of_one_number_is_punished_whichever_comes_first(bench: Bench) -> None:
    liar, work = bench.phones[STAGE], bench.begin("work")
    pair = pair_of(liar, "elsewhere", work)
    records = [
        SignedRecord.of_receipt(each.data.encode(), each.signature, each.public_key)
        for each in (pair.first, pair.second)
    ]
    rows = contradictions(records, {liar.public_key: liar.serial})
    assert punish_reused(bench.ledger, rows) == 1
    assert punish_reused(bench.ledger, rows) == 0
    assert bench.ledger._state.phone(liar.serial).tombstoned


@pytest.mark.parametrize("told", ["one receipt twice", "other numbers", "other keys", "forged"])
def test_what_proves_nothing_harms_nobody(bench: Bench, told: str) -> None:
    phone, work = bench.phones[STAGE], bench.begin("work")
    first = signed(phone, work)
    other = SigningPhone(phone.serial, "other key")
    second = {
        "one receipt twice": first,
        "other numbers": signed(phone, "elsewhere", NUMBER + 1),
        "other keys": signed(other, "elsewhere"),
        "forged": replace(signed(phone, "elsewhere"), signature=bytes(64)),
    }[told]
    with raises_saying(LedgerError, "two of one number|refused|signature"):
        bench.ledger.contradictions.of_one_number(ReusedNumber(first, second))
    assert untouched(bench, phone)


def test_a_pair_signed_with_a_stranger_s_key_harms_nobody(bench: Bench) -> None:
    phone, work = bench.phones[STAGE], bench.begin("work")
    framed = pair_of(SigningPhone(phone.serial, "other key"), work)
    with raises_saying(LedgerError, "not signed with the key"):
        bench.ledger.contradictions.of_one_number(framed)
    assert untouched(bench, phone)


def test_a_forged_pair_in_a_journal_fails_verify(bench: Bench) -> None:
    """A host that leaves out the check of signatures writes what its own rules take."""
    phone, work = bench.phones[STAGE], bench.begin("work")
    pair = pair_of(phone, work)
    forged = replace(pair, second=replace(pair.second, signature=bytes(64)))
    bench.ledger._record(
        EntryKind.NUMBER_REUSED, {"transaction": work, "stage": STAGE, **forged.to_fields()}
    )
    bench.ledger.close()
    assert not bench.verify().valid


def test_older_formats_have_no_such_entry(bench: Bench, tmp_path: Path) -> None:
    """A journal of before goes on as it was: only what it holds from here on is judged by it."""
    old = OldBench(tmp_path / "old", WRITTEN)
    assert old.verify().valid
    work = bench.begin("work")
    fields = {"transaction": work, "stage": STAGE, **pair_of(bench.phones[STAGE], work).to_fields()}
    before = bench.ledger._state
    before.format = 5
    entry = make_entry(None, 1, EntryKind.NUMBER_REUSED, fields)
    with raises_saying(LedgerError, "format 6"):
        number_reused(before, entry, entry.fields())


def wiped(bench: Bench, *, registers: bool) -> SigningPhone:
    """Let a phone lose its disk; return what it was with the key that nobody has any more."""
    phone = bench.phones[STAGE]
    before = SigningPhone(phone.serial)
    before.terms = phone.terms
    phone.key, phone.sequence = Ed25519PrivateKey.generate(), 0
    bench.ledger.withdraw_key(phone.serial, "key.started_anew")
    if registers:
        proof = proven_key(phone.key, phone.serial, bench.ledger.host_key)
        bench.ledger.register_phone(phone.serial, proof, "class")
    return before


@pytest.mark.parametrize("registers", [False, True])
def test_a_phone_whose_disk_was_wiped_counts_anew_and_is_harmed_by_nothing(
    bench: Bench, *, registers: bool
) -> None:
    work = bench.begin("work")
    bench.sign_all(work)
    phone = bench.phones[STAGE]
    first = SignedReceipt.of(*phone.receipt(work, STAGE, sequence=1))
    before = wiped(bench, registers=registers)
    again = SignedReceipt.of(*phone.receipt("later", STAGE, sequence=1))
    desk = bench.ledger.contradictions
    for pair in (ReusedNumber(first, again), ReusedNumber(again, first), pair_of(before, work)):
        with pytest.raises(LedgerError):
            desk.of_one_number(pair)
    assert untouched(bench, phone)


def test_a_key_that_was_replaced_and_not_lost_still_answers_for_its_numbers(bench: Bench) -> None:
    work, phone = bench.begin("work"), bench.phones[STAGE]
    bench.sign_all(work)
    pair, old = pair_of(phone, work), phone.key
    phone.key = Ed25519PrivateKey.generate()
    proof = proven_key(phone.key, phone.serial, bench.ledger.host_key, old)
    bench.ledger.register_phone(phone.serial, proof, "class")
    assert bench.ledger.contradictions.of_one_number(pair)
    bench.ledger.close()
    assert bench.verify().valid


def test_an_honest_phone_gives_no_number_twice_and_none_without_its_memory(tmp_path: Path) -> None:
    """What it signed is on its disk; without that it signs nothing; wiped, it has another key."""
    body = read_receipt(SigningPhone("phone").receipt("one", STAGE)[0])
    folder = tmp_path / "identity"
    phone = Identity(folder)
    key = phone.public_key
    numbers = []
    for name in ("one", "two", "three"):
        data, _signature = Identity(folder).sign(replace(body, transaction=name))
        numbers.append(read_receipt(data).sequence)
    assert numbers == [1, 2, 3]
    (folder / SIGNED_FILE).unlink()
    with pytest.raises(IdentityError):
        phone.sign(replace(body, transaction="four"))
    with pytest.raises(IdentityError):
        Identity(folder)
    (folder / KEY_FILE).unlink()
    assert Identity(folder).public_key != key


def test_a_stranger_is_convinced_by_the_file_alone(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    liar, work = bench.phones[STAGE], bench.begin("work")
    bench.ledger.contradictions.of_one_number(pair_of(liar, work))
    (kept,) = bench.ledger.evidence.files()
    content = bench.ledger.evidence.get(kept.name)
    path = tmp_path / kept.name
    path.write_bytes(content)
    command = ["ledger", "verify", "--evidence", str(path)]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert f"number {NUMBER}" in told
    assert liar.public_key.hex() in told
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["phone"] == Serial(liar.serial)
    assert main([*command, "--key", "ab" * 32]) != 0


@pytest.mark.parametrize("damage", ["signature", "cut", "number"])
def test_damaged_evidence_convinces_nobody(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    pair = pair_of(bench.phones[STAGE], TransactionId("work"))
    content = pair.content()
    if damage == "cut":
        content = content[:-20]
    elif damage == "signature":
        content = replace(pair, first=replace(pair.first, signature=bytes(64))).content()
    else:
        other = pair.second.data.replace(f'"sequence":{NUMBER}', f'"sequence":{NUMBER + 1}')
        content = replace(pair, second=replace(pair.second, data=other)).content()
    path = tmp_path / "file"
    path.write_bytes(content)
    assert main(["ledger", "verify", "--evidence", str(path)]) != 0
    assert capsys.readouterr().err.count("\n") == 1
