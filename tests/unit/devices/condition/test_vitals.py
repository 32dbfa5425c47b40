"""Readings in the shapes of several Android versions and makers, and in any other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.vitals import Charging, DeviceVitals, Doze, Throttling, WifiLink
from app.devices.adb.link import ShellResult
from app.devices.condition import parsers
from app.devices.condition import vitals_parsers as read
from app.devices.condition.vitals import SCRIPT, VitalsReader
from app.devices.errors import PhoneRefusedError
from tests.saying import raises_saying

MEMORY = "MemTotal:        7812344 kB\nMemFree:  201344 kB\nMemAvailable:    3144512 kB\n"
PIXEL_ANDROID_15 = {
    "battery": "Current Battery Service state:\n  AC powered: false\n  USB powered: true\n"
    "  status: 2\n  health: 2\n  present: true\n  level: 87\n  scale: 100\n  voltage: 4213\n"
    "  temperature: 312\n  technology: Li-ion\n  Charging state: 0\n  Charging policy: 1\n",
    "current": "812500\n",
    "thermal": "IsStatusOverride: false\nThermal Status: 2\nCached temperatures:\n"
    "\tTemperature{mValue=55.0, mType=3, mName=VIRTUAL-SKIN, mStatus=2}\nHAL Ready: true\n"
    "Current temperatures from HAL:\n"
    "\tTemperature{mValue=61.2, mType=0, mName=BIG, mStatus=0}\n"
    "\tTemperature{mValue=43.457, mType=3, mName=VIRTUAL-SKIN, mStatus=2}\n"
    "Current cooling devices from HAL:\n\tCoolingDevice{mValue=0, mType=2, mName=cpufreq-0}\n",
    "memory": MEMORY,
    "processor": "cpu  1000 0 500 8000 500 0 0 0 0 0\n",
    "cores": "8\n",
    "frequency": "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq:1803000\n"
    "/sys/devices/system/cpu/cpu4/cpufreq/scaling_cur_freq:2253000\n"
    "/sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq:300000\n",
    "wifi": 'WifiInfo: SSID: "rack RSSI: -1, Link speed: 9999Mbps", BSSID: 02:00:00:00:00:00, '
    "MAC: 02:00:00:00:00:00, IP: /192.168.1.57, Security type: 2, Supplicant state: COMPLETED, "
    "Wi-Fi standard: 6, RSSI: -52, Link speed: 864Mbps, Tx Link speed: 864Mbps, Max Supported Tx "
    "Link speed: 1200Mbps, Rx Link speed: 780Mbps, Frequency: 5180MHz, Net ID: 0\n",
    "deep": "ACTIVE\n",
    "light": "ACTIVE\n",
    "screen": "true\n",
}
SAMSUNG_ANDROID_12 = PIXEL_ANDROID_15 | {
    "battery": "Current Battery Service state:\n  mEventLogUpdateTime: 1\n  AC powered: false\n"
    "  USB powered: false\n  current now: -345\n  status: 3\n  health: 2\n  level: 64\n"
    "  scale: 100\n  temperature: 298\n  LED Charging: true\n",
    "current": "",
    "deep": "IDLE\r\n",
    "light": "OVERRIDE\r\n",
    "screen": "false\r\n",
}
XIAOMI_ANDROID_10 = PIXEL_ANDROID_15 | {
    "current": "-412\n",
    "thermal": "IsStatusOverride: false\nThermal Status: 0\nCached temperatures:\n"
    "HAL Ready: true\nCurrent temperatures from HAL:\n"
    "\tTemperature{mValue=33.0, mType=2, mName=battery, mStatus=0}\n",
    "wifi": 'mWifiInfo SSID: "rack", BSSID: 12:34:56:78:9a:bc, MAC: 02:00:00:00:00:00, Supplicant '
    "state: COMPLETED, RSSI: -61, Link speed: 433Mbps, Tx Link speed: 433Mbps, Rx Link speed: "
    "390Mbps, Frequency: 5240MHz, Net ID: 3, Metered hint: false, score: 60\n",
    "light": "IDLE_MAINTENANCE\n",
}
ANDROID_8_WITHOUT_STAT = PIXEL_ANDROID_15 | {
    "current": "",
    "thermal": "****** Dump of HardwarePropertiesManagerService ******\n\n"
    "CPU temperatures: [41.0, 47.5]\nCPU throttling temperatures: [95.0, 95.0]\n"
    "GPU temperatures: []\nBattery temperatures: [29.5]\nSkin temperatures: [-3.4028235E38]\n",
    "processor": "Tasks: 412 total,   1 running, 411 sleeping,   0 stopped,   0 zombie\n"
    "Mem:   3809036k total,  3641256k used,   167780k free,    76860k buffers\n"
    "800%cpu  96%user   8%nice  56%sys 640%idle   0%iow   0%irq   0%sirq   0%host\n"
    "12.01 11.42 11.20 3/1702 29134\n",
    "frequency": "",
    "wifi": "mWifiInfo SSID: rack, BSSID: 12:34:56:78:9a:bc, MAC: 02:00:00:00:00:00, Supplicant "
    "state: COMPLETED, RSSI: -48, Link speed: 72Mbps, Frequency: 2437MHz, Net ID: 0, score: 60\n",
    "light": "INACTIVE\n",
    "screen": "",
}
ANDROID_14_HARDENED = PIXEL_ANDROID_15 | {
    "current": "0\n",
    "thermal": "Can't find service: hardware_properties\n",
    "processor": "4.00 4.42 4.20 3/1702 29134\n",
    "frequency": "",
    "wifi": "",
    "deep": "Unknown deep: none\n",
    "light": "",
    "screen": "",
}


class Paper:
    """A link to a phone that prints what was written down; `texts` one reading after another."""

    transport = "paper"

    def __init__(self, *texts: str) -> None:
        self._texts = iter(texts)

    def shell(self, command: str, timeout_s: float = 20.0) -> ShellResult:
        assert command == SCRIPT
        assert timeout_s > 0
        return ShellResult(0, next(self._texts), "")


def printed(sections: dict[str, str]) -> str:
    return "".join(f"\n--shardloom-vitals:{name}--\n{text}" for name, text in sections.items())


def vitals_of(*readings: str) -> Iterator[DeviceVitals]:
    reader = VitalsReader(Paper(*readings))  # type: ignore[arg-type]
    for _ in readings:
        yield reader.read()


def test_a_pixel_on_android_15_tells_everything() -> None:
    later = PIXEL_ANDROID_15 | {"processor": "cpu  1250 0 550 8600 600 0 0 0 0 0\n"}
    first, second = vitals_of(printed(PIXEL_ANDROID_15), printed(later))
    assert first.processor_load is None
    assert second == DeviceVitals(
        battery_percent=87,
        temperature_celsius=43.457,
        memory_total_bytes=7812344 * 1024,
        memory_available_bytes=3144512 * 1024,
        charging=Charging.CHARGING,
        battery_current_ma=812.5,
        battery_volts=4.213,
        throttling=Throttling.MODERATE,
        processor_load=0.3,
        core_frequencies_mhz=(1803, 300, 2253),
        wifi=WifiLink(864, -52),
        doze=Doze.AWAKE,
        screen_on=True,
    )


def test_a_samsung_tells_its_current_among_the_battery_and_sleeps() -> None:
    (vitals,) = vitals_of(printed(SAMSUNG_ANDROID_12))
    assert (vitals.charging, vitals.battery_current_ma) == (Charging.DISCHARGING, -345.0)
    assert (vitals.doze, vitals.screen_on) == (Doze.DEEP, False)


def test_android_10_tells_wifi_by_the_older_dump() -> None:
    (vitals,) = vitals_of(printed(XIAOMI_ANDROID_10))
    assert vitals.wifi == WifiLink(433, -61)
    assert (vitals.temperature_celsius, vitals.throttling) == (33.0, Throttling.NONE)
    assert (vitals.battery_current_ma, vitals.doze) == (-412.0, Doze.MAINTENANCE)


def test_android_8_that_hides_the_counters_is_read_by_top() -> None:
    (vitals,) = vitals_of(printed(ANDROID_8_WITHOUT_STAT))
    assert vitals.processor_load == pytest.approx(0.2)
    assert (vitals.temperature_celsius, vitals.throttling) == (29.5, None)
    assert (vitals.wifi, vitals.doze) == (WifiLink(72, -48), Doze.FALLING_ASLEEP)
    assert vitals.screen_on is None
    assert vitals.core_frequencies_mhz == ()


def test_what_a_phone_hides_is_unknown_and_the_rest_is_told() -> None:
    (vitals,) = vitals_of(printed(ANDROID_14_HARDENED))
    assert vitals.processor_load == 0.5
    assert vitals.temperature_celsius == 31.2
    assert (vitals.battery_current_ma, vitals.throttling) == (None, None)
    assert (vitals.wifi, vitals.doze) == (None, None)


@pytest.mark.parametrize("missing", sorted(PIXEL_ANDROID_15.keys() - {"memory"}))
def test_a_missing_section_leaves_the_others_as_they_are(missing: str) -> None:
    (whole,) = vitals_of(printed(PIXEL_ANDROID_15))
    rest = {name: text for name, text in PIXEL_ANDROID_15.items() if name != missing}
    (vitals,) = vitals_of(printed(rest))
    assert vitals.memory_available_bytes == whole.memory_available_bytes
    assert vitals.battery_percent == (None if missing == "battery" else 87)
    assert vitals.wifi == (None if missing == "wifi" else whole.wifi)


@pytest.mark.parametrize("text", ["", "sh: not found\n", "--shardloom-vitals:memory--\n"])
def test_a_phone_that_does_not_tell_its_memory_is_refused(text: str) -> None:
    with raises_saying(PhoneRefusedError, match="does not tell its memory"):
        next(vitals_of(text))


def test_old_top_and_one_that_counts_no_cores() -> None:
    assert read.load_of_top("User 7%, System 5%, IOW 0%, IRQ 0%\n") == pytest.approx(0.12)
    assert read.load_of_top("0%cpu 0%user 0%idle") is None


def test_no_time_between_two_readings_is_no_load() -> None:
    times = read.ProcessorTimes(10, 100)
    assert read.load_between(times, times) is None
    assert read.load_between(times, read.ProcessorTimes(5, 50)) is None


@given(st.dictionaries(st.sampled_from(sorted(PIXEL_ANDROID_15)), st.text()), st.text())
def test_any_text_in_any_section_gives_figures_in_range_or_none(
    garbled: dict[str, str], tail: str
) -> None:
    sections = PIXEL_ANDROID_15 | garbled | {"memory": MEMORY}
    for vitals in vitals_of(printed(sections) + tail, printed(sections)):
        assert vitals.processor_load is None or 0 <= vitals.processor_load <= 1
        assert vitals.temperature_celsius is None or -40 <= vitals.temperature_celsius <= 150
        assert all(0 < mhz <= 20_000 for mhz in vitals.core_frequencies_mhz)
        assert vitals.battery_percent is None or 0 <= vitals.battery_percent <= 100


@given(st.text() | st.text("cpu 0123456789%.\n:,[]ARSI-", max_size=400))
def test_no_parser_raises(text: str) -> None:
    for parse in (
        parsers.thermal_celsius,
        read.charging,
        read.battery_current_ma,
        read.battery_volts,
        read.throttling,
        read.processor_times,
        read.load_of_top,
        read.frequencies_mhz,
        read.wifi_link,
        read.truth,
    ):
        parse(text)
    read.load_of_average(text, 0)
    read.doze(text, text)


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**12))
def test_load_survives_the_way_through_the_kernels_text(user: int, idle: int, more: int) -> None:
    before = read.processor_times(f"cpu  {user} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2 3 4\n")
    after = read.processor_times(f"cpu  {user + more} 0 0 {idle + more} 0 0 0\n")
    assert before is not None
    assert after is not None
    assert read.load_between(before, after) == (None if more == 0 else 0.5)
