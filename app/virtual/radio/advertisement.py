"""What a virtual phone says of itself by mDNS: on loopback only, like everything it does."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from zeroconf import Error, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from app.devices.wireless.service_types import ServiceType
from workers.protocol.configuration import LOOPBACK

_VERSION = {"v": "ADB_SECURE_SERVICE_VERSION"}


@asynccontextmanager
async def advertised(kind: ServiceType, instance: str, port: int) -> AsyncIterator[None]:
    """Advertise a service of that name while the context lasts. Raises `OSError` where it cannot.

    A name that is taken, by this phone's last run for example, is not an error.
    """
    network = AsyncZeroconf(interfaces=[LOOPBACK])
    service = ServiceInfo(
        kind.value,
        f"{instance}.{kind.value}",
        addresses=[ipaddress.ip_address(LOOPBACK).packed],
        port=port,
        properties=_VERSION,
        server=f"{instance}.local.",
    )
    try:
        await (await network.async_register_service(service, cooperating_responders=True))
        yield
    finally:
        with suppress(Error, asyncio.TimeoutError):
            await (await network.async_unregister_service(service))
        await network.async_close()
