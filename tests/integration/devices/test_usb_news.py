"""USB hot-plug through something that behaves as libusb does; no cable takes part."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest
import usb1

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.devices.discovery import usb_watch
from app.devices.discovery.usb_watch import UsbWatch
from app.devices.links.usb_link import UsbPhone
from app.devices.links.usb_news import UsbNews
from tests.integration.devices.rack import key, until


class Library:
    """Tells events to whoever registered, on the thread that handles them, until interrupted."""

    def __init__(self, *, has_hotplug: bool = True) -> None:
        self._has_hotplug = has_hotplug
        self._events: queue.Queue[bool] = queue.Queue()
        self._callback: Callable[..., bool] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._callback = None

    def hasCapability(self, capability: int) -> bool:  # noqa: N802 - the library's name
        return self._has_hotplug and capability == usb1.CAP_HAS_HOTPLUG

    def hotplugRegisterCallback(  # noqa: N802 - the library's name
        self, callback: Callable[..., bool], flags: int
    ) -> None:
        assert flags == 0
        self._callback = callback

    def handleEventsTimeout(self, timeout_s: float) -> None:  # noqa: N802 - the library's name
        with suppress(queue.Empty):
            if self._events.get(timeout=timeout_s) and self._callback is not None:
                assert self._callback(self, None, 1) is False, "it would forget the callback"

    def interruptEventHandler(self) -> None:  # noqa: N802 - the library's name
        self._events.put(False)

    def plug(self) -> None:
        self._events.put(True)


def test_a_change_of_the_cables_is_told_at_once_and_listening_ends() -> None:
    library, heard = Library(), threading.Semaphore(0)
    news = UsbNews(heard.release, lambda: library)
    until(lambda: news.is_listening)
    for _ in range(2):
        library.plug()
        assert heard.acquire(timeout=60)
    news.close()
    assert not news.is_listening


@pytest.mark.parametrize("failure", [OSError("no libusb"), usb1.USBErrorOther()])
def test_without_the_library_nothing_is_heard_and_nothing_fails(failure: Exception) -> None:
    def refuse() -> Library:
        raise failure

    news = UsbNews(lambda: None, refuse)
    news.close()
    assert not news.is_listening


def test_a_library_without_hot_plug_is_known_by_its_word() -> None:
    news = UsbNews(lambda: None, lambda: Library(has_hotplug=False))
    news.close()
    assert not news.is_listening


def test_cables_are_listed_when_there_is_news_or_it_was_long_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usb_watch, "LIST_EVERY_S", 1e9)
    without_news = Library(has_hotplug=False)
    monkeypatch.setattr(usb_watch, "UsbNews", lambda hear: UsbNews(hear, lambda: without_news))
    serial, looks = Serial("NEWS-1"), []

    def listed() -> list[UsbPhone]:
        looks.append(1)
        return [UsbPhone(serial, None)]

    watch = UsbWatch(key(tmp_path), lambda: False, listed)
    try:
        assert watch._is_due()
        watch._look()
        assert not watch._is_due()
        watch._hear()
        assert watch._is_due()
        watch._look()
        assert [(phone.serial, phone.state) for phone in watch.phones] == [
            (serial, DeviceState.FOUND)
        ]
        assert len(looks) == 2
        monkeypatch.setattr(usb_watch, "LIST_EVERY_S", 0.0)
        until(watch._is_due)
    finally:
        watch.close()
