"""The paired phones that advertise themselves on the network, wherever they are now."""

from __future__ import annotations

from collections.abc import Callable, Container
from concurrent.futures import Executor

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.devices.adb.keys import HostKey
from app.devices.discovery.address_watch import AddressWatch
from app.devices.discovery.found_phone import FoundPhone, Watch
from app.devices.wireless.network_browser import NetworkBrowser
from app.devices.wireless.paired_phones import PairedPhones
from app.devices.wireless.service_types import ServiceType


class NetworkWatch(Watch):
    """One `AddressWatch` for each paired phone, moved when the phone's address changes.

    A phone of somebody else is never connected: that would raise a question on its screen.
    """

    def __init__(
        self,
        key: HostKey,
        paired: PairedPhones,
        interface: str | None = None,
        changed: Callable[[], None] = lambda: None,
        only: Container[str] | None = None,
    ) -> None:
        """Look on every interface, or on the one with that address.

        `only` are the GUIDs that belong to the rack, where not every paired phone does.
        """
        super().__init__(changed)
        self._only = only
        self._key = key
        self._paired = paired
        self._phones: dict[str, tuple[str, AddressWatch]] = {}
        self._browser: NetworkBrowser | None = None
        try:
            self._browser = NetworkBrowser((ServiceType.SECURE,), interface, changed)
        except BadInputError as error:
            self.notice = error.fact

    @property
    def phones(self) -> tuple[FoundPhone, ...]:
        """Every paired phone whose address is known."""
        return tuple(phone for _, watch in tuple(self._phones.values()) for phone in watch.phones)

    @property
    def _unanswered(self) -> Fact:
        return Fact("network.unanswered")

    @property
    def _nothing(self) -> Fact:
        return Fact("network.empty")

    def start(self, pool: Executor) -> None:
        """Look again at each phone, each in a thread of its own."""
        self._look()
        for _, watch in self._phones.values():
            watch.start(pool)

    def wait(self, timeout_s: float) -> None:
        """Wait for each phone as `Watch` does."""
        for _, watch in self._phones.values():
            watch.wait(timeout_s)

    def close(self) -> None:
        """Let go of every phone."""
        self._closed = True
        if self._browser is not None:
            self._browser.close()
        for _, watch in self._phones.values():
            watch.close()

    def _look(self) -> None:
        if self._browser is None or self._closed:
            return
        advertised = {service.instance: service.address for service in self._browser.services}
        try:
            paired = self._paired.addresses()
        except BadInputError as error:
            self.notice = error.fact
            return
        for guid, last_address in paired.items():
            address = advertised.get(guid) or last_address
            if address and (self._only is None or guid in self._only):
                self._watch(guid, address)
                self._paired.remember(guid, address)
        strangers = len(advertised.keys() - paired.keys())
        invites = strangers and self._only is None
        self.notice = Fact("network.strangers", count=strangers) if invites else None

    def _watch(self, guid: str, address: str) -> None:
        known = self._phones.get(guid)
        if known is not None and known[0] == address:
            return
        if known is not None:
            known[1].close()
        self._phones[guid] = (address, AddressWatch(address, self._key, self._changed))
