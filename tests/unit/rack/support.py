"""What parts of a rack are given in tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast

from app.core.clock import Clock
from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink
from app.devices.deployment.deployment import Deployer
from app.ledger.ledger import Ledger
from app.pipeline.worker_client import WorkerClient
from app.rack.blocking import BlockingPool
from app.rack.context import RackContext, make_context
from app.rack.phones.phone import Lifecycle, Phone, PhoneConnection, PhoneIdentity, PhoneWorker
from app.testing.clocks import ManualClock

Result = TypeVar("Result")


def a_context(clock: Clock | None = None, threads: int = 1) -> RackContext:
    """Return a context with a clock that stands still and few threads."""
    context = make_context(clock or ManualClock(), lambda: None, patience=1.0)
    return replace(context, pool=BlockingPool(threads, "test"))


def a_phone(
    serial: str,
    position: int = 1,
    state: DeviceState = DeviceState.FOUND,
    *,
    client: object = None,
    link: object = None,
    deployer: object = None,
) -> Phone:
    """Return a phone in a state; what stands for its worker and connection may be scripted."""
    return Phone(
        PhoneIdentity(Serial(serial), position),
        Lifecycle(state),
        PhoneConnection(cast(PhoneLink | None, link), cast(Deployer | None, deployer)),
        PhoneWorker(cast(WorkerClient | None, client)),
    )


class OnThisThread:
    """A ledger whose operations run where they are asked for."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def run(self, operation: Callable[[Ledger], Result]) -> Result:
        return operation(self._ledger)
