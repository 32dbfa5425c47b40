"""A phone that signs for a class of its own: audited each time, and nobody is the worse for it."""

from __future__ import annotations

from pathlib import Path

import pytest

import tests.integration.cheating_worker
from app.ledger.entry import EntryKind
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.views.export import export_ledger
from app.placement.rebalancing.setting import Balancing
from app.rack.home import Home
from app.rack.options import RackOptions
from app.rack.phones import preparation
from app.rack.snapshot import RequestState
from tests.integration.cheating_worker import MIDDLE
from tests.integration.rack.cheating import cheating_bundle
from tests.integration.rack.support import PATIENCE, finish, open_rack_of, start


@pytest.mark.soak
def test_who_invents_a_class_is_audited_where_nobody_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = tmp_path / "claim"
    cheat = tests.integration.cheating_worker.invents_a_class
    bundle = cheating_bundle(cheat, MIDDLE, claim)
    monkeypatch.setattr(preparation, "build_runtime_bundle", lambda: bundle)
    home = Home(tmp_path / "home")
    options = RackOptions(
        home=tmp_path / "home",
        rack="virtual:3",
        patience=PATIENCE,
        balancing=Balancing.OFF,
        audit_rate=0.0,
    )
    with open_rack_of(options) as rack:
        requests = [finish(rack, start(rack, 6)) for _ in range(2)]
        phones = {str(phone.serial): phone.standing for phone in rack.snapshot().phones}
    assert {request.state for request in requests} == {RequestState.SETTLED}
    entries = export_ledger(home.ledger_file)["entries"]
    bodies = {
        kind: [each["body"] for each in entries if each["kind"] == kind]
        for kind in (EntryKind.AUDIT, EntryKind.CLASS_READ)
    }
    assert [each["reproduced"] for each in bodies[EntryKind.CLASS_READ]] == [False]
    audited = bodies[EntryKind.AUDIT]
    assert [each["serial"] for each in audited] == [claim.read_text()] * 2
    assert all(each["passed"] for each in audited)
    for standing in phones.values():
        assert standing is not None
        assert (standing.slashed, standing.jailed_until_ms) == (0, None)
    report = verify_ledger(home.ledger_file, read_public_key(home.ledger_key))
    assert report.valid, report.problem
