"""Phones that come to an open rack: paired ones, addresses, adb servers and cables."""

from __future__ import annotations

import threading
from typing import Final

from app.core.device import DeviceState
from app.core.errors import BadInputError, PhoneLostError
from app.core.facts import Fact
from app.devices.adb.adb_server import AdbServer, local_server
from app.devices.adb.keys import HostKey
from app.devices.discovery.address_watch import AddressWatch
from app.devices.discovery.discovery import Discovery
from app.devices.discovery.found_phone import FoundPhone, Watch
from app.devices.discovery.network_watch import NetworkWatch
from app.devices.discovery.phone_sources import PhoneSources, Reach
from app.devices.discovery.place import Place, PlaceKind
from app.devices.discovery.server_watch import ServerWatch
from app.devices.discovery.usb_watch import UsbWatch
from app.devices.links.tcp_link import split_address
from app.devices.wireless.paired_phones import PairedPhones

FIRST_LOOK_S: Final = 6.0
_CABLES: Final = Fact("usb.known")


class Places:
    """Adds to a discovery what a person names, once it was seen to be there. Blocking."""

    def __init__(
        self,
        definition: PhoneSources,
        discovery: Discovery,
        key: HostKey,
        paired: PairedPhones,
        addresses: tuple[str, ...] = (),
    ) -> None:
        """`addresses` are those watched already besides the definition's own."""
        self._discovery = discovery
        self._key = key
        self._paired = paired
        self._lock = threading.Lock()
        self._guids: set[str] = set()
        self._takes_every_paired_phone = definition.network
        self._added: dict[Fact, Watch] = {}
        self._known = {_address(each) for each in (*definition.addresses, *addresses)}
        self._known |= {_server(*server) for server in definition.servers}
        if definition.reach is Reach.USB:
            self._known.add(_CABLES)

    def add(self, place: Place, *, patient: bool = False) -> tuple[FoundPhone, ...]:
        """Add the phones at a place; one that must still accept this computer counts.

        One added before is told as it is now. Where `patient`, an address is watched from now on,
        whether it answers or not. Raises `BadInputError` for what is no address or belongs to the
        rack by its definition, `PhoneLostError` without an answer.
        """
        if place.kind is PlaceKind.CABLES:
            return self._add_cables()
        address = place.address.strip()
        host, port = split_address(address)
        if place.kind is PlaceKind.ADDRESS:
            watch: Watch = AddressWatch(address, self._key, self._discovery.tell)
            return self._add(_address(address), watch, patient=patient)
        watch = ServerWatch(AdbServer(host, port), Reach.ANY, self._discovery.tell)
        return self._add(_server(host, port), watch, patient=patient)

    def _add_cables(self) -> tuple[FoundPhone, ...]:
        """Add the phones plugged into this computer, by its adb server where one runs."""
        server = ServerWatch(AdbServer(*local_server()), Reach.USB, self._discovery.tell)
        try:
            return self._add(_CABLES, server)
        except PhoneLostError:
            return self._add(
                _CABLES, UsbWatch(self._key, lambda: False, changed=self._discovery.tell)
            )

    def add_paired(self, guid: str) -> None:
        """Add a phone that this computer has paired with, wherever it is advertised."""
        with self._lock:
            watched = bool(self._guids) or self._takes_every_paired_phone
            self._guids.add(guid)
        if not watched:
            tell, guids = self._discovery.tell, self._guids
            self._discovery.add(NetworkWatch(self._key, self._paired, changed=tell, only=guids))
        self._discovery.tell()

    def _add(self, place: Fact, watch: Watch, *, patient: bool = False) -> tuple[FoundPhone, ...]:
        """Watch a place, known by what is told where it belongs to the rack already."""
        with self._lock:
            if place in self._known:
                watch.close()
                raise BadInputError(place)
            added = self._added.setdefault(place, watch)
        if added is not watch:
            watch.close()
            return () if patient else self._answer(added)
        if patient:
            self._discovery.add(watch)
            return ()
        try:
            phones = self._answer(watch)
        except PhoneLostError:
            watch.close()
            with self._lock:
                del self._added[place]
            raise
        self._discovery.add(watch)
        return phones

    def _answer(self, watch: Watch) -> tuple[FoundPhone, ...]:
        """Return the phones there after a look. Raises `PhoneLostError` where all are lost."""
        phones = self._discovery.try_out(watch, FIRST_LOOK_S)
        reason = watch.notice or _all_lost(phones)
        if reason is not None:
            raise PhoneLostError(reason)
        return phones


def _all_lost(phones: tuple[FoundPhone, ...]) -> Fact | None:
    """Return why none of the phones can be used; None where one can, or where none is there."""
    if any(phone.state is not DeviceState.LOST for phone in phones):
        return None
    return phones[0].reason if phones else None


def _address(address: str) -> Fact:
    return Fact("address.known", address=address)


def _server(host: str, port: int) -> Fact:
    return Fact("adb_server.known", address=f"{host}:{port}")
