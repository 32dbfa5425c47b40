"""Phones that die, vanish, lie or are all gone: texts go on, and what was lost comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.device import DeviceState
from app.core.identifiers import RequestId, Serial
from app.faults.catalogue import Fault, FaultKind
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.placement.problem import Objective
from app.rack.commands import (
    Apply,
    Cancel,
    ClearFault,
    Inject,
    Release,
    Replan,
)
from app.rack.home import Home
from app.rack.options import RackOptions
from app.rack.service import RackService
from app.rack.snapshot import RackSnapshot, RequestState, TimelineKind
from app.words.sentences import fact_text, reason_text
from tests.integration.rack.support import (
    HELD,
    PATIENCE,
    finish,
    generate,
    open_rack_of,
    open_virtual_rack,
    paused_before,
    request_in,
    start,
    virtual_phones,
    wait_for,
)

TOKENS = 20


def holds_layers(snapshot: RackSnapshot, serial: Serial) -> bool:
    return snapshot.applied is not None and serial in snapshot.applied.serials


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RackService]:
    """Yield a rack of two phones that each test leaves whole; the last one takes a phone away."""
    with open_virtual_rack(tmp_path_factory.mktemp("home"), 2) as opened:
        yield opened


@pytest.fixture(scope="module")
def home_of_lone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def lone(home_of_lone: Path) -> Iterator[RackService]:
    """Yield a rack of one phone that tests leave whole; the last one closes it."""
    with open_virtual_rack(home_of_lone, 1) as opened:
        yield opened


def test_a_worker_that_dies_while_idle_is_noticed_and_its_layers_move(pair: RackService) -> None:
    expected = generate(pair, 10).token_ids
    victim = pair.snapshot().phones[0]
    pair.do(Inject(Fault(FaultKind.CRASH, victim.serial, 3))).result(60)
    assert generate(pair, 10).token_ids == expected
    snapshot = wait_for(pair, lambda snapshot: snapshot.phones[0].state is DeviceState.LOST)
    assert snapshot.applied is not None
    assert victim.serial not in snapshot.applied.serials
    pair.do(ClearFault(victim.serial)).result(60)
    wait_for(pair, lambda snapshot: snapshot.phones[0].state is DeviceState.READY)
    pair.do(Replan(Objective.THROUGHPUT, ())).result(60)
    pair.do(Apply()).result(60)
    wait_for(pair, lambda newest: holds_layers(newest, victim.serial))
    assert generate(pair, 10).token_ids == expected
    kinds = [event.kind for event in pair.snapshot().timeline]
    assert TimelineKind.FAILOVER in kinds


def last_at_work(rack: RackService) -> Serial:
    applied = rack.snapshot().applied
    assert applied is not None
    return applied.serials[-1]


def pause_reason(rack: RackService, identifier: RequestId) -> str:
    """Wait until a request waits for phones, and return why."""

    def pauses(snapshot: RackSnapshot) -> bool:
        request = request_in(snapshot, identifier)
        return request is not None and request.state is RequestState.PAUSED

    request = request_in(wait_for(rack, pauses), identifier)
    assert request is not None
    return reason_text(request.state_reason)


def test_when_every_phone_is_gone_requests_pause_until_one_is_back(lone: RackService) -> None:
    expected = generate(lone, 10).token_ids
    serial = lone.snapshot().phones[0].serial
    lone.do(Inject(Fault(FaultKind.CRASH, serial, 4))).result(60)
    first, second = start(lone, 10), start(lone, 10)
    for identifier in (first, second):
        assert "No phone" in pause_reason(lone, identifier)
    lone.do(Cancel(second)).result(60)
    assert finish(lone, second).state is RequestState.CANCELLED
    lone.do(ClearFault(serial)).result(60)
    ended = finish(lone, first)
    assert (ended.state, ended.token_ids) == (RequestState.SETTLED, expected)


def test_where_none_may_pause_a_request_fails_with_what_is_missing(tmp_path: Path) -> None:
    options = RackOptions(tmp_path, "virtual:1", pause_limit_s=0.0, patience=PATIENCE)
    with open_rack_of(options) as rack:
        serial = rack.snapshot().phones[0].serial
        rack.do(Inject(Fault(FaultKind.CRASH, serial, 2))).result(60)
        request = generate(rack, 10)
        assert request.state is RequestState.FAILED
        assert request.state_reason is not None
        assert "No phone" in fact_text(request.state_reason)


def test_a_slashed_phone_is_released_by_the_operator_and_works_again(pair: RackService) -> None:
    serial = last_at_work(pair)
    pair.do(Inject(Fault(FaultKind.WRONG_OUTPUT, serial, 4))).result(60)
    request = generate(pair, 12)
    assert (request.slashes, request.state) == (1, RequestState.SETTLED)
    ledger = wait_for(pair, lambda snapshot: bool(snapshot.ledger)).ledger
    assert ledger is not None
    assert [row.serial for row in ledger.slashes] == [serial]
    pair.do(ClearFault(serial)).result(60)
    pair.do(Release(serial)).result(60)
    pair.do(Replan(Objective.THROUGHPUT, ())).result(60)
    pair.do(Apply()).result(60)
    again = generate(pair, 12)
    assert again.token_ids == request.token_ids
    assert again.assignment is not None
    assert serial in again.assignment.serials


def test_closing_in_the_middle_of_a_request_leaves_a_ledger_that_verifies(
    lone: RackService, home_of_lone: Path
) -> None:
    with paused_before(HELD) as pause:
        start(lone, TOKENS)
        pause.wait()
        lone.close().result(90)
    home = Home(home_of_lone)
    report = verify_ledger(home.ledger_file, read_public_key(home.ledger_key))
    assert report.valid, report.problem


def test_a_phone_that_vanishes_is_lost_and_the_text_goes_on(pair: RackService) -> None:
    expected = generate(pair, TOKENS).token_ids
    victim = last_at_work(pair)
    with paused_before(HELD) as pause:
        identifier = start(pair, TOKENS)
        pause.wait()
        virtual_phones(pair).kill(victim)
    request = finish(pair, identifier)
    assert request.token_ids == expected
    assert request.failovers == 1
    assert request.assignment is not None
    assert victim not in request.assignment.serials
