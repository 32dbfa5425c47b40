"""What befalls phones themselves, as far as a tester can bring it about without hands."""

from __future__ import annotations

import asyncio

from app.faults.catalogue import Fault, FaultKind
from app.rack.blocking import BlockingPool
from app.rack.phones.started_phones import StartedPhones


class VirtualFaults:
    """Reaches the phones that this computer started, one at a time."""

    def __init__(self, started: StartedPhones, pool: BlockingPool) -> None:
        self._started = started
        self._pool = pool
        self._turn = asyncio.Lock()

    async def begin(self, fault: Fault) -> None:
        """Let it happen. Raises `BadInputError` on any other phone, `PhoneLostError`."""
        async with self._turn:
            await self._pool.run(self._begin, fault)

    async def end(self, fault: Fault) -> None:
        """Make it good again; heat goes by itself. Raises like `begin`."""
        async with self._turn:
            await self._pool.run(self._end, fault)

    def _begin(self, fault: Fault) -> None:
        if fault.kind is FaultKind.ADBD_RESTART:
            self._started.restart_adbd(fault.serial)
        elif fault.kind is FaultKind.UNPLUG:
            self._started.plug(fault.serial, is_plugged=False)
        elif fault.kind is FaultKind.OVERHEAT:
            self._started.heat(fault.serial, fault.dose)
        elif fault.kind is FaultKind.TAKEN:
            self._started.take(fault.serial, is_taken=True)
        else:
            raise ValueError(fault.kind)

    def _end(self, fault: Fault) -> None:
        if fault.kind is FaultKind.UNPLUG:
            self._started.plug(fault.serial, is_plugged=True)
        elif fault.kind is FaultKind.TAKEN:
            self._started.take(fault.serial, is_taken=False)
