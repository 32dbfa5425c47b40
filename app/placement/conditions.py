"""What a person asks of every plan: phones that stay out, and who may see prompt and answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from app.core.facts import Fact
from app.core.identifiers import Serial


@dataclass(frozen=True)
class Conditions:
    """Phones are named by serial; before a rack has met them by any name.

    Where it is to be `private`, the first and the last layers, beside which prompt and answer can
    be read, lie on trusted phones only. A phone without a reputation has 0.
    """

    excluded: frozenset[str] = frozenset()
    trusted: frozenset[str] = frozenset()
    private: bool = False
    least_reputation: float = 0.0

    def __or__(self, other: Conditions) -> Conditions:
        """Return what keeps both."""
        return Conditions(
            self.excluded | other.excluded,
            self.trusted | other.trusted,
            self.private or other.private,
            max(self.least_reputation, other.least_reputation),
        )

    def by_serial(self, names: Mapping[Serial, str]) -> Conditions:
        """Return the same with the serials of phones that are named otherwise."""
        return replace(
            self,
            excluded=_serials(self.excluded, names),
            trusted=_serials(self.trusted, names),
        )

    def admits(self, serial: Serial, reputation: float) -> bool:
        """Tell whether a phone may hold layers at all."""
        return serial not in self.excluded and reputation >= self.least_reputation

    def ends_on(self, serial: Serial) -> bool:
        """Tell whether a phone may hold the first or the last layers."""
        return not self.private or serial in self.trusted

    def breach(self, ring: Iterable[Serial], reputations: Mapping[Serial, float]) -> Fact | None:
        """Return what a ring made by hand breaks of them."""
        serials = tuple(ring)
        for serial in serials:
            if serial in self.excluded:
                return Fact("condition.breach_excluded", phone=serial)
            if not self.admits(serial, reputations.get(serial, 0.0)):
                return Fact(
                    "condition.breach_reputation", phone=serial, least=self.least_reputation
                )
        for serial in {serials[0]: None, serials[-1]: None}:
            if not self.ends_on(serial):
                return Fact("condition.breach_private", phone=serial)
        return None


def _serials(wanted: frozenset[str], names: Mapping[Serial, str]) -> frozenset[str]:
    return frozenset(s for s, name in names.items() if name in wanted) | wanted


UNCONDITIONAL = Conditions()
