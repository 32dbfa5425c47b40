"""A phone's screen and Doze: when it falls asleep and what wakes it. No clock of its own.

As on Android a phone sleeps only with its screen off and no charger, first lightly, then deeply
with short moments awake; a charger, the screen or a developer's command wakes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from app.core.vitals import Doze

DEEP_AFTER_LIGHT = 4
"""Deep doze begins after that many times as long as light doze."""

MAINTENANCE_EVERY_S = 60.0
MAINTENANCE_S = 5.0


@dataclass(frozen=True)
class SleepRules:
    """What the phone's owner has set, by hand or by commands."""

    stays_awake: bool = False
    """Screen on while it charges."""
    may_doze: bool = True
    forced: Doze | None = None


class Sleep:
    """Screen and Doze of one phone."""

    def __init__(self, now_s: float, screen_off_after_s: float, doze_after_s: float) -> None:
        self._screen_off_after_s = screen_off_after_s
        self._doze_after_s = doze_after_s
        self._touched_s = now_s
        self._idle_since_s: float | None = None
        self.screen_is_on = True
        self.doze = Doze.AWAKE

    @property
    def words(self) -> tuple[str, str]:
        """What `dumpsys deviceidle get deep` and `get light` print."""
        match self.doze:
            case Doze.AWAKE:
                return "ACTIVE", "ACTIVE"
            case Doze.FALLING_ASLEEP:
                return "INACTIVE", "INACTIVE"
            case Doze.LIGHT:
                return "INACTIVE", "IDLE"
            case Doze.DEEP:
                return "IDLE", "OVERRIDE"
            case Doze.MAINTENANCE:
                return "IDLE_MAINTENANCE", "OVERRIDE"
            case _:
                assert_never(self.doze)

    def touch(self, now_s: float) -> None:
        """Let somebody wake the screen."""
        self._touched_s = now_s
        self.screen_is_on = True

    def turn_off(self) -> None:
        """Let somebody press the power button."""
        self._touched_s = float("-inf")

    def advance(self, now_s: float, rules: SleepRules, *, is_plugged: bool) -> None:
        """Let it be that time."""
        if is_plugged and rules.stays_awake:
            self._touched_s = now_s
        self.screen_is_on = now_s - self._touched_s < self._screen_off_after_s
        if is_plugged or self.screen_is_on or not rules.may_doze:
            self._idle_since_s = None
        elif self._idle_since_s is None:
            self._idle_since_s = now_s
        self.doze = rules.forced or self._depth(now_s)

    def _depth(self, now_s: float) -> Doze:
        if self._idle_since_s is None:
            return Doze.AWAKE
        idle_s = now_s - self._idle_since_s
        deep_s = idle_s - self._doze_after_s * DEEP_AFTER_LIGHT
        if deep_s >= 0:
            is_awake = deep_s % MAINTENANCE_EVERY_S >= MAINTENANCE_EVERY_S - MAINTENANCE_S
            return Doze.MAINTENANCE if is_awake else Doze.DEEP
        return Doze.LIGHT if idle_s >= self._doze_after_s else Doze.FALLING_ASLEEP
