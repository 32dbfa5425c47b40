"""The HTTP address that the window's switch opens, on this computer alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.core.clock import SystemClock
from app.rack.control import RackControl
from app.rack.home import Home

if TYPE_CHECKING:
    from app.gateway.server import Gateway

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class LoopbackDoor:
    """Opens addresses for the rack of a home; what HTTP needs loads only then."""

    home: Home

    def open(self, control: RackControl, port: int) -> Gateway:
        """Open one. Raises `BadInputError` where the port is taken."""
        from app.gateway.access.keys import KeyStore  # noqa: PLC0415 - loads for a while
        from app.gateway.context import GatewaySettings  # noqa: PLC0415
        from app.gateway.server import Gateway  # noqa: PLC0415

        clock = SystemClock()
        settings = GatewaySettings(self.home.ledger_place, LOOPBACK, port)
        return Gateway(control, KeyStore(self.home.keys, clock), settings, clock)

    def keys(self) -> tuple[str, ...]:
        """Return the names of the keys that open it."""
        from app.gateway.access.keys import KeyStore  # noqa: PLC0415 - loads for a while

        known = KeyStore(self.home.keys, SystemClock()).all()
        return tuple(key.name for key in known if key.valid)
