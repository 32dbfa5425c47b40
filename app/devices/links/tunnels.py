"""A phone's tunnels through its ADB connection: ports forwarded in, led out, and put back."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import Final

from app.core.errors import PhoneLostError, ShardloomError
from app.devices.adb.reverse_service import (
    close_reverse,
    list_reverses,
    open_reverse,
    restore_reverse,
)
from app.devices.adb.stream import ByteStream, StreamSource
from app.devices.links.outlet import OutletCarrier
from app.devices.links.port_forward import PortForward

OPEN_TIMEOUT_S: Final = 15.0


class Tunnels:
    """What a link forwards; tunnels and other calls do not wait for each other."""

    def __init__(self, source: StreamSource) -> None:
        self._source = source
        self._forwards: dict[int, PortForward] = {}
        self._reverses: dict[int, int] = {}
        self._carriers: dict[int, OutletCarrier] = {}
        self._mending = threading.Lock()
        self._closed = False

    def forward(self, phone_port: int) -> int:
        """Return a loopback port of this computer that comes out at that one of the phone."""
        if phone_port not in self._forwards:
            self._forwards[phone_port] = PortForward(partial(self._open, phone_port))
        return self._forwards[phone_port].port

    def reverse(self, host_port: int) -> int:
        """Return a loopback port of the phone that comes out at that one of its holder."""
        port = open_reverse(self._source, host_port)
        self._reverses[port] = host_port
        return port

    def fetch(self, intake_port: int, secret: bytes, host_port: int) -> None:
        """Lead the connections of a phone's outlet to a loopback port of this computer."""
        self.stop_fetching(intake_port)
        with self._mending:
            if self._closed:
                raise PhoneLostError("phone.let_go", transport=self._source.transport)
            self._carriers[intake_port] = OutletCarrier(
                partial(self._open, intake_port), secret, host_port
            )

    def stop_fetching(self, intake_port: int) -> None:
        """Leave an outlet alone again, where it is led out."""
        carrier = self._carriers.pop(intake_port, None)
        if carrier is not None:
            carrier.close()

    def mend(self) -> int:
        """Put back the tunnels that somebody else removed, ports unchanged; return how many.

        Those that cannot be put back are forgotten. Raises `PhoneRefusedError` for such a one,
        `PhoneLostError` where the phone is gone.
        """
        with self._mending:
            if self._closed:
                return 0
            return self._mend_reverses() + self._source.mend_forwards()

    def close(self) -> None:
        """End every tunnel."""
        with self._mending:
            self._closed = True
        for forward in self._forwards.values():
            forward.close()
        for carrier in self._carriers.values():
            carrier.close()
        if self._source.keeps_tunnels:
            for port in self._reverses:
                with suppress(ShardloomError):
                    close_reverse(self._source, port)

    def _mend_reverses(self) -> int:
        wanted = dict(self._reverses)
        standing = list_reverses(self._source) if wanted else {}
        missing = {port: to for port, to in wanted.items() if standing.get(port) != to}
        for phone_port, host_port in missing.items():
            del self._reverses[phone_port]
            restore_reverse(self._source, phone_port, host_port)
            self._reverses[phone_port] = host_port
        return len(missing)

    def _open(self, phone_port: int) -> ByteStream:
        return self._source.open(f"tcp:{phone_port}", OPEN_TIMEOUT_S)
