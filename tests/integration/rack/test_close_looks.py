"""Stages run again on their phones, honest or not: what is told of whom, and that it costs nothing.

The worker on each phone is the real one; on one phone of the ring its replays are changed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import tests.integration.cheating_worker
from app.rack.phones import preparation
from app.rack.settlement import sharp_tests
from app.rack.snapshot import RackSnapshot, RequestSnapshot, RequestState
from tests.integration.cheating_worker import FIRST, LAST, MIDDLE
from tests.integration.rack.cheating import cheating_bundle
from tests.integration.rack.support import finish, open_virtual_rack, start

TOKENS = 8
CHEATS = [
    (tests.integration.cheating_worker.replays_a_product_otherwise, FIRST, "operator"),
    (tests.integration.cheating_worker.replays_a_product_otherwise, MIDDLE, "operator"),
    (tests.integration.cheating_worker.replays_a_product_otherwise, LAST, "operator"),
    (tests.integration.cheating_worker.shows_other_states_than_it_signed_for, MIDDLE, "forged"),
    (tests.integration.cheating_worker.will_not_run_again, MIDDLE, "none"),
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


@pytest.mark.parametrize(("cheat", "stage", "found"), CHEATS)
def test_a_phone_whose_replay_is_false_is_told_of_alone_and_keeps_its_stake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cheat: object, stage: str, found: str
) -> None:
    claim = tmp_path / "cheat"
    # every operator is looked at: few of many would find one that is false most times only
    monkeypatch.setattr(sharp_tests, "DRAWN_OPERATORS", sharp_tests.DISPUTED_OPERATORS)
    bundle = cheating_bundle(cheat, stage, claim)  # type: ignore[arg-type]
    monkeypatch.setattr(preparation, "build_runtime_bundle", lambda: bundle)
    request, snapshot, told = looked_at(tmp_path / "home")
    assert request.state is RequestState.SETTLED
    assert request.slashes == 0
    assert told.pop(claim.read_text()) == [f"audit.close_look_{found}"]
    assert told
    assert {code for codes in told.values() for code in codes} == {"audit.close_look_holds"}
    assert all(phone.standing and not phone.standing.slashed for phone in snapshot.phones)
