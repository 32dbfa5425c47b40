"""What a phone draws while it computes, from its battery's current and voltage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.vitals import Charging, DeviceVitals
from app.devices.condition.drain import LEAST_READINGS, DrainMeter, drawn_watts
from app.devices.condition.vitals_parsers import battery_volts


def vitals(watts: float, charging: Charging | None = Charging.DISCHARGING) -> DeviceVitals:
    return DeviceVitals(
        80, 30.0, 1, 1, charging, battery_current_ma=-watts * 250, battery_volts=4.0
    )


def read(shares: list[float], idle: float, active: float, charging: Charging) -> DrainMeter:
    meter, computed_s = DrainMeter(), 0.0
    meter.note(0.0, 0.0, vitals(idle, charging))
    for number, share in enumerate(shares, 1):
        computed_s += 2.0 * share
        meter.note(2.0 * number, computed_s, vitals(idle + active * share, charging))
    return meter


@given(
    st.lists(st.floats(0, 1), min_size=LEAST_READINGS, max_size=40),
    st.floats(0.1, 3.0),
    st.floats(0.5, 12.0),
)
def test_what_computing_draws_is_found_beside_what_the_phone_draws_anyway(
    shares: list[float], idle: float, active: float
) -> None:
    meter = read([0.0, *shares, 1.0], idle, active, Charging.DISCHARGING)
    assert meter.active_watts == pytest.approx(active)


def test_a_phone_that_always_or_never_works_does_not_tell() -> None:
    assert read([0.5] * 30, 1.0, 4.0, Charging.DISCHARGING).active_watts is None
    assert read([0.0, 1.0], 1.0, 4.0, Charging.DISCHARGING).active_watts is None


@pytest.mark.parametrize("charging", [Charging.CHARGING, Charging.FULL, Charging.NOT_CHARGING])
def test_a_charger_hides_what_is_drawn(charging: Charging) -> None:
    assert read([0.0, 1.0] * 20, 1.0, 4.0, charging).active_watts is None
    assert drawn_watts(vitals(3.0, None)) is None


def test_a_fit_that_no_phone_can_draw_is_none() -> None:
    assert read([0.0, 1.0] * 20, 200.0, 80.0, Charging.DISCHARGING).active_watts is None
    assert read([0.0, 1.0] * 20, 5.0, -4.0, Charging.DISCHARGING).active_watts is None


@pytest.mark.parametrize(
    ("text", "volts"),
    [
        ("  voltage: 4123\n", 4.123),
        ("  voltage: 4123000\n", 4.123),
        ("  Max charging voltage: 5000000\n  voltage: 3900\r\n", 3.9),
        ("  voltage: 0\n", None),
        ("  voltage: 99999999\n", None),
        ("", None),
    ],
)
def test_voltages_are_read_as_makers_write_them(text: str, volts: float | None) -> None:
    assert battery_volts(text) == volts
