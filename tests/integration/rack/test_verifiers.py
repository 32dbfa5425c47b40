"""A phone without layers audits those of a ring; one that lies harms nobody but itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import tests.integration.cheating_worker
from app.ledger.entry import EntryKind
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.views.export import export_ledger
from app.placement.conditions import Conditions
from app.placement.rebalancing.setting import Balancing
from app.rack.home import Home
from app.rack.options import RackOptions
from app.rack.phones import preparation
from app.rack.service import RackService
from app.rack.snapshot import RequestState
from tests.integration.cheating_worker import MIDDLE
from tests.integration.rack.cheating import cheating_bundle
from tests.integration.rack.support import PATIENCE, finish, open_rack_of, start
from tests.soak import slice_of

TOKENS = 6
IDLE = "RN12-0003"


@contextmanager
def rack_with_an_idle_phone(home: Path) -> Iterator[RackService]:
    options = RackOptions(
        home=home,
        rack="virtual:3",
        patience=PATIENCE,
        balancing=Balancing.OFF,
        conditions=Conditions(excluded=frozenset({IDLE})),
        verifiers=True,
    )
    with open_rack_of(options) as rack:
        yield rack


@pytest.mark.parametrize("lies", slice_of([False, True], True))
def test_an_idle_phone_audits_and_one_that_lies_is_asked_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, lies: bool
) -> None:
    cheat, claim = tests.integration.cheating_worker.answers_other_rows_when_it_audits, "claim"
    if lies:
        bundle = cheating_bundle(cheat, MIDDLE, tmp_path / claim)
        monkeypatch.setattr(preparation, "build_runtime_bundle", lambda: bundle)
    with rack_with_an_idle_phone(tmp_path / "home") as rack:
        requests = [finish(rack, start(rack, TOKENS)) for _ in range(2)]
        phones = {str(phone.serial): phone.standing for phone in rack.snapshot().phones}
    assert {request.state for request in requests} == {RequestState.SETTLED}
    assert sum(request.slashes for request in requests) == 0
    entries = export_ledger(Home(tmp_path / "home").ledger_file)["entries"]
    audits = [each["body"] for each in entries if each["kind"] == EntryKind.AUDIT]
    checks = [each["body"] for each in entries if each["kind"] == EntryKind.VERIFIER_CHECKED]
    assert len(audits) == 4
    assert all(audit["passed"] for audit in audits)
    by_phone = [audit["verifier"] for audit in audits if "verifier" in audit]
    assert set(by_phone) <= {IDLE}
    assert all(check["right"] is not lies for check in checks)
    assert len(checks) + len(by_phone) == (2 if lies else 4)
    for serial, standing in phones.items():
        assert standing is not None
        assert (standing.slashed, standing.jailed_until_ms) == (0, None)
        assert standing.audits_passed == (0 if serial == IDLE else 2)
    home = Home(tmp_path / "home")
    report = verify_ledger(home.ledger_file, read_public_key(home.ledger_key))
    assert report.valid, report.problem
