"""Letting phones join a rack that is open: pairing, and places named by a person."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from app.core.nursery import Nursery
from app.devices.discovery.found_phone import FoundPhone
from app.devices.discovery.pairer import Pairer
from app.devices.wireless.network_browser import AdvertisedService, NetworkBrowser
from app.devices.wireless.service_types import ServiceType
from app.rack.blocking import BlockingPool
from app.rack.pairing import (
    PairedPhone,
    PairingRequest,
    PairingStep,
    PairingWindow,
    Place,
    SeenPhone,
)
from app.rack.phones.opening import OpenedRack

PAIRING_SERVICES = (ServiceType.PAIRING, ServiceType.SECURE)
QR_TIMEOUT_S = 300.0
THREADS = 4

Tell = Callable[[PairingStep], None]
Listener = Callable[[tuple[PairingWindow, ...]], None]


class Connector:
    """Joins phones to one rack. Its coroutines run on the service loop, its calls on a pool."""

    def __init__(self, opened: OpenedRack, nursery: Nursery) -> None:
        self._opened = opened
        self._pool = BlockingPool(THREADS, "connecting")
        self._waiting = nursery.child()

    async def pair_by_code(self, address: str, code: str, tell: Tell) -> PairedPhone:
        """Pair with the phone that shows this address and code. Raises `ShardloomError`."""
        return await self._pair(lambda pairer: pairer.by_code(address.strip(), code), tell)

    async def pair_by_qr(self, request: PairingRequest, tell: Tell) -> PairedPhone:
        """Wait until a phone has read the code, then pair. Raises `ShardloomError`."""
        return await self._pair(lambda pairer: pairer.by_qr(request, QR_TIMEOUT_S), tell)

    async def add_place(self, place: Place, *, patient: bool) -> tuple[SeenPhone, ...]:
        """Add the phones at a place. Raises `ShardloomError`."""
        return _seen(await self._pool.run(self._opened.places.add, place, patient=patient))

    async def watch(self, listener: Listener) -> None:
        """Tell the listener, on a thread of the pool, which phones show a code, until cancelled.

        Raises `BadInputError` where the network cannot be listened to.
        """
        news, stopped = threading.Event(), threading.Event()

        def work() -> None:
            with NetworkBrowser((ServiceType.PAIRING,), changed=news.set) as browser:
                while not stopped.is_set():
                    listener(_windows(browser.services))
                    news.wait()
                    news.clear()

        with self._waiting.adopted():
            try:
                await self._pool.run(work)
            finally:
                stopped.set()
                news.set()

    async def close(self) -> None:
        """End all that still waits for a phone."""
        await self._waiting.close()
        self._pool.shutdown()

    async def _pair(self, pairing: Callable[[Pairer], PairedPhone], tell: Tell) -> PairedPhone:
        opened, given_up = self._opened, threading.Event()

        def work() -> PairedPhone:
            with NetworkBrowser(PAIRING_SERVICES) as browser:
                return pairing(Pairer(opened.key, opened.paired, browser, tell, given_up))

        with self._waiting.adopted():
            try:
                phone = await self._pool.run(work)
            finally:
                given_up.set()
        opened.places.add_paired(phone.guid)
        return phone


def _windows(services: Iterable[AdvertisedService]) -> tuple[PairingWindow, ...]:
    return tuple(PairingWindow(service.instance, service.address) for service in services)


def _seen(phones: Iterable[FoundPhone]) -> tuple[SeenPhone, ...]:
    return tuple(SeenPhone(phone.serial, phone.state, phone.reason) for phone in phones)
