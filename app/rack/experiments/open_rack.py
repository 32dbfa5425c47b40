"""The rack that is open, as an experiment sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.core.audit_outcome import CheckMode, ChecksSnapshot
from app.core.identifiers import RequestId, Serial
from app.rack.commands import Ask
from app.rack.layers.assigner import Assigner
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.requests.request import Request
from app.rack.requests.request_queue import RequestQueue
from app.rack.settlement.checks import Checks
from app.rack.settlement.penalties import Penalties


@dataclass(frozen=True)
class OpenRack:
    """A `RackUnderTest` of a rack's parts. Lives on the service loop."""

    rack_name: str
    fleet: Fleet
    assigner: Assigner
    request_queue: RequestQueue
    answer_checks: Checks
    penalties: Penalties
    ask: Callable[[Ask], Awaitable[RequestId]]
    release: Callable[[Serial], Awaitable[None]]

    @property
    def phones(self) -> Sequence[Phone]:
        """Every phone, in rack order."""
        return sorted(self.fleet.phones.values(), key=lambda phone: phone.position)

    @property
    def ring(self) -> tuple[Serial, ...]:
        """The phones of the applied assignment, in ring order."""
        applied = self.assigner.applied
        return applied.assignment.serials if applied else ()

    @property
    def model_name(self) -> str:
        """The model on the rack; empty where there is none."""
        applied = self.assigner.applied
        return applied.model.name if applied else ""

    @property
    def busy(self) -> bool:
        """Whether a request has not ended yet."""
        return self.request_queue.busy

    def checks(self) -> ChecksSnapshot:
        """Return how answers are checked."""
        return self.answer_checks.snapshot(None, ())

    async def set_checks(self, audit_rate: float, mode: CheckMode) -> None:
        """Check so from now on. Raises `BadInputError`."""
        await self.answer_checks.set(audit_rate, mode)

    def request(self, identifier: RequestId) -> Request:
        """Return a request that was started."""
        return self.request_queue.requests[identifier]

    async def make_whole(self, released: Sequence[Serial]) -> None:
        """Release these from jail, trust every way again, have every phone at work that can be.

        Raises `ShardloomError`.
        """
        self.assigner.distrust.forget()
        for serial in released:
            await self.release(serial)
        await self.assigner.current()
        if set(self.ring) != {phone.serial for phone in self.fleet.usable}:
            await self.assigner.replan(self.assigner.objective, self.assigner.pins)
            await self.assigner.apply()

    async def refresh_standings(self) -> None:
        """Read every phone's account again."""
        await self.penalties.refresh_standings()
