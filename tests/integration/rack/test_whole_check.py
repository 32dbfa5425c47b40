"""A phone that lies is found where no audit was drawn: this computer checks every token."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.core.audit_outcome import CheckedBy, CheckMode
from app.core.device import DeviceState
from app.faults.catalogue import Fault, FaultKind
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Inject
from app.rack.options import RackOptions
from app.rack.snapshot import RequestState
from tests.integration.rack.support import (
    PATIENCE,
    finish,
    open_rack_of,
    start,
    wait_until,
    whole_demo_tokens,
)

TOKENS = 16


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, ...]:
    return whole_demo_tokens(tmp_path_factory.mktemp("library"), TOKENS)


def _options(home: Path) -> RackOptions:
    return RackOptions(
        home=home,
        rack="virtual:3",
        audit_rate=0.0,
        patience=PATIENCE,
        balancing=Balancing.OFF,
    )


def test_a_liar_is_found_and_slashed_though_no_audit_is_drawn(
    tmp_path: Path, right: tuple[int, ...]
) -> None:
    with open_rack_of(_options(tmp_path)) as rack:
        snapshot = wait_until(rack, lambda newest: newest.applied is not None)
        assert snapshot.applied is not None
        liar = snapshot.applied.serials[1]
        rack.do(Inject(Fault(FaultKind.WRONG_OUTPUT, liar))).result(30)
        request = finish(rack, start(rack, TOKENS))
        states = {phone.serial: phone.state for phone in rack.snapshot().phones}
    assert request.state is RequestState.SETTLED
    assert request.token_ids == right
    assert request.checked_by is CheckedBy.WHOLE_CHECK
    assert request.checked_tokens == TOKENS
    assert request.slashes == 1
    assert states.pop(liar) is DeviceState.JAILED
    assert DeviceState.JAILED not in states.values()


def test_turned_off_and_never_audited_a_text_is_not_called_verified(tmp_path: Path) -> None:
    options = replace(_options(tmp_path), check_mode=CheckMode.OFF)
    with open_rack_of(options) as rack:
        wait_until(rack, lambda newest: newest.applied is not None)
        request = finish(rack, start(rack, TOKENS))
    assert request.state is RequestState.SETTLED
    assert request.checked_by is CheckedBy.IN_PART
    assert (request.checked_tokens, request.audits, request.check_s) == (0, 0, 0.0)
