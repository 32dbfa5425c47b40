"""A phone's battery: drained by what it draws, filled by its charger. No clock of its own."""

from __future__ import annotations

from enum import IntEnum

_SECONDS_PER_HOUR = 3600.0
_EMPTY_VOLTS, _FULL_VOLTS = 3.6, 4.3


class BatteryStatus(IntEnum):
    """`BatteryManager.BATTERY_STATUS_*`."""

    CHARGING = 2
    DISCHARGING = 3
    NOT_CHARGING = 4
    FULL = 5


class Battery:
    """Charge as energy: what comes in less what goes out, between empty and full."""

    def __init__(self, percent: float, watt_hours: float, charger_watts: float) -> None:
        self._capacity_j = watt_hours * _SECONDS_PER_HOUR
        self._charge_j = self._capacity_j * percent / 100
        self._charger_watts = charger_watts
        self._net_watts = 0.0
        self._is_plugged = True

    @property
    def percent(self) -> int:
        """Charge in whole per cent, as Android shows it."""
        return round(100 * self._charge_j / self._capacity_j)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left and nothing comes in."""
        return self._charge_j <= 0 and self._net_watts < 0

    @property
    def volts(self) -> float:
        """Voltage, a straight line between empty and full."""
        return _EMPTY_VOLTS + (_FULL_VOLTS - _EMPTY_VOLTS) * self._charge_j / self._capacity_j

    @property
    def current_ma(self) -> int:
        """Current into the battery, negative while it drains."""
        return (
            0 if self.status is BatteryStatus.FULL else round(1000 * self._net_watts / self.volts)
        )

    @property
    def status(self) -> BatteryStatus:
        """What Android says of it; a charger that gives less than is drawn does not charge."""
        if not self._is_plugged:
            return BatteryStatus.DISCHARGING
        if self._net_watts < 0:
            return BatteryStatus.NOT_CHARGING
        full = self._charge_j >= self._capacity_j
        return BatteryStatus.FULL if full else BatteryStatus.CHARGING

    def advance(self, elapsed_s: float, drawn_watts: float, *, is_plugged: bool) -> None:
        """Let time pass."""
        self._is_plugged = is_plugged
        self._net_watts = (self._charger_watts if is_plugged else 0.0) - drawn_watts
        charge_j = self._charge_j + self._net_watts * elapsed_s
        self._charge_j = min(max(charge_j, 0.0), self._capacity_j)
