"""Keeps processors from sleeping deeply while steps are awaited, where the system allows it.

A step wakes several threads on its way. A processor that sleeps deeply takes tens of microseconds
for each, together as much as the rest of a hop. Linux's PM QoS interface: a limit in microseconds,
written to a device file, holds for as long as that file stays open. Only root may, as a rule.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final

from workers.log import log

DEVICE: Final = Path("/dev/cpu_dma_latency")
_LIMIT = struct.pack("=i", 0)


class LightSleep:
    """Asks for light sleep, or lets processors sleep as they like. Used from one thread."""

    def __init__(self, device: Path = DEVICE) -> None:
        self._device = device
        self._held: int | None = None
        self._refused = False

    def ask(self, *, light: bool) -> None:
        """Begin to ask where `light`, else stop; a refusal of the system is logged once."""
        if light and self._held is None and not self._refused:
            self._hold()
        elif not light:
            self.close()

    def close(self) -> None:
        """Let processors sleep as deeply as they like again."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _hold(self) -> None:
        try:
            self._held = os.open(self._device, os.O_WRONLY)
            os.write(self._held, _LIMIT)
        except OSError as error:
            self._refused = True
            log(f"processors may sleep deeply between steps: {error}")
