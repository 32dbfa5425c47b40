"""How a phone is at the moment, in the words the interface shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

VITALS_INTERVAL_S = 2.0
"""How often a phone is read."""

RESTING_VITALS_INTERVAL_S = 10.0
"""How often a phone without a worker is read."""

STALE_AFTER_INTERVALS = 3
"""Two readings that did not come: the figures are not the present any more."""


class Charging(StrEnum):
    """What the battery does (`BatteryManager.BATTERY_STATUS_*`)."""

    CHARGING = "charging"
    DISCHARGING = "discharging"
    NOT_CHARGING = "plugged in, not charging"
    FULL = "full"


class Throttling(StrEnum):
    """How much Android slows the phone for its heat (`PowerManager.THERMAL_STATUS_*`), in order."""

    NONE = "not throttled"
    LIGHT = "lightly throttled"
    MODERATE = "moderately throttled"
    SEVERE = "severely throttled"
    CRITICAL = "critically throttled"
    EMERGENCY = "throttled in an emergency"
    SHUTDOWN = "about to shut down for its heat"


class Doze(StrEnum):
    """How deep the phone sleeps (`dumpsys deviceidle`)."""

    AWAKE = "awake"
    FALLING_ASLEEP = "falling asleep"
    LIGHT = "light doze"
    DEEP = "deep doze"
    MAINTENANCE = "awake for a moment in doze"


@dataclass(frozen=True)
class WifiLink:
    """The phone's own view of its Wi-Fi; None where it does not say."""

    speed_mbit_per_second: int | None
    signal_dbm: int | None


@dataclass(frozen=True)
class DeviceVitals:
    """What changes from moment to moment; None where the phone does not say."""

    battery_percent: int | None
    temperature_celsius: float | None
    memory_total_bytes: int
    memory_available_bytes: int
    charging: Charging | None = None
    battery_current_ma: float | None = None
    """As the phone reports it: whether charging is positive differs between makers."""
    battery_volts: float | None = None
    throttling: Throttling | None = None
    processor_load: float | None = None
    """Share of all cores in use since the last reading, 0 to 1."""
    core_frequencies_mhz: tuple[int, ...] = ()
    """One for each core that tells, in their order."""
    wifi: WifiLink | None = None
    doze: Doze | None = None
    screen_on: bool | None = None
