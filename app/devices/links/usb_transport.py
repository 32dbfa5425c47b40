"""adb-shell's USB transport with whole writes, and libusb's errors told apart.

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

from app.core.errors import PhoneLostError, reason_of
from app.devices.errors import PhoneBusyError, PhoneSilentError

_WAKE_EVERY_S: Final = 0.25
"""How often a thread that waits for the phone looks whether it may still wait."""
_FAILURES: Final[tuple[tuple[type[Exception], type[PhoneLostError], str], ...]] = (
    (usb1.USBErrorBusy, PhoneBusyError, "usb.held"),
    (usb1.USBErrorAccess, PhoneLostError, "usb.forbidden"),
    (usb1.USBErrorNoDevice, PhoneLostError, "usb.unplugged"),
    (usb1.USBErrorIO, PhoneLostError, "usb.unplugged"),
    (usb1.USBErrorTimeout, PhoneSilentError, "usb.silent"),
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
                raise PhoneLostError("usb.takes_nothing", phone=self._name)
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
        for kind, failure, code in _FAILURES:
            if isinstance(error, kind):
                return failure(code, phone=self._name)
        return PhoneLostError("usb.failed", phone=self._name, reason=reason_of(error))


def _cause(error: Exception) -> Exception:
    """Return libusb's own error, which adb-shell gives as the last argument of its errors."""
    last = error.args[-1] if error.args else None
    return last if isinstance(last, Exception) else error
