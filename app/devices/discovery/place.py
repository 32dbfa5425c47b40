"""What a person names for phones to join from. Light to load."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PlaceKind(StrEnum):
    """A phone's own address, an adb server's, or this computer's cables."""

    ADDRESS = "address"
    SERVER = "server"
    CABLES = "cables"


@dataclass(frozen=True)
class Place:
    """Where phones join from; the address is `HOST:PORT`, and empty for cables."""

    kind: PlaceKind
    address: str = ""
