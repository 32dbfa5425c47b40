"""What a person asks of every plan: who stays out, who may see texts, how warm phones may get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from app.core.facts import Fact
from app.core.identifiers import Serial
from app.core.standard.rules import WorkNeed

MOST_CELSIUS: Final = (20.0, 60.0)
"""Between these lies what a phone may be told to get as warm as."""


def is_most_celsius(celsius: float) -> bool:
    """Tell whether phones may be told to stay below that."""
    return MOST_CELSIUS[0] <= celsius <= MOST_CELSIUS[1]


@dataclass(frozen=True)
class PhoneBody:
    """What is left in a phone's battery while it drains, and how warm it is; None where untold."""

    battery_percent: int | None = None
    celsius: float | None = None


UNTOLD = PhoneBody()


@dataclass(frozen=True)
class UnmetRules:
    """Which rules of the standard a phone breaks, and what work they keep it from."""

    serial: Serial
    need: WorkNeed
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Conditions:
    """Phones are named by serial; before a rack has met them by any name.

    Where it is to be `private`, the first and the last layers, beside which prompt and answer can
    be read, lie on trusted phones only. A phone without a reputation has 0. One that drains holds
    no layers with less than `least_battery_percent`, none does beyond `most_celsius`; what a phone
    does not tell is not held against it. What is bought by price has to bring a token of a request
    within `most_token_s`, and `least_tokens_per_second` of all requests together. What rules of the
    standard keep phones from is `unmet`: the ledger says so, nobody asks for it.
    """

    excluded: frozenset[str] = frozenset()
    trusted: frozenset[str] = frozenset()
    private: bool = False
    least_reputation: float = 0.0
    least_battery_percent: int = 0
    most_celsius: float | None = None
    most_token_s: float | None = None
    least_tokens_per_second: float = 0.0
    unmet: frozenset[UnmetRules] = frozenset()

    def __or__(self, other: Conditions) -> Conditions:
        """Return what keeps both."""
        return Conditions(
            self.excluded | other.excluded,
            self.trusted | other.trusted,
            self.private or other.private,
            max(self.least_reputation, other.least_reputation),
            max(self.least_battery_percent, other.least_battery_percent),
            min(filter(None, (self.most_celsius, other.most_celsius)), default=None),
            min(filter(None, (self.most_token_s, other.most_token_s)), default=None),
            max(self.least_tokens_per_second, other.least_tokens_per_second),
            self.unmet | other.unmet,
        )

    def by_serial(self, names: Mapping[Serial, str]) -> Conditions:
        """Return the same with the serials of phones that are named otherwise."""
        return replace(
            self,
            excluded=_serials(self.excluded, names),
            trusted=_serials(self.trusted, names),
        )

    def admits(self, serial: Serial, reputation: float, body: PhoneBody = UNTOLD) -> bool:
        """Tell whether a phone may hold layers at all."""
        known = serial not in self.excluded and reputation >= self.least_reputation
        if self._unmet_by(serial, WorkNeed.LAYERS):
            return False
        return known and not self.is_too_empty(body) and not self.is_too_warm(body)

    def is_too_empty(self, body: PhoneBody) -> bool:
        """Tell whether too little is left in a battery that drains."""
        percent = body.battery_percent
        return percent is not None and percent < self.least_battery_percent

    def is_too_warm(self, body: PhoneBody) -> bool:
        """Tell whether a phone is warmer than any may be."""
        limit, celsius = self.most_celsius, body.celsius
        return limit is not None and celsius is not None and celsius > limit

    def ends_on(self, serial: Serial) -> bool:
        """Tell whether a phone may hold the first or the last layers."""
        trusted = not self.private or serial in self.trusted
        return trusted and not self._unmet_by(serial, WorkNeed.ENDS)

    def breach(
        self,
        ring: Iterable[Serial],
        reputations: Mapping[Serial, float],
        bodies: Mapping[Serial, PhoneBody],
    ) -> Fact | None:
        """Return what a ring made by hand breaks of them."""
        serials = tuple(ring)
        for serial in serials:
            reputation, body = reputations.get(serial, 0.0), bodies.get(serial, UNTOLD)
            if not self.admits(serial, reputation, body):
                return self._unkept_by(serial, body)
        for serial in {serials[0]: None, serials[-1]: None}:
            if not self.ends_on(serial):
                rules = self._unmet_by(serial, WorkNeed.ENDS)
                if rules:
                    return Fact("condition.breach_standard", phone=serial, rules=rules)
                return Fact("condition.breach_private", phone=serial)
        return None

    def _unmet_by(self, serial: Serial, need: WorkNeed) -> tuple[str, ...]:
        """Return which rules keep a phone from such work."""
        found = (each.rules for each in self.unmet if (each.serial, each.need) == (serial, need))
        return tuple(rule for rules in found for rule in rules)

    def _unkept_by(self, serial: Serial, body: PhoneBody) -> Fact:
        """Return why a phone may hold no layers."""
        if serial in self.excluded:
            return Fact("condition.breach_excluded", phone=serial)
        if rules := self._unmet_by(serial, WorkNeed.LAYERS):
            return Fact("condition.breach_standard", phone=serial, rules=rules)
        if self.is_too_empty(body):
            least = self.least_battery_percent
            return Fact("condition.breach_battery", phone=serial, least=least)
        if self.most_celsius is not None and self.is_too_warm(body):
            return Fact("condition.breach_heat", phone=serial, most=self.most_celsius)
        return Fact("condition.breach_reputation", phone=serial, least=self.least_reputation)


def _serials(wanted: frozenset[str], names: Mapping[Serial, str]) -> frozenset[str]:
    return frozenset(s for s, name in names.items() if name in wanted) | wanted


UNCONDITIONAL = Conditions()
