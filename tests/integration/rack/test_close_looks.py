"""Stages run again on their phones, honest or not: what is told of whom, and what it costs.

The worker on each phone is the real one; on one phone of the ring its replays are changed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tests.integration.cheating_worker
from app.core.audit_outcome import SharpOutcome
from app.ledger.entry import EntryKind
from app.ledger.evidence_store import EvidenceStore
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.storage.addresses import evidence_folder
from app.ledger.views.export import export_ledger
from app.ledger.views.snapshot import PhoneStanding
from app.models.library import Library
from app.proof.convicting.facts import proven_fault
from app.proof.convicting.judging import convicts
from app.proof.sharp.convincing import convinces
from app.rack.home import Home
from app.rack.phones import preparation
from app.rack.settlement.sharp import sharp_tests
from app.rack.snapshot import RackSnapshot, RequestSnapshot, RequestState
from tests.integration.cheating_worker import FIRST, LAST, MIDDLE
from tests.integration.rack.cheating import cheating_bundle
from tests.integration.rack.support import finish, open_virtual_rack, start
from tests.soak import slice_of

TOKENS = 8
FALSE_REPLAYS = [FIRST, MIDDLE, LAST]
NOTHING_SHOWN = [
    tests.integration.cheating_worker.shows_other_states_than_it_signed_for,
    tests.integration.cheating_worker.will_not_run_again,
]


def looked_at(home: Path) -> tuple[RequestSnapshot, RackSnapshot, dict[str, list[str]]]:
    """Return a request, its rack, and what close looks said of each phone."""
    with open_virtual_rack(home, 3, sharp_rate=1.0) as rack:
        request = finish(rack, start(rack, TOKENS))
        snapshot = rack.snapshot()
    told: dict[str, list[str]] = {}
    for event in snapshot.timeline:
        if event.fact.code.startswith("audit.close_look_"):
            told.setdefault(str(event.serial), []).append(event.fact.code)
    return request, snapshot, told


def test_every_stage_of_an_honest_rack_holds(tmp_path: Path) -> None:
    request, snapshot, told = looked_at(tmp_path / "home")
    assert request.state is RequestState.SETTLED
    assert told == {str(phone.serial): ["audit.close_look_holds"] for phone in snapshot.phones}


@pytest.fixture
def cheated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[object, str], Path]:
    """Return what puts a cheat on one phone; the file returned holds its serial number."""
    # every operator is looked at: few of many would find one that is false most times only
    monkeypatch.setattr(sharp_tests, "DRAWN_OPERATORS", sharp_tests.DISPUTED_OPERATORS)

    def install(cheat: object, stage: str) -> Path:
        claim = tmp_path / "cheat"
        bundle = cheating_bundle(cheat, stage, claim)  # type: ignore[arg-type]
        monkeypatch.setattr(preparation, "build_runtime_bundle", lambda: bundle)
        return claim

    return install


def standings(snapshot: RackSnapshot) -> dict[str, PhoneStanding]:
    return {str(phone.serial): phone.standing for phone in snapshot.phones if phone.standing}


def check_journal(home: Path) -> None:
    folder = Home(home)
    report = verify_ledger(folder.ledger_file, read_public_key(folder.ledger_key), proven_fault)
    assert report.valid, report.problem
    assert report.unproven == 0


@pytest.mark.parametrize("stage", slice_of(FALSE_REPLAYS, MIDDLE))
def test_a_false_replay_costs_the_phone_its_stake_by_evidence_that_convinces_anybody(
    tmp_path: Path, cheated: Callable[[object, str], Path], stage: str
) -> None:
    home = tmp_path / "home"
    claim = cheated(tests.integration.cheating_worker.replays_a_product_otherwise, stage)
    request, snapshot, told = looked_at(home)
    cheat = claim.read_text()
    assert request.state is RequestState.SETTLED
    assert request.slashes == 1
    assert told.pop(cheat) == ["audit.close_look_operator"]
    assert {code for codes in told.values() for code in codes} == {"audit.close_look_holds"}
    found = standings(snapshot)
    assert found.pop(cheat).slashed > 0
    assert all(not each.slashed and not each.owed for each in found.values())
    check_journal(home)
    store = Library(home).store.folder
    ledger = Home(home).ledger_file
    for entry in export_ledger(ledger)["entries"]:
        if entry["kind"] == EntryKind.SHARP_TEST:
            body = entry["body"]
            evidence = EvidenceStore(evidence_folder(ledger)).get(body["evidence"])
            wrong = body["outcome"] == SharpOutcome.FAILED
            judgement = convicts(evidence) if wrong else convinces(evidence, store)
            assert judgement.outcome == body["outcome"]
            assert judgement.receipt.serial == body["serial"]


@pytest.mark.parametrize("cheat", slice_of(NOTHING_SHOWN, NOTHING_SHOWN[0]))
def test_who_shows_nothing_keeps_its_stake_and_owes_as_much(
    tmp_path: Path, cheated: Callable[[object, str], Path], cheat: object
) -> None:
    claim = cheated(cheat, MIDDLE)
    request, snapshot, told = looked_at(tmp_path / "home")
    refuses = claim.read_text()
    assert request.slashes == 0
    assert told.pop(refuses) == ["audit.close_look_refused"]
    assert {code for codes in told.values() for code in codes} == {"audit.close_look_holds"}
    found = standings(snapshot)
    refusing = found.pop(refuses)
    assert (refusing.slashed, refusing.owed, refusing.balance) == (0, refusing.bonded, 0)
    assert all(not each.owed and each.balance for each in found.values())
    check_journal(tmp_path / "home")
