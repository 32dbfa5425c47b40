"""Which curves a chart draws: a person's choice, never more than can be told apart. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.core.identifiers import Serial

CURVE_LIMIT = 24


@dataclass(frozen=True)
class Selection:
    """Phones hidden by hand and, oldest first, those shown by hand."""

    hidden: frozenset[Serial] = frozenset()
    chosen: tuple[Serial, ...] = ()

    def drawn(self, serials: Sequence[Serial]) -> frozenset[Serial]:
        """Return whose curves to draw: those chosen last, then the first in rack order."""
        wanted = [serial for serial in serials if serial not in self.hidden]
        ordered = [serial for serial in reversed(self.chosen) if serial in wanted]
        ordered += [serial for serial in wanted if serial not in self.chosen]
        return frozenset(ordered[:CURVE_LIMIT])

    def toggled(self, serial: Serial, serials: Sequence[Serial]) -> Selection:
        """Return the selection with a drawn phone hidden, or another one drawn."""
        others = tuple(other for other in self.chosen if other != serial)
        if serial in self.drawn(serials):
            return Selection(self.hidden | {serial}, others)
        return Selection(self.hidden - {serial}, (*others, serial))

    def alone(self, serial: Serial, serials: Sequence[Serial]) -> Selection:
        """Return the selection with one phone drawn; where it was alone, all again.

        A double click begins with a click, which has hidden the phone.
        """
        if self.drawn(serials) <= {serial}:
            return Selection()
        return replace(self, hidden=frozenset(serials) - {serial}, chosen=(serial,))
