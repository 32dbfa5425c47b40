"""Weights on their way over a slow radio: how fast and how long still is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.rack.options import RackOptions
from app.rack.service import open_rack
from app.rack.snapshot import Phase, RackSnapshot, RequestState, Transfer
from tests.integration.rack.support import PATIENCE, generate, wait_for

MEGABIT_PER_SECOND = 40
SLOW_RACK = f"""
name = "slow"
use = "all"
audit_rate = 1.0

[[phones]]
serial = "SLOW-1"
name = "Slow"
manufacturer = "Nobody"
android_version = "14"
cores = 4
memory_bytes = 4_000_000_000
link_mbit_per_second = {MEGABIT_PER_SECOND}
"""


def test_rate_and_time_left_of_a_push_are_told(tmp_path: Path) -> None:
    rack_file = tmp_path / "slow.toml"
    rack_file.write_text(SLOW_RACK)
    seen: list[Transfer] = []

    def look(snapshot: RackSnapshot) -> None:
        transfers = [phone.transfer for phone in snapshot.phones if phone.transfer is not None]
        seen.extend(transfer for transfer in transfers if transfer.what == "weights")

    options = RackOptions(home=tmp_path / "home", rack=str(rack_file), patience=PATIENCE)
    rack = open_rack(options)
    try:
        rack.subscribe(look)
        wait_for(rack, lambda snapshot: snapshot.phase is Phase.READY)
        assert generate(rack, 4).state is RequestState.SETTLED
    finally:
        rack.close().result(60)
    told = [transfer for transfer in seen if transfer.bytes_per_second is not None]
    assert told
    for transfer in told:
        assert transfer.bytes_per_second is not None
        assert transfer.left_s is not None
        assert transfer.bytes_per_second < 2 * MEGABIT_PER_SECOND * 1e6 / 8
        expected = transfer.total_bytes - transfer.done_bytes
        assert transfer.left_s * transfer.bytes_per_second == pytest.approx(expected)
