from __future__ import annotations

from pathlib import Path

import pytest

from app.devices.condition.probe import describe, wifi_address
from app.devices.condition.vitals import VitalsReader
from app.devices.links.tcp_link import connect_tcp
from tests.integration.devices.rack import key, persona, running


@pytest.mark.usefixtures("patient")
def test_a_phone_is_described_as_it_says(tmp_path: Path) -> None:
    model = persona(
        "P-1",
        name="Pixel 7 Pro",
        manufacturer="Google",
        cores=6,
        battery_percent=61,
        temperature_celsius=36.5,
        battery_watt_hours=1000,
        heat_time_constant_s=100_000,
    )
    with running([model], tmp_path) as rack:
        link = connect_tcp(rack.addresses[0], key(tmp_path))
        described = describe(link)
        vitals = VitalsReader(link).read()
        address = wifi_address(link)
    assert (described.serial, described.name, described.manufacturer) == (
        "P-1",
        "Pixel 7 Pro",
        "Google",
    )
    assert (described.android_version, described.cores) == ("14", 6)
    assert described.abi == model.abi
    assert described.simulated
    assert described.limits
    assert described.transport == f"loopback {link.transport.split()[1]}"
    assert vitals.battery_percent == 61
    assert vitals.temperature_celsius == 36.5
    assert vitals.memory_total_bytes == 4_000_000_000
    assert 0 < vitals.memory_available_bytes < vitals.memory_total_bytes
    assert address == "127.0.0.1"
