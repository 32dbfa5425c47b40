"""A virtual phone as a thing: its battery, its warmth, its sleep, all from what its worker uses."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.vitals import Doze
from app.virtual.body.battery import Battery, BatteryStatus
from app.virtual.body.heat import Heat
from app.virtual.body.sleep import Sleep, SleepRules
from app.virtual.persona import Persona

IDLE_WATTS = 0.3
SCREEN_WATTS = 0.7
PROCESSOR_WATTS = 4.0
"""Drawn by a busy processor; what the planner takes for a phone whose power is not known."""

_SHORTEST_MEASURE_S = 0.25
"""The kernel counts processor time in hundredths: a load over less than this says nothing."""

_SLOWEST_SHARE = 0.15
_HEADROOM = 1.25
"""Linux' schedutil governor asks for a quarter more than is used."""


@dataclass(frozen=True)
class Condition:
    """How the phone is at one moment."""

    battery_percent: int
    battery_status: BatteryStatus
    battery_millivolts: int
    battery_current_ma: int
    is_plugged: bool
    is_empty: bool
    celsius: float
    thermal_status: int
    processor_share: float
    """What heat leaves of the processor."""
    load: float
    """Share of what the processor may give that is used."""
    busy_core_s: float
    """Time of all cores spent working since the phone was switched on."""
    frequency_mhz: int
    screen_is_on: bool
    doze: Doze
    deviceidle: tuple[str, str]
    """Android's words for deep and light doze."""


class Body:
    """Advanced by whoever knows the time; takes what the phone's programs used of the processor."""

    def __init__(self, persona: Persona, now_s: float) -> None:
        self._persona = persona
        self._now_s = now_s
        self._measured_s = now_s
        self._used_s = 0.0
        self._load = 0.0
        self._busy_core_s = 0.0
        self.is_plugged = persona.plugged
        self.sleep = Sleep(now_s, persona.screen_off_after_s, persona.doze_after_s)
        self._battery = Battery(
            persona.battery_percent, persona.battery_watt_hours, persona.charger_watts
        )
        self.heat = Heat(
            persona.temperature_celsius,
            persona.ambient,
            persona.heat_celsius_per_watt,
            persona.heat_time_constant_s,
            throttles=persona.throttles,
        )

    def advance(
        self, now_s: float, used_s: float, rules: SleepRules, *, is_unplugged: bool = False
    ) -> Condition:
        """Let it be that time, with that much processor time used since the phone was switched on.

        `is_unplugged` is a developer's pretence that the charger is off.
        """
        elapsed_s = max(now_s - self._now_s, 0.0)
        plugged = self.is_plugged and not is_unplugged
        self._use(now_s, used_s)
        self._now_s = now_s
        self.sleep.advance(now_s, rules, is_plugged=plugged)
        processor_watts = PROCESSOR_WATTS * self._load
        other_watts = IDLE_WATTS + (SCREEN_WATTS if self.sleep.screen_is_on else 0.0)
        self._battery.advance(elapsed_s, processor_watts + other_watts, is_plugged=plugged)
        self.heat.advance(elapsed_s, processor_watts)
        return self._condition(is_plugged=plugged)

    def _use(self, now_s: float, used_s: float) -> None:
        elapsed_s = now_s - self._measured_s
        if elapsed_s < _SHORTEST_MEASURE_S:
            return
        full = elapsed_s * (self._persona.processor_share or 1.0)
        self._load = min(max((used_s - self._used_s) / full, 0.0), 1.0)
        self._measured_s, self._used_s = now_s, used_s
        self._busy_core_s += self._load * elapsed_s * self._persona.cores

    def _condition(self, *, is_plugged: bool) -> Condition:
        battery, heat = self._battery, self.heat
        wanted = max(min(self._load * _HEADROOM, 1.0), _SLOWEST_SHARE)
        return Condition(
            battery_percent=battery.percent,
            battery_status=battery.status,
            battery_millivolts=round(1000 * battery.volts),
            battery_current_ma=battery.current_ma,
            is_plugged=is_plugged,
            is_empty=battery.is_empty,
            celsius=heat.celsius,
            thermal_status=heat.grade,
            processor_share=heat.processor_share,
            load=self._load,
            busy_core_s=self._busy_core_s,
            frequency_mhz=round(self._persona.cpu_max_mhz * min(wanted, heat.processor_share)),
            screen_is_on=self.sleep.screen_is_on,
            doze=self.sleep.doze,
            deviceidle=self.sleep.words,
        )
