"""The phones that advertise adb on the network (mDNS, RFC 6762, with DNS-SD, RFC 6763)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from zeroconf import InterfaceChoice, IPVersion, ServiceBrowser, ServiceStateChange, Zeroconf

from app.core.errors import BadInputError, reason_of
from app.devices.wireless.service_types import ServiceType

RESOLVE_TIMEOUT_MS: Final = 3000
MAXIMUM_SERVICES: Final = 256
"""More than that on one network is noise; later ones are not kept."""


@dataclass(frozen=True)
class AdvertisedService:
    """A service as it was last advertised; the address is `HOST:PORT`."""

    kind: ServiceType
    instance: str
    address: str


class NetworkBrowser:
    """Keeps the services advertised now, from its making until `close`."""

    def __init__(
        self,
        kinds: Sequence[ServiceType] = tuple(ServiceType),
        interface: str | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Look on every interface, or on the one with that address.

        `changed` is called, on a thread of zeroconf's, after each change. Raises `BadInputError`
        where the network cannot be listened to.
        """
        self._services: dict[tuple[ServiceType, str], AdvertisedService] = {}
        self._news = threading.Condition()
        self._changed = changed
        try:
            self._network = Zeroconf(interfaces=[interface] if interface else InterfaceChoice.All)
        except (OSError, ValueError) as error:
            raise BadInputError("network.unheard", reason=reason_of(error)) from None
        types = [kind.value for kind in kinds]
        self._browser = ServiceBrowser(self._network, types, handlers=[self._on_change])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def services(self) -> tuple[AdvertisedService, ...]:
        """Everything advertised now."""
        with self._news:
            return tuple(self._services.values())

    def wait_for(
        self, kind: ServiceType, instance: str, timeout_s: float
    ) -> AdvertisedService | None:
        """Return the service of that name once it is advertised, None where it is not in time."""
        deadline_s = time.monotonic() + timeout_s
        with self._news:
            while (kind, instance) not in self._services:
                if not self._news.wait(max(deadline_s - time.monotonic(), 0)):
                    return None
            return self._services[kind, instance]

    def close(self) -> None:
        """Look no more."""
        self._browser.cancel()
        self._network.close()

    def _on_change(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        kind = ServiceType(service_type)
        instance = name.removesuffix(f".{service_type}")
        gone = state_change is ServiceStateChange.Removed
        address = None if gone else _resolve(zeroconf, service_type, name)
        with self._news:
            if address is None:
                self._services.pop((kind, instance), None)
            elif len(self._services) < MAXIMUM_SERVICES:
                self._services[kind, instance] = AdvertisedService(kind, instance, address)
            self._news.notify_all()
        self._changed()


def _resolve(network: Zeroconf, service_type: str, name: str) -> str | None:
    service = network.get_service_info(service_type, name, RESOLVE_TIMEOUT_MS)
    if service is None or not service.port:
        return None
    hosts = service.parsed_addresses(IPVersion.V4Only)
    return f"{hosts[0]}:{service.port}" if hosts else None
