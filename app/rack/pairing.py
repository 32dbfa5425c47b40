"""What front ends and the rack say to each other about phones that are to join. Light to load."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.device import DeviceState
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.discovery.place import Place, PlaceKind
from app.devices.wireless.progress import PairedPhone, PairingStep
from app.devices.wireless.qr_text import PairingRequest, new_request

__all__ = [
    "PairedPhone",
    "PairingRequest",
    "PairingStep",
    "PairingWindow",
    "Place",
    "PlaceKind",
    "SeenPhone",
    "new_request",
]


@dataclass(frozen=True)
class PairingWindow:
    """A phone that shows a pairing code now: the name it advertises and its `HOST:PORT`."""

    name: str
    address: str


@dataclass(frozen=True)
class SeenPhone:
    """A phone at a place that was added; `reason` tells what it waits for."""

    serial: Serial
    state: DeviceState
    reason: Fact | None
