"""A rack with more phones than workers: the others stand by and step in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rack_support import READY, generate, wait_for

from app.core.device import DeviceState
from app.core.vitals import Charging
from app.faults.catalogue import Fault, FaultKind
from app.rack.options import RackOptions
from app.rack.service import RackService, open_rack
from app.rack.snapshot import RackSnapshot

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


@contextmanager
def opened(folder: Path) -> Iterator[RackService]:
    file = folder / "bench.toml"
    file.write_text(RACK)
    rack = open_rack(RackOptions(home=folder / "home", rack=str(file)))
    try:
        wait_for(rack, lambda snapshot: snapshot.phase in READY)
        yield rack
    finally:
        rack.close().result(60)


def states(snapshot: RackSnapshot) -> list[DeviceState]:
    return [phone.state for phone in snapshot.phones]


def test_a_phone_that_stands_by_steps_in_when_a_worker_is_lost(tmp_path: Path) -> None:
    with opened(tmp_path) as rack:
        first = rack.snapshot()
        assert states(first) == [DeviceState.READY, DeviceState.STANDBY, DeviceState.STANDBY]
        assert all(phone.description and phone.vitals for phone in first.phones)
        assert first.phones[1].vitals is not None
        assert first.phones[1].vitals.charging is Charging.FULL
        assert first.applied is not None
        expected = generate(rack, 8).token_ids
        rack.inject(Fault(FaultKind.CRASH, first.phones[0].serial, 3)).result(10)
        assert generate(rack, 8).token_ids == expected
        after = wait_for(rack, lambda snapshot: states(snapshot)[0] is DeviceState.LOST)
        assert after.applied is not None
        assert set(after.applied.serials) == {after.phones[1].serial}
        assert states(after)[2] is DeviceState.STANDBY
