"""Phones that say what they may not say: the text is right all the same, and no honest phone pays.

The worker on each phone is the real one; on one phone of the ring something is changed in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.integration.cheating_worker
from app.core.device import DeviceState
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.rack.home import Home
from app.rack.phones import preparation
from app.rack.snapshot import RackSnapshot, RequestSnapshot, RequestState
from app.words.sentences import fact_text
from tests.integration.cheating_worker import FIRST, LAST, MIDDLE
from tests.integration.rack.cheating import cheating_bundle
from tests.integration.rack.support import (
    finish,
    open_virtual_rack,
    start,
    wait_until,
    whole_demo_tokens,
)
from tests.soak import slice_of

TOKENS = 16
AT_WORK = {DeviceState.READY, DeviceState.WORKING}
COMING_BACK = {DeviceState.LOST, DeviceState.PREPARING}

OFFENCES = [
    (tests.integration.cheating_worker.says_a_token_in_the_middle, MIDDLE),
    (tests.integration.cheating_worker.tells_a_token_too_large, LAST),
    (tests.integration.cheating_worker.tells_no_number_for_a_probability, LAST),
    (tests.integration.cheating_worker.breaks_off_for_another, MIDDLE),
    (tests.integration.cheating_worker.breaks_off_for_nobody, FIRST),
    (tests.integration.cheating_worker.says_what_nobody_can_read, MIDDLE),
    (tests.integration.cheating_worker.hides_what_it_computed_with, MIDDLE),
    (tests.integration.cheating_worker.shows_without_end, MIDDLE),
    (tests.integration.cheating_worker.signs_a_step_more, MIDDLE),
    (tests.integration.cheating_worker.signs_steps_beyond_all_bounds, LAST),
    (tests.integration.cheating_worker.signs_for_more_tokens, FIRST),
]
"""What only the one who did it can have done, and where in the ring it is done."""
FALSE_FIGURES = [
    tests.integration.cheating_worker.tells_and_signs_false_probabilities,
    tests.integration.cheating_worker.tells_and_signs_false_alternatives,
]
"""What shows only in an audit: the tokens are right."""
UNUSABLE_ROWS = [
    tests.integration.cheating_worker.sends_rows_of_another_shape,
    tests.integration.cheating_worker.sends_rows_of_another_step,
    tests.integration.cheating_worker.sends_rows_that_are_not_finite,
]
ALTERED_HEADERS = [
    tests.integration.cheating_worker.wants_no_token_for_the_host,
    tests.integration.cheating_worker.asks_for_another_token_than_the_host,
    tests.integration.cheating_worker.lets_the_ring_go_on_for_longer,
]
"""What passes the cheat on its way to the last phone, which answers for what it makes of it."""


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, ...]:
    return whole_demo_tokens(tmp_path_factory.mktemp("library"), TOKENS)


class Outcome:
    """What became of a request, and of the phone that cheated."""

    def __init__(self, request: RequestSnapshot, rack: RackSnapshot, claim: Path) -> None:
        self.request = request
        self.rack = rack
        self.cheat = claim.read_text()
        self.states = {str(phone.serial): phone.state for phone in rack.phones}
        self.paid = {
            str(phone.serial): phone.standing.balance for phone in rack.phones if phone.standing
        }


@pytest.fixture
def outcome(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Outcome]:
    cheat, stage = request.param
    claim, home = tmp_path / "cheat", tmp_path / "home"
    bundle = cheating_bundle(cheat, stage, claim)
    monkeypatch.setattr(preparation, "build_runtime_bundle", lambda: bundle)
    with open_virtual_rack(home, 3) as rack:
        ended = finish(rack, start(rack, TOKENS))
        snapshot = wait_until(
            rack, lambda newest: all(each.state not in COMING_BACK for each in newest.phones)
        )
        yield Outcome(ended, snapshot, claim)
    folder = Home(home)
    report = verify_ledger(folder.ledger_file, read_public_key(folder.ledger_key))
    assert report.valid, report.problem


def _name(value: object) -> str:
    cheat, _stage = value if isinstance(value, tuple) else (value, "")
    return str(getattr(cheat, "__name__", value))


def _check_text(outcome: Outcome, right: tuple[int, ...]) -> None:
    request = outcome.request
    told = (request.state_reason, [fact_text(event.fact) for event in outcome.rack.timeline])
    assert request.state is RequestState.SETTLED, told
    assert request.token_ids == right, told
    assert request.slashes == 0, told


@pytest.mark.parametrize(
    "outcome",
    slice_of(OFFENCES, OFFENCES[0], OFFENCES[10]),
    ids=_name,
    indirect=True,
)
def test_who_says_what_no_honest_phone_says_is_jailed_alone_and_not_paid(
    outcome: Outcome, right: tuple[int, ...]
) -> None:
    _check_text(outcome, right)
    assert outcome.states.pop(outcome.cheat) is DeviceState.JAILED
    assert set(outcome.states.values()) <= AT_WORK
    assert outcome.paid.pop(outcome.cheat) == 0
    assert all(balance > 0 for balance in outcome.paid.values())


@pytest.mark.parametrize(
    "outcome",
    slice_of([(cheat, MIDDLE) for cheat in UNUSABLE_ROWS], (UNUSABLE_ROWS[2], MIDDLE)),
    ids=_name,
    indirect=True,
)
def test_where_rows_are_unusable_nobody_is_jailed_and_the_text_goes_on(
    outcome: Outcome, right: tuple[int, ...]
) -> None:
    _check_text(outcome, right)
    assert set(outcome.states.values()) <= AT_WORK
    assert outcome.request.failovers > 0


@pytest.mark.parametrize(
    "outcome",
    slice_of([(cheat, MIDDLE) for cheat in ALTERED_HEADERS], (ALTERED_HEADERS[0], MIDDLE)),
    ids=_name,
    indirect=True,
)
def test_a_header_changed_on_its_way_costs_nobody_anything_and_the_text_goes_on(
    outcome: Outcome, right: tuple[int, ...]
) -> None:
    _check_text(outcome, right)
    assert outcome.cheat
    assert set(outcome.states.values()) <= AT_WORK
    assert all(balance > 0 for balance in outcome.paid.values())


@pytest.mark.parametrize(
    "outcome",
    slice_of([(cheat, LAST) for cheat in FALSE_FIGURES], (FALSE_FIGURES[0], LAST)),
    ids=_name,
    indirect=True,
)
def test_who_says_false_things_beside_the_right_tokens_is_slashed_at_its_first_audit(
    outcome: Outcome, right: tuple[int, ...]
) -> None:
    assert outcome.request.state is RequestState.SETTLED
    assert outcome.request.token_ids == right
    assert outcome.request.slashes == 1
    assert outcome.states.pop(outcome.cheat) is DeviceState.JAILED
    assert set(outcome.states.values()) <= AT_WORK
    standings = {str(phone.serial): phone.standing for phone in outcome.rack.phones}
    slashed = {serial for serial, standing in standings.items() if standing and standing.slashed}
    assert slashed == {outcome.cheat}


@pytest.mark.parametrize(
    "outcome",
    [(tests.integration.cheating_worker.signs_other_probabilities_than_it_tells, LAST)],
    ids=_name,
    indirect=True,
)
def test_who_signs_for_other_things_than_it_told_owes_what_being_wrong_costs(
    outcome: Outcome, right: tuple[int, ...]
) -> None:
    """That it told others is the host's word, which takes no stake."""
    _check_text(outcome, right)
    assert outcome.states.pop(outcome.cheat) is DeviceState.JAILED
    assert set(outcome.states.values()) <= AT_WORK
    standings = {
        str(phone.serial): phone.standing for phone in outcome.rack.phones if phone.standing
    }
    cheat = standings.pop(outcome.cheat)
    assert (cheat.slashed, cheat.owed, cheat.balance) == (0, cheat.bonded, 0)
    assert not any(standing.owed for standing in standings.values())
