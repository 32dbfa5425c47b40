"""How far a pairing is, and how it ended. Light: front ends load it with their first window."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.facts import Fact
from app.core.identifiers import Serial


class PairingStep(StrEnum):
    """What a pairing is waiting for."""

    READING = "reading"
    """A phone has to read the QR code."""
    AGREEING = "agreeing"
    """Phone and computer prove to each other that they know the code."""
    LOOKING = "looking"
    """The phone has to advertise its port for paired computers."""
    CONNECTING = "connecting"


@dataclass(frozen=True)
class PairedPhone:
    """A paired phone; `serial` and `address` are None where it could not be connected at once."""

    guid: str
    address: str | None
    serial: Serial | None
    reason: Fact | None = None
