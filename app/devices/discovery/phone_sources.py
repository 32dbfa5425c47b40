"""Where the phones of a rack are looked for: adb servers, addresses, cables, the network."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class PhoneSources(Protocol):
    """What discovery has to know of a rack."""

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """The adb servers: host and port of each."""
        ...

    @property
    def addresses(self) -> tuple[str, ...]:
        """Phones on the network, as HOST:PORT."""
        ...

    @property
    def reach(self) -> Reach:
        """Which phones of an adb server belong to the rack."""
        ...

    @property
    def network(self) -> bool:
        """Whether paired phones belong to it, wherever they are advertised."""
        ...


class Reach(StrEnum):
    """Which phones of an adb server belong to a rack."""

    ANY = "any"
    USB = "usb"
    WIFI = "wifi"
