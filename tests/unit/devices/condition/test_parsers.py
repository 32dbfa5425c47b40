"""Texts of several Android versions, and any other text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.devices.condition import parsers

BATTERY_ANDROID_14 = """Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Dock powered: false
  Max charging current: 500000
  Max charging voltage: 5000000
  Charge counter: 3892000
  status: 2
  health: 2
  present: true
  level: 87
  scale: 100
  voltage: 4213
  temperature: 312
  technology: Li-ion
  Charging state: 0
"""
BATTERY_ANDROID_6 = """Current Battery Service state:
  AC powered: false
  USB powered: true
  status: 5
  health: 2
  present: true
  level: 120
  scale: 200
  voltage: 4321
  temperature: -15
  technology: Li-poly
"""
THERMAL_PIXEL = """IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 2
Thermal Status: 0
Cached temperatures:
\tTemperature{mValue=55.0, mType=3, mName=VIRTUAL-SKIN, mStatus=2}
HAL Ready: true
HAL connection:
\tThermalHAL AIDL 2  connected: yes
Current temperatures from HAL:
\tTemperature{mValue=61.2, mType=0, mName=BIG, mStatus=0}
\tTemperature{mValue=28.1, mType=2, mName=battery, mStatus=0}
\tTemperature{mValue=33.457, mType=3, mName=VIRTUAL-SKIN, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
Temperature static thresholds from HAL:
"""
THERMAL_NO_SKIN = """Current temperatures from HAL:
\tTemperature{mValue=41.0, mType=0, mName=CPU0, mStatus=0}
\tTemperature{mValue=47.5, mType=0, mName=CPU7, mStatus=0}
\tTemperature{mValue=-3.4028235E38, mType=3, mName=skin, mStatus=0}
\tTemperature{mValue=NaN, mType=2, mName=battery, mStatus=0}
"""
MEMINFO = """MemTotal:        7812344 kB
MemFree:          201344 kB
MemAvailable:    3144512 kB
Buffers:            4096 kB
Cached:          2801232 kB
"""
MEMINFO_KERNEL_3_10 = """MemTotal:        1900000 kB
MemFree:          100000 kB
Buffers:           20000 kB
Cached:           300000 kB
"""
DF_TOYBOX = """Filesystem      1K-blocks     Used Available Use% Mounted on
/dev/block/dm-5 113304340 32400128  80773140  29% /data/user/0
"""
DF_WRAPPED = """Filesystem           1K-blocks      Used Available Use% Mounted on
/dev/block/platform/very/long/name/by-name/userdata
                      25833120  12046440  13786680  47% /data
"""
ADDRESSES = """2: wlan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP qlen 3000
    inet 192.168.1.57/24 brd 192.168.1.255 scope global wlan0
       valid_lft forever preferred_lft forever
"""


@pytest.mark.parametrize(
    ("text", "percent", "celsius"),
    [(BATTERY_ANDROID_14, 87, 31.2), (BATTERY_ANDROID_6, 60, -1.5), ("", None, None)],
)
def test_battery_level_is_scaled_and_temperature_is_in_tenths(
    text: str, percent: int | None, celsius: float | None
) -> None:
    assert parsers.battery_percent(text) == percent
    assert parsers.battery_celsius(text) == celsius


def test_skin_temperature_comes_from_the_hal_block_and_not_from_the_cache() -> None:
    assert parsers.thermal_celsius(THERMAL_PIXEL) == 33.457


def test_unreadable_sensors_are_passed_over_for_the_hottest_core() -> None:
    assert parsers.thermal_celsius(THERMAL_NO_SKIN) == 47.5


def test_no_thermal_service_is_no_temperature() -> None:
    assert parsers.thermal_celsius("Can't find service: thermalservice") is None


@pytest.mark.parametrize(
    ("text", "kilobytes"),
    [(MEMINFO, (7812344, 3144512)), (MEMINFO_KERNEL_3_10, (1900000, 420000))],
)
def test_memory_is_read_and_estimated_on_old_kernels(text: str, kilobytes: tuple[int, int]) -> None:
    assert parsers.memory_bytes(text) == (kilobytes[0] * 1024, kilobytes[1] * 1024)


@pytest.mark.parametrize(("text", "kilobytes"), [(DF_TOYBOX, 80773140), (DF_WRAPPED, 13786680)])
def test_free_space_is_the_column_before_the_percentage(text: str, kilobytes: int) -> None:
    assert parsers.free_bytes(text) == kilobytes * 1024


def test_wifi_address_is_the_inet_of_the_interface() -> None:
    assert parsers.inet_address(ADDRESSES) == "192.168.1.57"
    assert parsers.inet_address('Device "wlan0" does not exist.') is None
    assert parsers.inet_address("inet 999.1.1.1/24") is None


@given(st.text())
def test_any_text_gives_figures_in_range_or_none(text: str) -> None:
    for wrapped in (text, f"{text}\n{parsers._HAL_BLOCK}\n{text}", f"  level: {text}\n"):
        percent = parsers.battery_percent(wrapped)
        assert percent is None or 0 <= percent <= 100
        for celsius in (parsers.battery_celsius(wrapped), parsers.thermal_celsius(wrapped)):
            assert celsius is None or -40 <= celsius <= 150
        memory = parsers.memory_bytes(wrapped)
        assert memory is None or 0 <= memory[1] <= memory[0]
        assert parsers.whole_number(wrapped, 1) >= 1
        parsers.inet_address(wrapped)
        parsers.free_bytes(wrapped)


@given(
    st.integers(0, 100),
    st.floats(-40, 150, allow_nan=False),
    st.integers(1, 10**9),
    st.floats(0, 1),
)
def test_figures_survive_the_way_through_a_phones_text(
    percent: int, celsius: float, total_kilobytes: int, share: float
) -> None:
    assert parsers.battery_percent(f"  level: {percent}\n  scale: 100\n") == percent
    thermal = f"{parsers._HAL_BLOCK}\n\tTemperature{{mValue={celsius}, mType=3, mName=s}}"
    assert parsers.thermal_celsius(thermal) == celsius
    available = int(total_kilobytes * share)
    text = f"MemTotal: {total_kilobytes} kB\nMemAvailable: {available} kB\n"
    assert parsers.memory_bytes(text) == (total_kilobytes * 1024, available * 1024)
