"""From a code or a QR code to a phone that is paired, connected and known by its serial number."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.devices.adb.keys import HostKey
from app.devices.condition.probe import read_serial
from app.devices.errors import PairingError
from app.devices.links.pairing import check_code, pair
from app.devices.links.tcp_link import connect_tcp
from app.devices.wireless.network_browser import AdvertisedService, NetworkBrowser
from app.devices.wireless.paired_phones import PairedPhones
from app.devices.wireless.progress import PairedPhone, PairingStep
from app.devices.wireless.qr_text import PairingRequest
from app.devices.wireless.service_types import ServiceType

ADVERTISED_WITHIN_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 5.0
_GIVEN_UP_WITHIN_S: Final = 0.25


class Pairer:
    """Pairs this computer; the browser must look for pairing windows and TLS ports.

    `tell` is called with each step, on the caller's thread. Setting `given_up` ends the waiting for
    a phone that reads a QR code.
    """

    def __init__(
        self,
        key: HostKey,
        phones: PairedPhones,
        browser: NetworkBrowser,
        tell: Callable[[PairingStep], None] = lambda _: None,
        given_up: threading.Event | None = None,
    ) -> None:
        self._key = key
        self._phones = phones
        self._browser = browser
        self._tell = tell
        self._given_up = given_up or threading.Event()

    def by_code(self, address: str, code: str) -> PairedPhone:
        """Pair with the phone that shows this address and code.

        Raises `BadInputError`, `PhoneLostError` or `PairingError` with what to do.
        """
        return self._paired(address, check_code(code))

    def by_qr(self, request: PairingRequest, timeout_s: float) -> PairedPhone:
        """Wait until a phone has read the QR code, then pair with it. Raises as `by_code` does."""
        self._tell(PairingStep.READING)
        window = self._window(request.service_name, timeout_s)
        if self._given_up.is_set():
            raise PairingError("pairing.cancelled")
        if window is None:
            raise PairingError("pairing.qr_code_unread", time_s=timeout_s)
        return self._paired(window.address, request.password)

    def _window(self, name: str, timeout_s: float) -> AdvertisedService | None:
        deadline_s = time.monotonic() + timeout_s
        while not self._given_up.is_set() and (left_s := deadline_s - time.monotonic()) > 0:
            patience_s = min(left_s, _GIVEN_UP_WITHIN_S)
            window = self._browser.wait_for(ServiceType.PAIRING, name, patience_s)
            if window is not None:
                return window
        return None

    def _paired(self, address: str, secret: str) -> PairedPhone:
        self._tell(PairingStep.AGREEING)
        guid = pair(address, secret, self._key)
        self._phones.remember(guid)
        self._tell(PairingStep.LOOKING)
        port = self._browser.wait_for(ServiceType.SECURE, guid, ADVERTISED_WITHIN_S)
        if port is None:
            return PairedPhone(guid, None, None, Fact("pairing.unadvertised"))
        self._phones.remember(guid, port.address)
        self._tell(PairingStep.CONNECTING)
        try:
            link = connect_tcp(port.address, self._key)
            try:
                serial = read_serial(link, ANSWER_TIMEOUT_S)
            finally:
                link.close()
        except ShardloomError as error:
            return PairedPhone(guid, port.address, None, error.fact)
        return PairedPhone(guid, port.address, serial)
