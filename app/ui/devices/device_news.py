"""What is shown of phones besides what stands in their own snapshots. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.rack.snapshot import PhoneSnapshot
from app.words.phones.arranging import SortBy


@dataclass
class DeviceNews:
    """What rows, cards and cells show besides the phones; the panel brings it up to date."""

    layers: Mapping[Serial, str] = field(default_factory=dict)
    sparks: Mapping[Serial, Sequence[float]] = field(default_factory=dict)
    """Shares of the largest stage time, oldest first."""
    strains: Mapping[Serial, float | None] = field(default_factory=dict)
    """How far from well the figure is that the heat map shows, 0 to 1."""
    figure: SortBy = SortBy.HEAT
    standing_by: frozenset[str] = frozenset()
    """Serials of phones that are kept ready and get no layers."""

    def stands_by(self, phone: PhoneSnapshot) -> bool:
        """Tell whether a phone is kept ready and gets no layers."""
        return phone.state is DeviceState.READY and phone.serial in self.standing_by
