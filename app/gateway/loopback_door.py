"""The HTTP address that the window's switch opens, on this computer alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.core.clock import SystemClock
from app.rack.control import RackControl
from app.rack.door.serving import ApiKey, KeyLimits
from app.rack.home import Home

if TYPE_CHECKING:
    from app.gateway.access.keys import KeyStore
    from app.gateway.server import Gateway

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class LoopbackDoor:
    """Opens addresses for the rack of a home; what HTTP needs loads only then."""

    home: Home

    def open(self, control: RackControl, port: int) -> Gateway:
        """Open one. Raises `BadInputError` where the port is taken."""
        from app.gateway.context import GatewaySettings  # noqa: PLC0415 - loads for a while
        from app.gateway.server import Gateway  # noqa: PLC0415

        clock = SystemClock()
        settings = GatewaySettings(self.home.ledger_place, LOOPBACK, port)
        return Gateway(control, self._store, settings, clock)

    def keys(self) -> tuple[ApiKey, ...]:
        """Return every key there ever was, oldest first."""
        return self._store.all()

    def add_key(self, name: str, limits: KeyLimits) -> str:
        """Make a key and return it; it cannot be had again. Raises `BadInputError`."""
        return self._store.add(name, limits)

    def revoke_key(self, name: str) -> None:
        """Let a key open nothing any more. Raises `BadInputError` where there is none."""
        self._store.revoke(name)

    @property
    def _store(self) -> KeyStore:
        from app.gateway.access.keys import KeyStore  # noqa: PLC0415 - loads for a while

        return KeyStore(self.home.keys, SystemClock())
