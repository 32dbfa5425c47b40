"""Two loopback addresses of a phone's own: where others find it, and where its programs listen.

Linux has all of 127/8 without asking for it. What lies between the two addresses is the phone's
radio. Systems with one loopback address alone have none to spare.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass

_OUTER, _INNER = "127.83", "127.84"
_CLAIM_PORT = 1083
"""Below the ports that systems and ZeroMQ give out; whoever has it there has both addresses."""

ADDRESSES = 65_000
"""Phones that have an address each below a prefix of 16 bits."""
TRIES = 16
"""Addresses tried before a phone goes without one of its own."""


@dataclass(frozen=True)
class OwnAddress:
    """Both addresses, nobody else's until `release`."""

    outer: str
    inner: str
    claim: socket.socket

    @staticmethod
    def claimed() -> OwnAddress | None:
        """Return a pair that no other phone has, None where this system has none to give."""
        for attempt in range(TRIES if sys.platform == "linux" else 0):
            number = (os.getpid() + attempt) % ADDRESSES + 2
            host = f"{number >> 8}.{number & 255}"
            claim = socket.socket()
            with suppress(OSError):
                claim.bind((f"{_OUTER}.{host}", _CLAIM_PORT))
                return OwnAddress(f"{_OUTER}.{host}", f"{_INNER}.{host}", claim)
            claim.close()
        return None

    def release(self) -> None:
        """Let others have the pair."""
        self.claim.close()
