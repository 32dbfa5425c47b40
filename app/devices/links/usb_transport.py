"""adb-shell's USB transport with whole writes, and libusb's errors in words.

adb-shell's own loses the reason of a failure and takes a short write for a whole one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import usb1
from adb_shell.exceptions import UsbReadFailedError, UsbWriteFailedError
from adb_shell.transport.base_transport import BaseTransport

from app.core.errors import PhoneLostError
from app.devices.errors import PhoneBusyError, PhoneSilentError

_WAKE_EVERY_S: Final = 0.25
"""How often a thread that waits for the phone looks whether it may still wait."""
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (
        usb1.USBErrorBusy,
        "another program holds it: leave it to its adb server, or type `adb kill-server`",
    ),
    (
        usb1.USBErrorAccess,
        "this user may not use it: install android-sdk-platform-tools-common, plug it in again",
    ),
    (usb1.USBErrorNoDevice, "it was unplugged"),
    (usb1.USBErrorIO, "it was unplugged"),
    (usb1.USBErrorTimeout, "it does not answer"),
)


class UsbTransport(BaseTransport):  # type: ignore[misc] # adb-shell has no types
    """One phone on USB. Everything raises `PhoneLostError` with what to do."""

    def __init__(self, wires: BaseTransport, name: str) -> None:
        """`wires` is adb-shell's transport, or what behaves like it."""
        self._wires = wires
        self._name = name
        self._reading = threading.Lock()
        self._closing = False

    def connect(self, transport_timeout_s: float | None) -> None:
        """Claim the phone's ADB interface."""
        self._closing = False
        self._tried(lambda: self._wires.connect(transport_timeout_s))

    def close(self) -> None:
        """Let go of the interface, once nobody reads from it."""
        self._closing = True
        with self._reading:
            self._wires.close()

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None) -> bytes:
        """Return at most that many bytes of one transfer; without a timeout wait for ever."""
        if transport_timeout_s is not None:
            return bytes(self._tried(lambda: self._read(numbytes, transport_timeout_s)))
        while True:
            try:
                return bytes(self._tried(lambda: self._read(numbytes, _WAKE_EVERY_S)))
            except PhoneSilentError:
                continue

    def _read(self, numbytes: int, timeout_s: float) -> bytes:
        with self._reading:
            if self._closing:
                raise usb1.USBErrorNoDevice
            return bytes(self._wires.bulk_read(numbytes, timeout_s))

    def bulk_write(self, data: bytes, transport_timeout_s: float | None) -> int:
        """Send all of the bytes."""
        sent_bytes = 0
        while sent_bytes < len(data):
            rest = data[sent_bytes:]
            taken = self._tried(partial(self._wires.bulk_write, rest, transport_timeout_s))
            if not taken:
                raise PhoneLostError(f"{self._name}: it takes no more data.")
            sent_bytes += taken
        return sent_bytes

    def _tried(self, action: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the action returns
        try:
            return action()
        except (UsbReadFailedError, UsbWriteFailedError) as error:
            closed = self._closing  # by another thread that has seen the phone go
            raise self._lost(usb1.USBErrorNoDevice() if closed else _cause(error)) from None
        except usb1.USBError as error:
            raise self._lost(error) from None

    def _lost(self, error: Exception) -> PhoneLostError:
        reason = next((text for kind, text in _REASONS if isinstance(error, kind)), str(error))
        kinds = {usb1.USBErrorTimeout: PhoneSilentError, usb1.USBErrorBusy: PhoneBusyError}
        return kinds.get(type(error), PhoneLostError)(f"{self._name}: {reason}.")


def _cause(error: Exception) -> Exception:
    """Return libusb's own error, which adb-shell gives as the last argument of its errors."""
    last = error.args[-1] if error.args else None
    return last if isinstance(last, Exception) else error
