"""One adb server and the phones it lists."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from adbutils import AdbDeviceInfo

from app.core.device import DeviceState
from app.core.errors import PhoneLostError, ShardloomError
from app.core.identifiers import Serial
from app.devices.adb_server import ANSWER_TIMEOUT_S, AdbServer
from app.devices.found_phone import FoundPhone, Watch
from app.devices.probe import read_serial
from app.devices.rack_file import Reach
from app.devices.server_link import connect_server
from app.devices.tcp_link import unauthorized

ASK_AGAIN_AFTER_S: Final = 10.0
"""A listed phone that did not answer is left alone for this long: it holds up the others."""


class ServerWatch(Watch):
    """Asks a server for its list at every look; a phone tells its serial number once."""

    def __init__(self, server: AdbServer, reach: Reach = Reach.ANY) -> None:
        super().__init__()
        self._server = server
        self._reach = reach
        self._serials: dict[str, Serial] = {}
        self._silent_until_s: dict[str, float] = {}
        self._phones: dict[str, FoundPhone] = {}

    @property
    def phones(self) -> tuple[FoundPhone, ...]:
        """The phones listed now, and as lost those listed before."""
        return tuple(self._phones.values())

    def close(self) -> None:
        """Look no more; the server keeps its phones."""
        self._closed = True

    def _look(self) -> None:
        try:
            listed = [info for info in self._server.devices() if _reached(info, self._reach)]
            self.notice = ""
        except PhoneLostError as error:
            listed = []
            self.notice = str(error)
        self._in_vain = bool(self.notice)
        now = {info.serial: self._standing(info) for info in listed}
        reason = self.notice or f"The {self._server.name} lists it no more."
        gone = {
            listed_serial: self._phone(listed_serial, DeviceState.LOST, reason)
            for listed_serial in self._phones
            if listed_serial not in now
        }
        self._phones = now | gone

    def _standing(self, info: AdbDeviceInfo) -> FoundPhone:
        if info.state == "unauthorized":
            return self._phone(
                info.serial, DeviceState.UNAUTHORIZED, str(unauthorized(info.serial))
            )
        if info.state != "device":
            reason = f"The {self._server.name} says: {info.state}."
            return self._phone(info.serial, DeviceState.LOST, reason)
        try:
            self._learn_serial(info.serial)
        except ShardloomError as error:
            return self._phone(info.serial, DeviceState.LOST, str(error))
        return self._phone(info.serial, DeviceState.FOUND, "")

    def _learn_serial(self, listed_serial: str) -> None:
        if listed_serial in self._serials:
            return
        if time.monotonic() < self._silent_until_s.get(listed_serial, 0.0):
            raise PhoneLostError(f"{listed_serial} does not answer.")
        link = connect_server(self._server, listed_serial)
        try:
            self._serials[listed_serial] = read_serial(link, ANSWER_TIMEOUT_S)
        except ShardloomError:
            self._silent_until_s[listed_serial] = time.monotonic() + ASK_AGAIN_AFTER_S
            raise
        finally:
            link.close()

    def _phone(self, listed_serial: str, state: DeviceState, reason: str) -> FoundPhone:
        return FoundPhone(
            self._serials.get(listed_serial, Serial(listed_serial)),
            state,
            reason,
            self._server.name,
            partial(connect_server, self._server, listed_serial),
        )


def _reached(info: AdbDeviceInfo, reach: Reach) -> bool:
    """Tell whether the server has the phone by that way: `devices -l` tags USB ones with a port."""
    by_usb = "usb" in info.tags
    return reach is Reach.ANY or by_usb is (reach is Reach.USB)
