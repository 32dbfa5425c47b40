"""A rack with more phones than workers: the others stand by and step in."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from app.core.device import DeviceState
from app.core.vitals import Charging
from app.faults.catalogue import Fault, FaultKind
from app.rack.commands import Inject
from app.rack.options import RackOptions
from app.rack.service import RackService
from app.rack.snapshot import PhoneSnapshot, RackSnapshot
from tests.integration.rack.support import PATIENCE, generate, open_rack_of, wait_for

RACK = """
use = "best"
audit_rate = 1.0
count = 3
workers = 1
[[phones]]
serial = "BENCH-1"
name = "Phone"
manufacturer = "Maker"
android_version = "14"
cores = 4
memory_bytes = 4_000_000_000
"""


def opened(folder: Path) -> AbstractContextManager[RackService]:
    file = folder / "bench.toml"
    file.write_text(RACK)
    return open_rack_of(RackOptions(home=folder / "home", rack=str(file), patience=PATIENCE))


def in_state(snapshot: RackSnapshot, state: DeviceState) -> list[PhoneSnapshot]:
    """Return the phones in that state, in rack order."""
    return [phone for phone in snapshot.phones if phone.state is state]


def test_a_phone_that_stands_by_steps_in_when_a_worker_is_lost(tmp_path: Path) -> None:
    with opened(tmp_path) as rack:
        first = rack.snapshot()
        (working,) = in_state(first, DeviceState.READY)
        resting = in_state(first, DeviceState.STANDBY)
        assert len(resting) == 2
        assert all(phone.description and phone.vitals for phone in first.phones)
        assert resting[0].vitals is not None
        assert resting[0].vitals.charging is Charging.FULL
        assert first.applied is not None
        expected = generate(rack, 8).token_ids
        rack.do(Inject(Fault(FaultKind.CRASH, working.serial, 3))).result(60)
        assert generate(rack, 8).token_ids == expected
        after = wait_for(rack, lambda snapshot: bool(in_state(snapshot, DeviceState.LOST)))
        assert after.applied is not None
        assert after.applied.serials == (resting[0].serial,)
        assert [each.serial for each in in_state(after, DeviceState.LOST)] == [working.serial]
        assert [each.serial for each in in_state(after, DeviceState.STANDBY)] == [resting[1].serial]
