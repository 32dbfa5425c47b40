"""Keeping an assignment whole while phones come and go."""

from __future__ import annotations

from collections.abc import Callable

from app.core.errors import DoesNotFitError, ShardloomError
from app.core.facts import Fact
from app.rack.context import RackContext
from app.rack.layers.assigner import Assigner
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.snapshot import TimelineKind

IDLE_PATIENCE_S = 30.0
"""How long layers that nobody needs wait for their phone to come back."""


class LossRecovery:
    """Moves a lost phone's layers, or gives them back to it. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        fleet: Fleet,
        assigner: Assigner,
        is_idle: Callable[[], bool],
        balances: Callable[[], bool],
    ) -> None:
        """`is_idle` tells whether no request is running, `balances` whether layers move alone."""
        self._balances = balances
        self._fleet = fleet
        self._assigner = assigner
        self._timeline = context.timeline
        self._is_idle = is_idle
        self._nursery = context.nursery.child()

    def phone_lost(self, phone: Phone) -> None:
        """Move its layers, where it has some: at once where a request needs them."""
        if self._assigner.holds_layers(phone.serial):
            self._nursery.start_soon(self._do_without(phone), f"the repair without {phone.name}")

    def phone_joined(self, phone: Phone) -> None:
        """Give a phone that is back its layers, or say that it is there."""
        self._nursery.start_soon(self._welcome(phone), f"the return of {phone.name}")

    async def stop(self) -> None:
        """Repair nothing more."""
        await self._nursery.close()

    async def _do_without(self, phone: Phone) -> None:
        if self._is_idle():
            await self._fleet.wait_for_return([phone.serial], IDLE_PATIENCE_S)
        await self._make_whole()

    async def _welcome(self, phone: Phone) -> None:
        if self._assigner.is_broken:
            await self._make_whole()
        await self._assigner.relieve(phone)
        if not self._assigner.holds_layers(phone.serial):
            code = "layers.phone_came" if self._balances() else "layers.phone_without"
            told = Fact(code, phone=phone.name)
            self._timeline.add(TimelineKind.INFO, told, phone.serial)

    async def _make_whole(self) -> None:
        try:
            await self._assigner.current()
        except DoesNotFitError:
            return  # told already, once for all who wait
        except ShardloomError as error:
            self._timeline.add(TimelineKind.ERROR, error.fact)
