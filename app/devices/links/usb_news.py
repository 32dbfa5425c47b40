"""USB hot-plug: libusb's own news that something was plugged in or out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import usb1

_LIBRARY_FAILURES: Final = (usb1.USBError, OSError)
_WAKE_S: Final = 10.0
"""How long libusb waits at a time; `close` interrupts it."""


class UsbNews:
    """Calls `changed`, on a thread of its own, at every change of the cables, where libusb can."""

    def __init__(
        self, changed: Callable[[], None], open_context: Callable[[], Any] = usb1.USBContext
    ) -> None:
        """`open_context` opens libusb, or what behaves like it."""
        self._changed = changed
        self._open_context = open_context
        self._context: Any = None
        self._closing = threading.Event()
        self.is_listening = False
        self._thread = threading.Thread(target=self._run, name="usb-news", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more and wait for the thread."""
        self._closing.set()
        while self._thread.is_alive():
            context = self._context
            if context is not None:
                with suppress(*_LIBRARY_FAILURES):
                    context.interruptEventHandler()
            self._thread.join(0.05)

    def _run(self) -> None:
        with suppress(*_LIBRARY_FAILURES), self._open_context() as context:
            if not context.hasCapability(usb1.CAP_HAS_HOTPLUG):
                return
            context.hotplugRegisterCallback(self._hear, flags=0)
            self._context, self.is_listening = context, True
            try:
                while not self._closing.is_set():
                    context.handleEventsTimeout(_WAKE_S)
            finally:
                self._context, self.is_listening = None, False

    def _hear(self, *_: object) -> bool:
        """Return false: libusb keeps the callback."""
        self._changed()
        return False
