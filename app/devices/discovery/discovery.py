"""Which phones a rack has now: every address and adb server watched, each phone told once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from app.core.facts import Fact
from app.devices.adb.adb_server import AdbServer
from app.devices.adb.keys import HostKey
from app.devices.discovery.address_watch import AddressWatch
from app.devices.discovery.found_phone import FoundPhone, Watch
from app.devices.discovery.network_watch import NetworkWatch
from app.devices.discovery.phone_sources import PhoneSources, Reach
from app.devices.discovery.server_watch import ServerWatch
from app.devices.discovery.twins import Twins
from app.devices.discovery.usb_watch import UsbWatch
from app.devices.wireless.paired_phones import PairedPhones

ANSWER_LIMIT_S: Final = 3.5
"""A phone that does not answer in this time counts as lost until it does.

Half a second more than an adb server is given, whose own silence is then told too.
"""
LATER_THREADS: Final = 16
"""Phones paired or added later that are looked at together; more wait for their turn."""
HEAD_START_S: Final = 0.01
"""How long the first look at one phone goes on before the next begins: all at the same moment would
keep everybody else in this process from computing, a window too."""


class Discovery:
    """Looks for the phones of a rack; `look` is cheap enough for a few times a second.

    Servers, cables and the network tell their news by themselves; addresses are tried. A phone that
    is connected is not connected again: its socket is looked at, and every few seconds it is asked
    for a sign of life. A phone seen in several ways, such as by two adb servers or by one and at an
    address, is told once, and two phones that claim one serial number are two; servers come first
    (the phone's owner may use it at the same time).
    """

    def __init__(
        self,
        definition: PhoneSources,
        key: HostKey,
        addresses: Iterable[str] = (),
        paired: PairedPhones | None = None,
        interface: str | None = None,
    ) -> None:
        """Watch what the definition names and more addresses, such as a virtual rack's.

        Where the definition takes in the network, paired phones are found by what they advertise,
        on every interface or on the one with that address.
        """
        self._news = threading.Event()
        self._twins = Twins()
        self._listener: Callable[[], None] = lambda: None
        servers = [
            ServerWatch(AdbServer(host, port), definition.reach, self.tell)
            for host, port in dict.fromkeys(definition.servers)
        ]
        every = dict.fromkeys((*definition.addresses, *addresses))
        self._watches: list[Watch] = [
            *servers,
            *(AddressWatch(text, key, self.tell) for text in every),
        ]
        if definition.reach is Reach.USB:
            is_served = partial(_is_any_serving, servers)
            self._watches.append(UsbWatch(key, is_served, changed=self.tell))
        if definition.network and paired is not None:
            self._watches.append(NetworkWatch(key, paired, interface, self.tell))
        threads = len(self._watches) + LATER_THREADS
        self._pool = ThreadPoolExecutor(threads, "discovery")

    def listen(self, listener: Callable[[], None]) -> None:
        """Call the listener, on some other thread, whenever there is news; one listener at most."""
        self._listener = listener

    def tell(self) -> None:
        """Say that there is news."""
        self._news.set()
        self._listener()

    def try_out(self, watch: Watch, timeout_s: float) -> tuple[FoundPhone, ...]:
        """Look once at something that is not watched yet; return the phones there. Blocking."""
        watch.start(self._pool)
        watch.wait(timeout_s)
        return watch.phones

    def add(self, watch: Watch) -> None:
        """Watch something more from now on."""
        self._watches = [*self._watches, watch]
        self.tell()

    def wait_for_news(self, timeout_s: float) -> bool:
        """Wait until there is news; tell whether that came before the time."""
        heard = self._news.wait(timeout_s)
        self._news.clear()
        return heard

    def look(self) -> tuple[FoundPhone, ...]:
        """Return every phone as it is known now, and begin to look where something may be new."""
        for watch in self._watches:
            watch.start(self._pool)
        return self._phones

    def poll(self) -> tuple[FoundPhone, ...]:
        """Look, wait for `ANSWER_LIMIT_S` at most, and return every phone; never raises for one.

        Phones that must first accept this computer are told at once; the question stays open on
        the phone, and the phone is found as soon as it is answered.
        """
        deadline_s = time.monotonic() + ANSWER_LIMIT_S
        for watch in self._watches:
            watch.start(self._pool)
            watch.wait(HEAD_START_S)
        for watch in self._watches:
            watch.wait(deadline_s - time.monotonic())
        return self._phones

    @property
    def _phones(self) -> tuple[FoundPhone, ...]:
        return self._twins.one_each(phone for watch in self._watches for phone in watch.phones)

    @property
    def notices(self) -> tuple[Fact, ...]:
        """What the operator should know besides, such as a silent adb server."""
        return tuple(notice for watch in self._watches if (notice := watch.notice))

    @property
    def account(self) -> tuple[Fact, ...]:
        """Where phones were looked for and what each place answered, once each."""
        return tuple(dict.fromkeys(fact for watch in self._watches for fact in watch.account))

    @property
    def oddities(self) -> tuple[Fact, ...]:
        """The same of places where something is there and does not answer as it should."""
        odd = (watch for watch in self._watches if watch.notice and not watch.is_absent)
        return tuple(dict.fromkeys(fact for watch in odd for fact in watch.account))

    def close(self) -> None:
        """Let go of every phone, wake whoever waits for news, and wait for the threads."""
        self._listener = lambda: None
        self._news.set()
        for watch in self._watches:
            watch.close()
        self._pool.shutdown(cancel_futures=True)


def _is_any_serving(servers: list[ServerWatch]) -> bool:
    return any(server.is_serving for server in servers)
