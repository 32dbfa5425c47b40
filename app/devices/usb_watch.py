"""The phones plugged into this computer, while no adb server looks after them."""

from __future__ import annotations

from collections.abc import Callable

from app.core.device import DeviceState
from app.core.errors import PhoneLostError
from app.core.identifiers import Serial
from app.devices.found_phone import FoundPhone, Watch
from app.devices.keys import HostKey
from app.devices.usb_link import UsbPhone, connecting, usb_phones


class UsbWatch(Watch):
    """Looks at the cables as long as `is_served` is false; claims nothing by itself."""

    def __init__(
        self,
        key: HostKey,
        is_served: Callable[[], bool],
        list_phones: Callable[[], list[UsbPhone]] = usb_phones,
    ) -> None:
        super().__init__()
        self._key = key
        self._is_served = is_served
        self._list_phones = list_phones
        self._phones: dict[Serial, FoundPhone] = {}

    @property
    def phones(self) -> tuple[FoundPhone, ...]:
        """The phones plugged in now, and as lost those unplugged since."""
        return tuple(self._phones.values())

    def close(self) -> None:
        """Look no more."""
        self._closed = True

    def _look(self) -> None:
        self.notice = ""
        if self._is_served():
            self._phones = {}
            return
        try:
            plugged = self._list_phones()
        except PhoneLostError as error:
            plugged = []
            self.notice = str(error)
        now = {phone.serial: self._found(phone) for phone in plugged}
        gone = {
            serial: _unplugged(phone) for serial, phone in self._phones.items() if serial not in now
        }
        self._phones = now | gone

    def _found(self, phone: UsbPhone) -> FoundPhone:
        connect = connecting(phone, self._key)
        return FoundPhone(phone.serial, DeviceState.FOUND, "", f"USB {phone.serial}", connect)


def _unplugged(phone: FoundPhone) -> FoundPhone:
    reason = f"{phone.serial} was unplugged."
    return FoundPhone(phone.serial, DeviceState.LOST, reason, phone.transport, phone.connect)
