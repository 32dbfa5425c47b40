"""What befalls a phone by a tester's hand, seen by the rack as it would see a real phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.device import DeviceState
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.core.vitals import Charging, Doze
from app.faults.catalogue import Fault, FaultKind
from app.rack.blocking import BlockingPool
from app.rack.commands import ClearFault, Inject, RestartWorker
from app.rack.faults.virtual_faults import VirtualFaults
from app.rack.home import Home
from app.rack.phones.started_phones import StartedPhones
from app.rack.service import RackService
from app.rack.snapshot import PhoneSnapshot, RackSnapshot
from tests.integration.rack.support import generate, open_virtual_rack, wait_for
from tests.saying import raises_saying


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RackService]:
    """Yield a rack of two phones, the first of which the last test leaves hot."""
    with open_virtual_rack(tmp_path_factory.mktemp("home"), 2) as opened:
        yield opened


def first(snapshot: RackSnapshot) -> PhoneSnapshot:
    return snapshot.phones[0]


def charging(snapshot: RackSnapshot) -> Charging | None:
    vitals = first(snapshot).vitals
    return vitals.charging if vitals else None


def warmth(snapshot: RackSnapshot) -> float | None:
    vitals = first(snapshot).vitals
    return vitals.temperature_celsius if vitals else None


def test_text_goes_on_while_debugging_restarts_on_a_phone(rack: RackService) -> None:
    expected = generate(rack, 10).token_ids
    rack.do(Inject(Fault(FaultKind.ADBD_RESTART, first(rack.snapshot()).serial))).result(60)
    assert generate(rack, 10).token_ids == expected
    assert first(rack.snapshot()).fault is None
    wait_for(rack, lambda newest: first(newest).state is DeviceState.READY)


def test_a_phone_is_unplugged_and_warmed_and_the_rack_sees_it(rack: RackService) -> None:
    serial = first(rack.snapshot()).serial
    rack.do(Inject(Fault(FaultKind.UNPLUG, serial))).result(60)
    told = wait_for(rack, lambda newest: charging(newest) is Charging.DISCHARGING)
    assert first(told).fault == "unplug@1"
    rack.do(ClearFault(serial)).result(60)
    wait_for(rack, lambda newest: charging(newest) is not Charging.DISCHARGING)
    assert first(rack.snapshot()).fault is None
    rack.do(Inject(Fault(FaultKind.OVERHEAT, serial))).result(60)
    wait_for(rack, lambda newest: (warmth(newest) or 0) > 40)


def test_a_phone_that_falls_asleep_is_lost_and_says_why_while_the_text_goes_on(
    tmp_path: Path,
) -> None:
    with open_virtual_rack(tmp_path, 2, patience=1.5) as rack:
        expected = generate(rack, 10).token_ids
        phone = Home(tmp_path).started_phones / first(rack.snapshot()).serial
        (phone / "rootfs/data/system/deviceidle").write_text("force-idle deep\n")
        wait_for(rack, lambda newest: first(newest).state is DeviceState.LOST)
        wait_for(rack, lambda newest: doze(newest) is Doze.DEEP)
        assert generate(rack, 10).token_ids == expected
        (phone / "rootfs/data/system/deviceidle").unlink()
        rack.do(RestartWorker(first(rack.snapshot()).serial)).result(90)
        wait_for(rack, lambda newest: first(newest).state is DeviceState.READY)
        assert generate(rack, 10).token_ids == expected


def doze(snapshot: RackSnapshot) -> Doze | None:
    vitals = first(snapshot).vitals
    return vitals.doze if vitals else None


async def test_a_real_phone_is_left_to_the_testers_hands(tmp_path: Path) -> None:
    befalling = VirtualFaults(StartedPhones((), tmp_path), BlockingPool(1, "test"))
    with raises_saying(BadInputError, match="is no simulated phone"):
        await befalling.begin(Fault(FaultKind.UNPLUG, Serial("REAL-1")))
