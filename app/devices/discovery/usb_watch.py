"""The phones plugged into this computer, while no adb server looks after them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from app.core.device import DeviceState
from app.core.errors import PhoneLostError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.adb.adb_rows import udev_rule
from app.devices.adb.keys import HostKey
from app.devices.discovery.found_phone import FoundPhone, Watch
from app.devices.links.usb_link import UsbPhone, connecting, usb_phones
from app.devices.links.usb_news import UsbNews

LIST_EVERY_S: Final = 1.0
"""Where libusb tells no news by itself, the cables are looked at so often."""


class UsbWatch(Watch):
    """Looks at the cables as long as `is_served` is false; claims nothing by itself."""

    def __init__(
        self,
        key: HostKey,
        is_served: Callable[[], bool],
        list_phones: Callable[[], list[UsbPhone]] = usb_phones,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(changed)
        self._key = key
        self._is_served = is_served
        self._was_served: bool | None = None
        self._list_phones = list_phones
        self._phones: dict[Serial, FoundPhone] = {}
        self._names: dict[tuple[Serial, str], Serial] = {}
        self._looked_at_s = float("-inf")
        self._news = UsbNews(self._hear)

    @property
    def phones(self) -> tuple[FoundPhone, ...]:
        """The phones plugged in now, and as lost those unplugged since."""
        return tuple(self._phones.values())

    @property
    def _unanswered(self) -> Fact:
        return Fact("usb.unanswered")

    @property
    def _nothing(self) -> Fact:
        return Fact("usb.empty")

    @property
    def account(self) -> tuple[Fact, ...]:
        """Nothing where an adb server looks after the cables: it is asked itself."""
        return () if self._was_served else super().account

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        self._news.close()

    def _is_due(self) -> bool:
        waited_s = time.monotonic() - self._looked_at_s
        unheard = not self._news.is_listening and waited_s > LIST_EVERY_S
        return self._has_news.is_set() or unheard or self._is_served() is not self._was_served

    def _look(self) -> None:
        self._has_news.clear()
        self._looked_at_s = time.monotonic()
        self.notice = None
        self._was_served = self._is_served()
        if self._was_served:
            self._phones = {}
            return
        try:
            plugged = self._list_phones()
        except PhoneLostError as error:
            plugged = []
            self.notice = error.fact
        self._names = names = _named_apart(plugged, self._names)
        now = {names[_place(each)]: self._found(names[_place(each)], each) for each in plugged}
        gone = {
            serial: _unplugged(phone) for serial, phone in self._phones.items() if serial not in now
        }
        self._phones = now | gone

    def _found(self, name: Serial, phone: UsbPhone) -> FoundPhone:
        connect = connecting(phone, self._key)
        state = DeviceState.FOUND
        reason: Fact | None = None
        if phone.forbidden:
            state = DeviceState.LOST
            reason = Fact("usb.cable_forbidden", phone=name, rule=udev_rule())
        return FoundPhone(name, state, reason, f"USB {name}", connect, port=phone.port)


def _place(phone: UsbPhone) -> tuple[Serial, str]:
    return phone.serial, phone.port


def _named_apart(
    plugged: Iterable[UsbPhone], earlier: Mapping[tuple[Serial, str], Serial]
) -> dict[tuple[Serial, str], Serial]:
    """Return a name for each phone: its serial number, and the socket too where that is another's.

    One that stays in its socket, or comes back to it, keeps the name that it had `earlier`.
    """
    named: dict[tuple[Serial, str], Serial] = {}
    for phone in sorted(plugged, key=lambda each: _place(each) not in earlier):
        name = earlier.get(_place(phone), phone.serial)
        is_taken = name in named.values()
        named[_place(phone)] = Serial(f"{phone.serial}@{phone.port}") if is_taken else name
    left = {place: name for place, name in earlier.items() if name not in named.values()}
    return left | named


def _unplugged(phone: FoundPhone) -> FoundPhone:
    reason = Fact("usb.phone_unplugged", phone=phone.serial)
    return FoundPhone(phone.serial, DeviceState.LOST, reason, phone.transport, phone.connect)
