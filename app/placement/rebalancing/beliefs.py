"""What is believed of phones from one reading to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from app.core.identifiers import Serial
from app.placement.rebalancing.readings import Cause, CauseKind

NOTHING_RECORDED: Final[Mapping[Serial, float]] = MappingProxyType({})
WARMTH_KEPT_S: Final = 40.0
WARMTH_KNOWN_S: Final = 10.0
"""Over so long a phone's warmth has to be known before its course means something."""


@dataclass(frozen=True)
class SlownessBelief:
    """How many times slower a phone is than its profile says."""

    factor: float = 1.0
    doubted_since_s: float | None = None
    """Since when every reading says otherwise."""
    measured_at_s: float = 0.0
    least: float = 1.0
    """The least slow it was ever found to be."""
    times_slow: int = 0
    """How often it was found to be slower than was believed: the longer it is not trusted again."""


@dataclass(frozen=True)
class Presence:
    """Since when a phone is there, how often it came back, and whether that was considered."""

    ready_since_s: float
    returns: int = 0
    considered: bool = False


@dataclass(frozen=True)
class Warmth:
    """How warm a phone was lately, oldest first: moments and degrees."""

    course: tuple[tuple[float, float], ...] = ()

    def then(self, at_s: float, celsius: float) -> Warmth:
        """Return the same with one reading more, those forgotten that are long past.

        Readings that repeat the last one are of the same look at the phone.
        """
        if self.course and self.course[-1][1] == celsius:
            return self
        kept = tuple(each for each in self.course if at_s - each[0] <= WARMTH_KEPT_S)
        return Warmth((*kept, (at_s, celsius)))

    def expected_at(self, at_s: float) -> float | None:
        """Return how warm it will be if it goes on so; None where too little is known."""
        if not self.course or self.course[-1][0] - self.course[0][0] < WARMTH_KNOWN_S:
            return None
        (first_s, first), (last_s, last) = self.course[0], self.course[-1]
        return last + (last - first) / (last_s - first_s) * (at_s - last_s)


@dataclass(frozen=True)
class Beliefs:
    """All that the trigger remembers. `due` waits until layers may move again."""

    paces: Mapping[Serial, SlownessBelief] = field(default_factory=dict)
    presences: Mapping[Serial, Presence] = field(default_factory=dict)
    warmths: Mapping[Serial, Warmth] = field(default_factory=dict)
    spared: Mapping[Serial, CauseKind] = field(default_factory=dict)
    """Too hot or nearly empty: they hold layers only where the others do not suffice."""
    moves_s: tuple[float, ...] = ()
    """When layers moved lately, oldest first."""
    due: tuple[Cause, ...] = ()
    began: bool = False

    def moved(self, at_s: float) -> Beliefs:
        """Return what is believed once layers have moved, whoever moved them."""
        return replace(self, moves_s=(*self.moves_s, at_s), due=())

    def with_due(self, causes: tuple[Cause, ...]) -> Beliefs:
        """Return the same with these causes still to be considered, before any that come."""
        return replace(self, due=causes)

    def slowness(
        self,
        serials: Iterable[Serial],
        ring: Iterable[Serial],
        recorded: Mapping[Serial, float] = NOTHING_RECORDED,
    ) -> dict[Serial, float]:
        """Return how many times slower than its profile to take each phone for.

        Of a phone that holds no layers, and that nothing is known of, the factor of the least slow
        stage is assumed too: it is what all figures are off by. One stage alone cannot tell that
        from its own slowness; then it is the least slow that any phone was ever found to be. What
        is on record of such a phone (`recorded`) comes on top.
        """
        measured = [self.paces[serial] for serial in ring if serial in self.paces]
        common = min((pace.factor for pace in measured), default=1.0)
        if len(measured) == 1:
            common = min(pace.least for pace in self.paces.values())
        return {
            serial: self.paces[serial].factor
            if serial in self.paces
            else common * recorded.get(serial, 1.0)
            for serial in serials
        }
