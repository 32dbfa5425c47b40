"""What every HTTP request works with."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from app.core.clock import Clock
from app.core.nursery import Nursery
from app.gateway.access.callers import Callers
from app.gateway.access.fair_queue import FairQueue
from app.gateway.access.large_bodies import LargeBodies
from app.gateway.activity import ActivityLog
from app.gateway.metrics import GatewayMetrics
from app.ledger.storage.addresses import LedgerPlace, evidence_folder
from app.rack.control import RackAccess
from app.rack.home import Home

READERS: Final = 2
"""So many requests read the journal at once."""


@dataclass(frozen=True)
class GatewaySettings:
    """Where the address is and what it may do."""

    ledger: LedgerPlace
    """Where the ledger is, which receipts are read from."""
    host: str
    port: int
    """0 takes any that is free."""
    places: int = 4
    """Requests that the rack computes at once; the others wait in the fair queue."""
    load_models: bool = False
    """Whether asking for another model loads it when nothing runs."""

    @property
    def home(self) -> Home:
        """Where the ledger lies, with the models and what a proof is made of."""
        return Home(evidence_folder(self.ledger).parent)


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
    activity: ActivityLog
    opened_s: int
    """Seconds since 1970 when the address opened."""
    reading: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, READERS))
    """Held while the journal is read, which is long, for anybody who has a key."""
    large_bodies: LargeBodies = field(default_factory=LargeBodies)


def is_loopback(host: str) -> bool:
    """Tell whether only this computer reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
