"""What the trigger looks at: one reading of the rack's stages and phones, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.core.facts import Fact
from app.core.identifiers import Serial
from app.placement.conditions import Conditions

EARLIER_CELSIUS: Final = 1.0
EARLIER_PERCENT: Final = 2
_APART_CELSIUS: Final = 4.0
_APART_PERCENT: Final = 10


@dataclass(frozen=True)
class StageReading:
    """What a stage took lately for one token of one request, beside what its phone's profile says.

    `measured_s` is the median of `steps` steps, which may be too few to go by.
    """

    serial: Serial
    expected_s: float
    measured_s: float
    steps: int

    @property
    def factor(self) -> float:
        """How many times longer it took than its profile says."""
        return self.measured_s / self.expected_s


@dataclass(frozen=True)
class PhoneReading:
    """How a phone that can be used is, whether it holds layers or not."""

    serial: Serial
    ready_since_s: float
    works: bool
    """Whether it holds layers."""
    celsius: float | None = None
    throttled: bool = False
    """Whether its system says that it is slowed down for its heat."""
    battery_percent: int | None = None
    draining: bool = False


@dataclass(frozen=True)
class BodyLimits:
    """From where a phone is spared, and from where it may work again; between them it stays so."""

    hot_celsius: float = 43.0
    cool_celsius: float = 39.0
    low_percent: int = 15
    enough_percent: int = 25

    @staticmethod
    def within(conditions: Conditions) -> BodyLimits:
        """Return limits that keep to what is asked of every plan.

        A phone is spared before it breaks a condition: a degree or two per cent earlier.
        """
        usual = BodyLimits()
        most, least = conditions.most_celsius, conditions.least_battery_percent
        hot = usual.hot_celsius if most is None else min(usual.hot_celsius, most - EARLIER_CELSIUS)
        low = max(usual.low_percent, least + EARLIER_PERCENT) if least else usual.low_percent
        enough = max(usual.enough_percent, min(low + _APART_PERCENT, 100))
        return BodyLimits(hot, hot - _APART_CELSIUS, low, enough)


@dataclass(frozen=True)
class Reading:
    """The rack at one moment; all times are of one clock that never goes back."""

    at_s: float
    stages: tuple[StageReading, ...] = ()
    phones: tuple[PhoneReading, ...] = ()
    limits: BodyLimits = BodyLimits()


class CauseKind(StrEnum):
    """Why another assignment may be better now."""

    SLOWER = "slower"
    FASTER = "faster"
    RESTED = "rested"
    """It was slow when it last held layers, which is long ago."""
    HOT = "hot"
    HEATING = "heating"
    """It will be hot within a minute, as it warms up now."""
    COOLED = "cooled"
    LOW = "low"
    CHARGED = "charged"
    JOINED = "joined"
    WORSENED = "worsened"
    """The last move, made for that phone, left less of the rate than there was; a share."""


@dataclass(frozen=True)
class Cause:
    """One phone that has changed. The figure is what was read: a factor, degrees or per cent."""

    kind: CauseKind
    serial: Serial
    figure: float = 0.0

    def fact(self, name: str) -> Fact:
        """Return it as it is told of a phone of that name: a clause."""
        return Fact(_CODES[self.kind], phone=name, figure=self.figure)


_CODES: Final[Mapping[CauseKind, str]] = {
    CauseKind.SLOWER: "balance.slower",
    CauseKind.FASTER: "balance.faster",
    CauseKind.RESTED: "balance.rested",
    CauseKind.HOT: "balance.hot",
    CauseKind.HEATING: "balance.heating",
    CauseKind.COOLED: "balance.cooled",
    CauseKind.LOW: "balance.low",
    CauseKind.CHARGED: "balance.charged",
    CauseKind.JOINED: "balance.joined",
    CauseKind.WORSENED: "balance.worsened",
}
