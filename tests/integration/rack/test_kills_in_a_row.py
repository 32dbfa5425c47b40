"""Workers are killed from outside, one after the other, each in the middle of a text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.benchmarks.failover.disturbing import worker_of
from app.core.device import DeviceState
from app.rack.commands import ClearFault
from app.rack.snapshot import RackSnapshot, RequestState
from tests.integration.rack.support import (
    finish,
    generate,
    open_virtual_rack,
    start,
    tokens_so_far,
    wait_for,
)

KILLS = int(os.environ.get("SHARDLOOM_KILLS_IN_A_ROW", "100"))
TOKENS = 400
BEFORE = 20


@pytest.mark.soak
def test_workers_killed_one_after_the_other_cost_no_token(tmp_path: Path) -> None:
    with open_virtual_rack(tmp_path, 4) as rack:
        undisturbed = generate(rack, TOKENS).token_ids
        for number in range(KILLS):
            identifier = start(rack, TOKENS)
            snapshot = wait_for(rack, lambda newest: tokens_so_far(newest, identifier) >= BEFORE)  # noqa: B023
            assert snapshot.applied is not None
            serials = snapshot.applied.serials
            killed = serials[number % len(serials)]
            worker_of(tmp_path, killed).kill()
            request = finish(rack, identifier)
            assert (request.state, request.token_ids) == (RequestState.SETTLED, undisturbed)
            assert request.slashes == 0
            rack.do(ClearFault(killed)).result(60)
            wait_for(rack, _all_usable)


def _all_usable(snapshot: RackSnapshot) -> bool:
    usable = {DeviceState.READY, DeviceState.STANDBY, DeviceState.WORKING}
    return all(phone.state in usable for phone in snapshot.phones)
