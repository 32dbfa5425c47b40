"""What an experiment needs of a rack, so that it can be tested without one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from app.core.audit_outcome import CheckMode, ChecksSnapshot
from app.core.identifiers import RequestId, Serial
from app.faults.catalogue import Fault
from app.rack.commands import Ask
from app.rack.phones.phone import Phone
from app.rack.requests.request import Request


class Injecting(Protocol):
    """What sets faults and lifts them."""

    def check(self, fault: Fault) -> None:
        """Raise `BadInputError` for what cannot be brought about on this rack."""
        ...

    async def inject(self, fault: Fault) -> None:
        """Set a fault. Raises `ShardloomError`."""
        ...

    async def lift(self, serial: Serial) -> None:
        """Lift the fault from a phone. Raises `ShardloomError`."""
        ...


class RackUnderTest(Protocol):
    """What does the work meanwhile. Lives on the service loop."""

    @property
    def phones(self) -> Sequence[Phone]:
        """Every phone, in rack order."""
        ...

    @property
    def ring(self) -> tuple[Serial, ...]:
        """The phones of the applied assignment, in ring order."""
        ...

    @property
    def model_name(self) -> str:
        """The model on the rack; empty where there is none."""
        ...

    @property
    def rack_name(self) -> str:
        """What the rack is called."""
        ...

    @property
    def busy(self) -> bool:
        """Whether a request has not ended yet."""
        ...

    def checks(self) -> ChecksSnapshot:
        """Return how answers are checked."""
        ...

    async def set_checks(self, audit_rate: float, mode: CheckMode) -> None:
        """Check so from now on."""
        ...

    @property
    def ask(self) -> Callable[[Ask], Awaitable[RequestId]]:
        """What starts a request. Raises `ShardloomError`."""
        ...

    def request(self, identifier: RequestId) -> Request:
        """Return a request that was started."""
        ...

    async def make_whole(self, released: Sequence[Serial]) -> None:
        """Release these from jail, trust every way again, have every phone at work that can be.

        Raises `ShardloomError`.
        """
        ...

    async def refresh_standings(self) -> None:
        """Read every phone's account again."""
        ...
