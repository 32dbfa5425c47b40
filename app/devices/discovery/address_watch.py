"""One network address and the phone that may be there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from app.core.device import DeviceState
from app.core.errors import PhoneLostError, PhoneUnauthorizedError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.adb.keys import HostKey
from app.devices.adb.link import PhoneLink
from app.devices.back_off import MAXIMUM_PAUSE_S, BackOff
from app.devices.condition.identify import identify
from app.devices.discovery.found_phone import FoundPhone, Watch
from app.devices.errors import PhoneBusyError
from app.devices.links.adb_link import AdbLink
from app.devices.links.session_source import CONNECT_TIMEOUT_S, unauthorized
from app.devices.links.tcp_link import TcpSource, connect_tcp, is_loopback, split_address

SIGN_OF_LIFE_EVERY_S: Final = 5.0
SILENCE_LIMIT_S: Final = 3.5
"""How long the phone's system may leave the connection unacknowledged before it counts as gone."""
LOOPBACK_PAUSE_S: Final = 0.3
"""The longest pause between tries at an address of this computer, which refuses at once."""
OWNER_GRACE_S: Final = 0.5
"""A phone that accepts this computer by itself has done so by then."""
OWNER_DECIDES_WITHIN_S: Final = 60.0
"""How long the question on the phone stays open before the connection is made anew."""


class AddressWatch(Watch):
    """Keeps one ADB connection to an address, for nothing but to know how the phone stands."""

    def __init__(
        self, address: str, key: HostKey, changed: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(changed)
        self._address = address
        self._key = key
        self._serial = Serial(address)
        self._source = TcpSource(address, SILENCE_LIMIT_S)
        self._connected = False
        self._connections = 0
        self._alive_at_s = 0.0
        self._asking = threading.Event()
        near = is_loopback(split_address(address)[0])
        self._back_off = BackOff(LOOPBACK_PAUSE_S if near else MAXIMUM_PAUSE_S)
        self._boot = ""
        self._obstacle: Fact | None = None
        self._standing: tuple[DeviceState, Fact | None] = (
            DeviceState.LOST,
            Fact("phone.silent_at", address=address),
        )

    @property
    def phones(self) -> tuple[FoundPhone, ...]:
        """The phone at the address, whatever its state."""
        state, reason = self._standing
        transport, connections = self._source.transport, self._connections
        return (
            FoundPhone(
                self._serial, state, reason, transport, self._connect, connections, self._boot
            ),
        )

    def wait(self, timeout_s: float) -> None:
        """Wait until the look has ended or has nothing to do but wait for the phone's owner."""
        if self._asking.is_set() or self._settled.wait(max(min(timeout_s, OWNER_GRACE_S), 0.0)):
            return
        if not self._asking.is_set():
            super().wait(timeout_s - OWNER_GRACE_S)

    def close(self) -> None:
        """Let go of the phone."""
        self._closed = True
        self._source.close()

    def _is_due(self) -> bool:
        if not self._connected:
            return self._back_off.is_due
        return not self._source.is_connected() or self._is_silent()

    def _is_silent(self) -> bool:
        return time.monotonic() - self._alive_at_s > SIGN_OF_LIFE_EVERY_S

    def _look(self) -> None:
        try:
            if not self._connected or not self._source.is_connected():
                self._open()
            elif self._is_silent():
                self._source.open("sync:", CONNECT_TIMEOUT_S).close()
                self._alive_at_s = time.monotonic()
            state = DeviceState.UNSUITABLE if self._obstacle else DeviceState.FOUND
            self._standing = (state, self._obstacle)
            self._in_vain = False
            self._back_off.succeeded()
        except PhoneUnauthorizedError as error:
            self._drop(DeviceState.UNAUTHORIZED, error)
        except PhoneBusyError as error:
            self._drop(DeviceState.BUSY, error)
        except ShardloomError as error:
            self._drop(DeviceState.LOST, error)

    def _open(self) -> None:
        self._connected = False
        try:
            self._source.connect(self._key, OWNER_DECIDES_WITHIN_S, self._owner_is_asked)
        finally:
            self._asking.clear()
        told = identify(AdbLink(self._source), CONNECT_TIMEOUT_S)
        self._serial, self._obstacle, self._boot = told.serial, told.obstacle, told.boot
        self._alive_at_s = time.monotonic()
        self._connections += 1
        self._connected = True

    def _owner_is_asked(self) -> None:
        self._standing = (DeviceState.UNAUTHORIZED, unauthorized(self._source.transport).fact)
        self._asking.set()
        self._tell_news()
        if self._closed:
            raise PhoneLostError("phone.unwatched", address=self._address)

    def _drop(self, state: DeviceState, error: ShardloomError) -> None:
        self._source.close()
        self._connected = False
        self._in_vain = True
        self._back_off.failed()
        self._standing = (state, error.fact)

    def _connect(self) -> PhoneLink:
        return connect_tcp(self._address, self._key)
