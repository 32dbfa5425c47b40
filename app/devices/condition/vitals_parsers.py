"""Readings of a phone's state, in the shapes of several Android versions and makers.

None where a text does not say; nothing here raises for odd text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.core.vitals import Charging, Doze, Throttling, WifiLink

_NUMBER: Final = r"(-?\d{1,9})"
_STATUS: Final = re.compile(rf"^\s*status: {_NUMBER}\s*$", re.MULTILINE)
_CHARGING: Final = {
    2: Charging.CHARGING,
    3: Charging.DISCHARGING,
    4: Charging.NOT_CHARGING,
    5: Charging.FULL,
}
_CURRENT: Final = re.compile(rf"^\s*(?:current now: *)?{_NUMBER}\s*$", re.MULTILINE | re.IGNORECASE)
_LARGEST_MILLIAMPERES: Final = 20_000
"""No phone's battery gives more; a larger number is in microamperes, as the kernel counts."""

_VOLTAGE: Final = re.compile(rf"^\s*voltage: {_NUMBER}\s*$", re.MULTILINE | re.IGNORECASE)
_PLAUSIBLE_VOLTS: Final = (2.0, 20.0)
"""One cell to four in a row."""

_THERMAL_STATUS: Final = re.compile(r"^\s*Thermal Status: (\d)\s*$", re.MULTILINE)
_CPU_LINE: Final = re.compile(r"^cpu((?: +\d{1,19}){4,10})\b", re.MULTILINE)
_IDLE, _WAITING = 3, 4
"""Columns of the kernel's summary that are no work: idle, and waiting for storage."""

_TOP_TOTAL: Final = re.compile(r"(\d{1,5})%cpu\b.*?(\d{1,5})%idle\b")
_TOP_OLD: Final = re.compile(r"\bUser (\d{1,3})%, System (\d{1,3})%")
_LOAD_AVERAGE: Final = re.compile(r"^\s*(\d{1,5}\.\d+) \d+\.\d+ \d+\.\d+ ", re.MULTILINE)
_FREQUENCY: Final = re.compile(r"/cpu(\d{1,3})/cpufreq/\w+:(\d{1,9})\s*$", re.MULTILINE)
_LARGEST_MHZ: Final = 20_000

_SUPPLICANT: Final = "Supplicant state:"
_SIGNAL: Final = re.compile(rf"\bRSSI: {_NUMBER}\b")
_SPEED: Final = re.compile(rf"\bLink speed: {_NUMBER} ?Mbps")
_PLAUSIBLE_DBM: Final = range(-126, 1)

_LIGHT_DOZE: Final = frozenset({"IDLE", "WAITING_FOR_NETWORK"})
_ASLEEP: Final = "IDLE"
_MAINTENANCE: Final = "IDLE_MAINTENANCE"
_AWAKE: Final = "ACTIVE"
_DOZE_WORDS: Final = frozenset(
    {
        *("ACTIVE", "INACTIVE", "IDLE_PENDING", "SENSING", "LOCATING", "IDLE", "IDLE_MAINTENANCE"),
        *("QUICK_DOZE_DELAY", "PRE_IDLE", "WAITING_FOR_NETWORK", "OVERRIDE"),
    }
)


@dataclass(frozen=True)
class ProcessorTimes:
    """The kernel's counters of all cores together, in ticks since the phone started."""

    busy: int
    total: int


def charging(text: str) -> Charging | None:
    """Return what the battery does, from `dumpsys battery`."""
    match = _STATUS.search(text)
    return _CHARGING.get(int(match[1])) if match else None


def battery_current_ma(text: str) -> float | None:
    """Return the battery's current from a maker's line in `dumpsys battery` or from sysfs.

    The first may be in milliamperes, the second is in microamperes; 0 is what phones print that do
    not know.
    """
    match = _CURRENT.search(text)
    number = int(match[1]) if match else 0
    if number == 0:
        return None
    return number / 1000 if abs(number) > _LARGEST_MILLIAMPERES else float(number)


def battery_volts(text: str) -> float | None:
    """Return the voltage from `dumpsys battery`: in millivolts, with some makers microvolts."""
    match = _VOLTAGE.search(text)
    number = int(match[1]) if match else 0
    least, most = _PLAUSIBLE_VOLTS
    return next((v for v in (number / 1e3, number / 1e6) if least <= v <= most), None)


def throttling(text: str) -> Throttling | None:
    """Return the thermal status from `dumpsys thermalservice` (Android 10 and later)."""
    match = _THERMAL_STATUS.search(text)
    grades = tuple(Throttling)
    return grades[int(match[1])] if match and int(match[1]) < len(grades) else None


def processor_times(text: str) -> ProcessorTimes | None:
    """Return the counters from `/proc/stat`; guests' time is in user time already."""
    match = _CPU_LINE.search(text)
    if match is None:
        return None
    ticks = [int(word) for word in match[1].split()[:8]]
    return ProcessorTimes(sum(ticks) - sum(ticks[_IDLE : _WAITING + 1]), sum(ticks))


def load_between(before: ProcessorTimes, after: ProcessorTimes) -> float | None:
    """Return the share of the cores in use between two readings, None where no time passed."""
    total, busy = after.total - before.total, after.busy - before.busy
    return min(max(busy / total, 0.0), 1.0) if total > 0 else None


def load_of_top(text: str) -> float | None:
    """Return the share of the cores in use from the head of `top -b -n 1`.

    Android 8 and later print `800%cpu ... 640%idle`, older ones `User 3%, System 2%`.
    """
    if match := _TOP_TOTAL.search(text):
        total, idle = int(match[1]), int(match[2])
        return min(max(1 - idle / total, 0.0), 1.0) if total else None
    if match := _TOP_OLD.search(text):
        return min((int(match[1]) + int(match[2])) / 100, 1.0)
    return None


def load_of_average(text: str, cores: int) -> float | None:
    """Return the runnable programs of the last minute for each core, at most 1: a rough figure."""
    match = _LOAD_AVERAGE.search(text)
    return min(float(match[1]) / max(cores, 1), 1.0) if match else None


def frequencies_mhz(text: str) -> tuple[int, ...]:
    """Return each core's clock from `grep -H . .../cpufreq/scaling_cur_freq`, which is in kHz."""
    cores = {int(core): int(kilohertz) // 1000 for core, kilohertz in _FREQUENCY.findall(text)}
    return tuple(mhz for _, mhz in sorted(cores.items()) if 0 < mhz <= _LARGEST_MHZ)


def wifi_link(text: str) -> WifiLink | None:
    """Return speed and signal from `WifiInfo` as `cmd wifi status` and `dumpsys wifi` print it.

    Only what follows the network's name counts: anybody may name a network.
    """
    _, found, facts = text.rpartition(_SUPPLICANT)
    if not found:
        return None
    speed, signal = _SPEED.search(facts), _SIGNAL.search(facts)
    mbit = int(speed[1]) if speed and int(speed[1]) > 0 else None
    dbm = int(signal[1]) if signal and int(signal[1]) in _PLAUSIBLE_DBM else None
    return None if mbit is None and dbm is None else WifiLink(mbit, dbm)


def doze(deep: str, light: str) -> Doze | None:
    """Return how deep a phone sleeps from `dumpsys deviceidle get deep` and `... get light`."""
    states = {deep.strip(), light.strip()} & _DOZE_WORDS
    if not states:
        return None
    if _MAINTENANCE in states:
        return Doze.MAINTENANCE
    if deep.strip() == _ASLEEP:
        return Doze.DEEP
    if light.strip() in _LIGHT_DOZE:
        return Doze.LIGHT
    return Doze.AWAKE if states == {_AWAKE} else Doze.FALLING_ASLEEP


def truth(text: str) -> bool | None:
    """Return what `true` or `false` says."""
    return {"true": True, "false": False}.get(text.strip())
