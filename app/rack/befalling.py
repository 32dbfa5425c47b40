"""What befalls phones themselves, as far as a tester can bring it about: on virtual phones."""

from __future__ import annotations

import asyncio

from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.devices.virtual.disturbance import Disturbance
from app.devices.virtual.rack import VirtualRack
from app.faults.catalogue import Fault, FaultKind
from app.rack.blocking import BlockingPool

OVERHEATED_CELSIUS = 48.0
"""Critical on phones that throttle."""

_BEGINNINGS = {
    FaultKind.ADBD_RESTART: Disturbance.ADBD_RESTART,
    FaultKind.UNPLUG: Disturbance.UNPLUG,
    FaultKind.TAKEN: Disturbance.TAKE,
}
_ENDS = {FaultKind.UNPLUG: Disturbance.PLUG, FaultKind.TAKEN: Disturbance.GIVE_BACK}


class Befalling:
    """Reaches the virtual phones of a rack by the pipes to their processes, one at a time."""

    def __init__(self, virtual: VirtualRack | None, pool: BlockingPool) -> None:
        self._virtual = virtual
        self._pool = pool
        self._turn = asyncio.Lock()

    async def begin(self, fault: Fault) -> None:
        """Let it happen. Raises `BadInputError` on a real phone, `PhoneLostError`."""
        virtual = self._phones(fault.serial)
        async with self._turn:
            if fault.kind is FaultKind.OVERHEAT:
                await self._pool.run(virtual.heat, fault.serial, OVERHEATED_CELSIUS)
            else:
                await self._pool.run(virtual.disturb, fault.serial, _BEGINNINGS[fault.kind])

    async def end(self, fault: Fault) -> None:
        """Make it good again; heat goes by itself. Raises like `begin`."""
        virtual = self._phones(fault.serial)
        if fault.kind in _ENDS:
            async with self._turn:
                await self._pool.run(virtual.disturb, fault.serial, _ENDS[fault.kind])

    def _phones(self, serial: Serial) -> VirtualRack:
        if self._virtual is None or serial not in self._virtual.serials:
            raise BadInputError(
                f"{serial} is no simulated phone: unplug, warm or restart it by hand."
            )
        return self._virtual
