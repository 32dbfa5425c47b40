"""One adb server and the phones it lists."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final

from adbutils import AdbDeviceInfo

from app.core.device import DeviceState
from app.core.errors import PhoneLostError, ShardloomError
from app.core.identifiers import Serial
from app.devices.adb_server import ANSWER_TIMEOUT_S, AdbServer
from app.devices.back_off import BackOff
from app.devices.found_phone import FoundPhone, Watch
from app.devices.identify import Identification, identify
from app.devices.rack_file import Reach
from app.devices.server_link import connect_server
from app.devices.server_stream import ServerStream
from app.devices.session_source import unauthorized

ASK_AGAIN_AFTER_S: Final = 10.0
"""A listed phone that did not answer is left alone for this long: it holds up the others."""

_ADVICE: Final = {
    "offline": "it does not answer; unplug it and plug it in again, or turn wireless debugging "
    "off and on",
    "authorizing": "it is being asked",
    "connecting": "it is being connected",
    "no": "this computer may not use the cable; see the udev rules of android-sdk-platform-tools",
    "recovery": "it is in recovery; start Android",
    "sideload": "it is in recovery; start Android",
    "bootloader": "it is in the bootloader; start Android",
    "host": "it is no phone",
}


class ServerWatch(Watch):
    """Asks a server for its list when its stream has news; a phone tells its serial number once."""

    def __init__(
        self,
        server: AdbServer,
        reach: Reach = Reach.ANY,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Watch a server; `changed` is called, on its own thread, when the server has news."""
        super().__init__(changed)
        self._server = server
        self._reach = reach
        self._known: dict[str, Identification] = {}
        self._has_news.set()
        self._stream = ServerStream(server, self._hear)
        self._back_off = BackOff()
        self._silent_until_s: dict[str, float] = {}
        self._phones: dict[str, FoundPhone] = {}

    @property
    def phones(self) -> tuple[FoundPhone, ...]:
        """The phones listed now, and as lost those listed before."""
        return tuple(self._phones.values())

    @property
    def is_serving(self) -> bool:
        """Whether the server answered the last time; true until it was asked."""
        return not self.notice

    def close(self) -> None:
        """Look no more; the server keeps its phones."""
        self._closed = True
        self._stream.close()

    def _is_due(self) -> bool:
        """Ask where there is news, nothing to hear it by, or a phone that was silent before."""
        unheard = not self._stream.is_open and self._back_off.is_due
        now_s = time.monotonic()
        return (
            self._has_news.is_set()
            or unheard
            or any(now_s >= until_s for until_s in self._silent_until_s.values())
        )

    def _look(self) -> None:
        self._has_news.clear()
        try:
            listed = [info for info in self._server.devices() if _reached(info, self._reach)]
            self.notice = ""
            self._back_off.succeeded()
        except PhoneLostError as error:
            listed = []
            self.notice = str(error)
            self._back_off.failed()
        self._silent_until_s = {
            info.serial: until_s
            for info in listed
            if info.state == "device"
            and (until_s := self._silent_until_s.get(info.serial)) is not None
        }
        self._in_vain = bool(self.notice)
        now = {info.serial: self._standing(info) for info in listed}
        reason = self.notice or (
            f"The {self._server.name} lists it no more: unplugged, or its debugging was turned off."
        )
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
            return self._phone(info.serial, DeviceState.LOST, self._reason(info.state))
        try:
            self._learn_serial(info.serial)
        except ShardloomError as error:
            return self._phone(info.serial, DeviceState.LOST, str(error))
        obstacle = self._known[info.serial].obstacle
        state = DeviceState.UNSUITABLE if obstacle else DeviceState.FOUND
        return self._phone(info.serial, state, obstacle)

    def _reason(self, state: str) -> str:
        advice = _ADVICE.get(state.partition(" ")[0], "look at the phone's screen and its cable")
        return f"The {self._server.name} says {state}: {advice}."

    def _learn_serial(self, listed_serial: str) -> None:
        if listed_serial in self._known:
            return
        if time.monotonic() < self._silent_until_s.get(listed_serial, 0.0):
            raise PhoneLostError(f"{listed_serial} does not answer.")
        link = connect_server(self._server, listed_serial)
        try:
            self._known[listed_serial] = identify(link, ANSWER_TIMEOUT_S)
        except ShardloomError:
            self._silent_until_s[listed_serial] = time.monotonic() + ASK_AGAIN_AFTER_S
            raise
        finally:
            link.close()
        self._silent_until_s.pop(listed_serial, None)

    def _phone(self, listed_serial: str, state: DeviceState, reason: str) -> FoundPhone:
        known = self._known.get(listed_serial)
        return FoundPhone(
            known.serial if known else Serial(listed_serial),
            state,
            reason,
            self._server.name,
            partial(connect_server, self._server, listed_serial),
        )


def _reached(info: AdbDeviceInfo, reach: Reach) -> bool:
    """Tell whether the server has the phone by that way: `devices -l` tags USB ones with a port."""
    by_usb = "usb" in info.tags
    return reach is Reach.ANY or by_usb is (reach is Reach.USB)
