"""The way to the next phone as a fault on the link leaves it.

What is lost, held up or damaged here was computed, recorded and signed for as it should be: to
everybody else it looks as if the network had done it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, Protocol

from workers.fault_names import FaultName
from workers.protocol.commands import NextHop
from workers.ring.faults import InjectedFault

_SILENT: Final = frozenset({FaultName.PARTITION, FaultName.ONE_WAY})
_WITH_CHANCE: Final = frozenset({FaultName.LINK_LOSS, FaultName.LINK_CORRUPTION})


class Sender(Protocol):
    """What sends a message to the next phone."""

    def send(self, hop: NextHop, frame: bytes) -> None:
        """Queue a message. Raises `RequestRefusedError`."""
        ...


class FaultyLinks:
    """Sends on what the fault lets through."""

    def __init__(self, links: Sender, fault: Callable[[], InjectedFault]) -> None:
        self._links = links
        self._fault = fault
        self._chance = random.Random()  # noqa: S311 - no secret
        self._drawn_for: InjectedFault | None = None
        self._hit = False

    def send(self, hop: NextHop, frame: bytes) -> None:
        """Queue a message, unless it is lost. Raises `RequestRefusedError`."""
        fault = self._fault()
        if fault.name in _SILENT or (self._hits(fault) and fault.name is FaultName.LINK_LOSS):
            return
        if fault.name is FaultName.LINK_DELAY:
            time.sleep(fault.amount / 1000)
        if fault.name is FaultName.LINK_CORRUPTION and self._hit:
            frame = damaged(frame)
        self._links.send(hop, frame)

    def _hits(self, fault: InjectedFault) -> bool:
        if fault is not self._drawn_for:
            self._drawn_for = fault
            self._chance.seed(fault.seed)
        self._hit = fault.name in _WITH_CHANCE and self._chance.random() < fault.share
        return self._hit


def damaged(frame: bytes) -> bytes:
    """Return a message with a bit flipped in its last eighth, where a step carries its numbers."""
    altered = bytearray(frame)
    altered[-1 - len(altered) // 16] ^= 0x40
    return bytes(altered)
