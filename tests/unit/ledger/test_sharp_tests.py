"""Sharp tests in the journal: what they rest on, what they cost, and what refusing them costs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.audit_outcome import DutyOutcome, ProvenFault, SharpOutcome
from app.core.errors import LedgerError
from app.ledger.entry import EntryKind
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.ledger import Ledger
from app.ledger.rules.audits.refusals import refusal_price
from app.ledger.rules.economy import BOND_PER_MILLE, CREDIT, STARTING_STAKE, share
from app.ledger.storage.addresses import evidence_folder
from app.ledger.views.reasons import REMOVED_BY_OPERATOR
from app.words.sentences import fact_text
from tests.saying import raises_saying
from tests.signing import proven_key
from tests.unit.ledger.support import LAYERS, OPERATOR, PRICE, Bench, SigningPhone, written

STAGE = 1
BOND = share(STARTING_STAKE, BOND_PER_MILLE)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.register()
    return bench


@pytest.fixture
def signed(bench: Bench) -> Bench:
    bench.sign_all(bench.begin("t"))
    return bench


def test_stake_for_wrong_numbers_hangs_on_the_sharp_test_alone(signed: Bench) -> None:
    serial = signed.phones[STAGE].serial
    signed.fail_audit("t", STAGE)
    with raises_saying(LedgerError, "proves 'wrong-output'"):
        signed.ledger.slash(serial, signed.begin("other"), "wrong-output", {})
    signed.ledger.record_sharp_test(signed.sharp("t", STAGE))
    assert signed.ledger.slash(serial, _t("t"), "wrong-output", {}) == BOND
    signed.ledger.close()
    assert signed.verify().valid


@pytest.mark.parametrize("outcome", [each for each in SharpOutcome if each != SharpOutcome.FAILED])
def test_nothing_else_that_comes_of_it_takes_stake(signed: Bench, outcome: SharpOutcome) -> None:
    serial = signed.phones[STAGE].serial
    signed.fail_audit("t", STAGE)
    signed.ledger.record_sharp_test(signed.sharp("t", STAGE, outcome))
    for offence in ("wrong-output", "forged-root", "false-capability"):
        with raises_saying(LedgerError, f"proves '{offence}'"):
            signed.ledger.slash(serial, _t("t"), offence, {})
    assert signed.ledger.standing(serial).stake == STARTING_STAKE
    signed.ledger.close()
    assert signed.verify().valid


def test_who_holds_is_paid_and_has_its_reputation_back(signed: Bench) -> None:
    serial = signed.phones[STAGE].serial
    signed.fail_audit("t", STAGE)
    suspected = signed.ledger.standing(serial).reputation
    signed.ledger.record_sharp_test(signed.sharp("t", STAGE, SharpOutcome.PASSED))
    signed.ledger.settle(_t("t"), 5)
    assert signed.ledger.standing(serial).balance > 0
    other = signed.phones[0].serial
    assert signed.ledger.standing(serial).reputation > max(
        suspected, signed.ledger.standing(other).reputation
    )


def test_who_was_never_looked_at_closely_keeps_its_stake_and_is_not_paid(signed: Bench) -> None:
    serial = signed.phones[STAGE].serial
    signed.fail_audit("t", STAGE)
    signed.ledger.record_sharp_test(signed.sharp("t", STAGE, SharpOutcome.UNAVAILABLE))
    signed.ledger.settle(_t("t"), 5)
    standing = signed.ledger.standing(serial)
    assert (standing.stake, standing.balance, standing.owed) == (STARTING_STAKE, 0, 0)


def test_a_refusal_costs_what_being_wrong_costs_and_is_kept_of_pay_to_come(bench: Bench) -> None:
    serial = bench.phones[STAGE].serial
    refused = bench.begin("refused", price=400 * CREDIT)
    bench.sign_all(refused)
    bench.ledger.record_sharp_test(bench.sharp(refused, STAGE, SharpOutcome.REFUSED))
    bench.ledger.settle(refused, 1)
    price = 400 * CREDIT * 3 * LAYERS[STAGE] // sum(LAYERS)
    standing = bench.ledger.standing(serial)
    assert (standing.owed, standing.stake, standing.balance) == (price, STARTING_STAKE, 0)
    assert price > BOND
    for number in range(4):
        honest = bench.begin(f"t{number}", price=400 * CREDIT)
        bench.sign_all(honest)
        bench.ledger.settle(honest, 1)
    part = 150 * CREDIT * 98 // 100
    standing = bench.ledger.standing(serial)
    assert (standing.owed, standing.balance) == (0, 4 * part - price)
    bench.ledger.close()
    assert bench.verify().valid


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1, 0.5, 1.0])
def test_refusing_never_pays_better_than_having_been_wrong(bench: Bench, rate: float) -> None:
    """Of work drawn at a rate: what is kept on average for each transaction, pay besides."""
    transaction = bench.begin("t", audit_rate=rate)
    bench.sign_all(transaction)
    attempt = bench.ledger._state.transaction(transaction)
    price = refusal_price(bench.ledger._state, attempt, STAGE)
    pay = PRICE * 3 * LAYERS[STAGE] // sum(LAYERS)
    wrong_and_shown = (1 - rate) * pay - rate * BOND
    wrong_and_refused = (1 - rate) * pay - rate * price
    assert wrong_and_refused <= wrong_and_shown
    assert wrong_and_refused <= 0


def test_who_has_no_stake_owes_what_makes_refusing_a_losing_game(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for phone in bench.phones:
        bench.ledger.register_phone(phone.serial, bench.proven(phone), "class")
    transaction = bench.begin("t", audit_rate=0.02)
    bench.sign_all(transaction)
    attempt = bench.ledger._state.transaction(transaction)
    pay = PRICE * 3 * LAYERS[STAGE] // sum(LAYERS)
    assert refusal_price(bench.ledger._state, attempt, STAGE) == pay  # each is audited


def test_hiding_what_an_audit_needs_costs_as_much(signed: Bench) -> None:
    serial = signed.phones[STAGE].serial
    for _ in range(2):
        signed.ledger.record_not_audited(
            _t("t"), STAGE, DutyOutcome.REFUSED, "offence.hid_its_inputs"
        )
    assert signed.ledger.standing(serial).owed == BOND
    assert signed.ledger.standing(serial).stake == STARTING_STAKE


def test_an_epoch_ends_only_with_an_account_of_every_stage_that_deviated(
    signed: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stage in range(len(LAYERS)):
        signed.deviate("t", stage)
    monkeypatch.setattr(Ledger, "record_sharp_test", lambda _ledger, _found: None)
    with raises_saying(LedgerError, "deviates and was to be run again"):
        signed.ledger.close()


def test_what_was_left_undone_is_accounted_for_when_the_ledger_closes(signed: Bench) -> None:
    for stage in range(len(LAYERS)):
        signed.deviate("t", stage)
    signed.ledger.close()
    kinds = [row.kind for row in signed.open().snapshot().journal]
    assert kinds.count(EntryKind.SHARP_TEST) == len(LAYERS)
    assert signed.verify().valid


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"serial": "phone-0"}, "about something else"),
        ({"graph": "1" * 64}, "about something else"),
        ({"input_root": "1" * 64}, "about something else"),
        ({"states_root": "1" * 64}, "about something else"),
    ],
)
def test_a_statement_about_other_work_convicts_nobody(
    signed: Bench, change: dict[str, str], said: str
) -> None:
    with raises_saying(LedgerError, said):
        signed.ledger.record_sharp_test(signed.sharp("t", STAGE, SharpOutcome.FAILED, **change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reproduced": False}, "No numbers decide"),
        ({"reason": "opened-otherwise"}, "does not go with"),
        ({"reason": "holds"}, "does not go with"),
        ({"signature": bytes(64)}, "does not hold"),
        ({"statement": b"{}"}, "does not hold"),
        ({"evidence": ""}, "not 32 bytes"),
        ({"root": "f" * 64}, "about something else"),
        ({"numerical_class": "another"}, "about something else"),
    ],
)
def test_an_entry_that_does_not_hang_together_is_refused(
    signed: Bench, change: dict[str, Any], said: str
) -> None:
    with raises_saying(LedgerError, said):
        signed.ledger.record_sharp_test(replace(signed.sharp("t", STAGE), **change))


def test_a_class_that_is_not_reproduced_clears_nobody(signed: Bench) -> None:
    signed.fail_audit("t", STAGE)
    found = replace(signed.sharp("t", STAGE, SharpOutcome.PASSED), reproduced=False)
    with raises_saying(LedgerError, "No numbers decide"):
        signed.ledger.record_sharp_test(found)
    serial = signed.phones[STAGE].serial
    assert serial in signed.ledger._state.transaction("t").offenders


@pytest.mark.parametrize("lost", [False, True])
def test_another_key_since_the_receipt_takes_nothing_back(signed: Bench, *, lost: bool) -> None:
    """Neither a cheat that renews its key once it was looked at, nor a phone started anew."""
    signed.fail_audit("t", STAGE)
    found, old = signed.sharp("t", STAGE), signed.phones[STAGE]
    new, predecessor = SigningPhone(old.serial, "renewed"), None if lost else old.key
    if lost:
        signed.ledger.withdraw_key(old.serial, REMOVED_BY_OPERATOR)
    key = proven_key(new.key, old.serial, signed.ledger.host_key, predecessor=predecessor)
    signed.ledger.register_phone(old.serial, key, "class")
    signed.ledger.record_sharp_test(found)
    assert signed.ledger.slash(old.serial, _t("t"), "wrong-output", {}) == BOND
    signed.ledger.close()
    assert signed.verify().valid


def test_a_statement_under_another_key_than_its_receipt_convicts_nobody(signed: Bench) -> None:
    old, other = signed.phones[STAGE], SigningPhone("phone-1", "renewed")
    key = proven_key(other.key, old.serial, signed.ledger.host_key, predecessor=old.key)
    signed.ledger.register_phone(old.serial, key, "class")
    signed.phones[STAGE] = other
    with raises_saying(LedgerError, "does not hold"):
        signed.ledger.record_sharp_test(signed.sharp("t", STAGE))


def test_another_price_than_the_rules_say_is_refused(
    signed: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ledger.ledger.price_fields", lambda *_: {"price": "7"})
    with raises_saying(LedgerError, "is not the price of that"):
        signed.ledger.record_sharp_test(signed.sharp("t", STAGE, SharpOutcome.REFUSED))


def test_a_phone_that_signed_nothing_cannot_be_looked_at(bench: Bench) -> None:
    bench.begin("t")
    with raises_saying(LedgerError, "no receipt"):
        bench.ledger.record_sharp_test(bench.sharp("t", STAGE))


def test_the_journal_tells_whose_stage_with_which_evidence(signed: Bench) -> None:
    found = signed.sharp("t", STAGE)
    signed.ledger.record_sharp_test(found)
    signed.ledger.record_sharp_test(signed.sharp("t", STAGE, SharpOutcome.PASSED))
    store = signed.ledger._store
    (entry,) = (each for each in store.entries() if each.kind == EntryKind.SHARP_TEST)
    fields = json.loads(entry.body)
    assert fields["serial"] == signed.phones[STAGE].serial
    said = (fields["outcome"], fields["evidence"], fields["class"])
    assert said == ("failed", found.evidence, "class")
    assert verify_ledger(signed.path, signed.ledger.host_key).valid


def fault(bench: Bench, **changes: object) -> bytes:
    """Return evidence against the phone of the stage, or against something else."""
    phone = bench.phones[STAGE]
    found = ProvenFault(
        "t", STAGE, phone.serial, phone.public_key, "operator", OPERATOR, 0, "a" * 64
    )
    return written(replace(found, **changes))  # type: ignore[arg-type]


OTHERS: list[dict[str, object]] = [
    {"transaction": "other"},
    {"stage": 0},
    {"serial": "phone-0"},
    {"reason": "ends-elsewhere"},
    {"operator": "Add value.3"},
    {"row": 1},
    {"root": "c" * 64},
    {"public_key": SigningPhone("phone-1", "of another").public_key},
]


@pytest.mark.parametrize("other", OTHERS)
def test_evidence_of_anything_else_takes_no_stake(signed: Bench, other: dict[str, object]) -> None:
    name = signed.ledger.evidence.put(fault(signed, **other))
    with raises_saying(LedgerError, "convicts of something else"):
        signed.ledger.record_sharp_test(replace(signed.sharp("t", STAGE), evidence=name))
    assert not signed.ledger._state.transaction("t").sharp_tests
    signed.ledger.close()
    assert signed.verify().valid


def test_evidence_that_does_not_convince_or_is_not_there_is_refused(signed: Bench) -> None:
    cases = ((signed.ledger.evidence.put(b"nothing"), "no evidence"), ("f" * 64, "not there"))
    for name, said in cases:
        with raises_saying(LedgerError, said):
            signed.ledger.record_sharp_test(replace(signed.sharp("t", STAGE), evidence=name))
    assert not signed.ledger._state.transaction("t").sharp_tests


def test_a_ledger_without_a_judge_convicts_nobody(signed: Bench) -> None:
    found = signed.sharp("t", STAGE)
    signed.ledger.close()
    ledger = Ledger(signed.path, signed.key_path, signed.clock)
    with raises_saying(LedgerError, "nobody here to judge"):
        ledger.record_sharp_test(found)
    ledger.close()


@pytest.fixture
def convicted(signed: Bench) -> tuple[Bench, Path]:
    """Return a closed ledger with one conviction, and the file that it rests on."""
    found = signed.sharp("t", STAGE)
    signed.ledger.record_sharp_test(found)
    signed.ledger.close()
    return signed, evidence_folder(signed.path) / found.evidence


def test_verifying_judges_evidence_again(convicted: tuple[Bench, Path]) -> None:
    bench, path = convicted
    report = bench.verify()
    assert (report.valid, report.convictions, report.unproven) == (True, 1, 0)
    unjudged = verify_ledger(bench.path, read_public_key(bench.key_path))
    assert (unjudged.valid, unjudged.convictions, unjudged.unproven) == (True, 0, 1)
    path.unlink()  # kept no longer
    report = bench.verify()
    assert (report.valid, report.convictions, report.unproven) == (True, 0, 1)


def test_evidence_that_was_changed_fails_the_ledger_that_names_it(
    convicted: tuple[Bench, Path],
) -> None:
    bench, path = convicted
    content = path.read_bytes()
    for changed in (content[:-10], content.replace(b"phone-1", b"phone-2"), b""):
        path.write_bytes(changed)
        report = bench.verify()
        assert not report.valid
        assert report.problem is not None
        assert "was changed" in fact_text(report.problem)
    path.write_bytes(content)
    assert bench.verify().valid


def test_a_host_that_journals_a_conviction_without_evidence_fails_verification(
    signed: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ledger.ledger.require_proven", lambda *_: None)
    name = signed.ledger.evidence.put(b"nothing")
    signed.ledger.record_sharp_test(replace(signed.sharp("t", STAGE), evidence=name))
    signed.ledger.close()
    report = signed.verify()
    assert not report.valid
    assert report.problem is not None
    assert "no evidence of wrong work" in fact_text(report.problem)


def _t(name: str) -> Any:  # noqa: ANN401 - an identifier
    return name
