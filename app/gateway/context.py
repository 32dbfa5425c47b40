"""What every HTTP request works with."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from app.core.clock import Clock
from app.core.nursery import Nursery
from app.gateway.access.callers import Callers
from app.gateway.access.fair_queue import FairQueue
from app.gateway.metrics import GatewayMetrics
from app.rack.control import RackAccess


@dataclass(frozen=True)
class GatewaySettings:
    """Where the address is and what it may do."""

    ledger: Path
    """The file of the ledger, which receipts are read from."""
    host: str
    port: int
    """0 takes any that is free."""
    places: int = 4
    """Requests that the rack computes at once; the others wait in the fair queue."""
    load_models: bool = False
    """Whether asking for another model loads it when nothing runs."""


@dataclass(frozen=True)
class GatewayContext:
    """Lives on the gateway's loop."""

    settings: GatewaySettings
    control: RackAccess
    clock: Clock
    nursery: Nursery
    callers: Callers
    queue: FairQueue
    metrics: GatewayMetrics
    opened_s: int
    """Seconds since 1970 when the address opened."""


def is_loopback(host: str) -> bool:
    """Tell whether only this computer reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
