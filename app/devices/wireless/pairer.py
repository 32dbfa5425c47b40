"""From a code or a QR code to a phone that is paired, connected and known by its serial number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.core.errors import ShardloomError
from app.core.identifiers import Serial
from app.devices.errors import PairingError
from app.devices.keys import HostKey
from app.devices.probe import read_serial
from app.devices.tcp_link import connect_tcp
from app.devices.wireless.network_browser import NetworkBrowser
from app.devices.wireless.paired_phones import PairedPhones
from app.devices.wireless.pairing import check_code, pair
from app.devices.wireless.qr_text import PairingRequest
from app.devices.wireless.service_types import ServiceType

ADVERTISED_WITHIN_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True)
class PairedPhone:
    """A paired phone; `serial` and `address` are None where it could not be connected at once."""

    guid: str
    address: str | None
    serial: Serial | None
    reason: str = ""


class Pairer:
    """Pairs this computer; the browser must look for pairing windows and TLS ports."""

    def __init__(self, key: HostKey, phones: PairedPhones, browser: NetworkBrowser) -> None:
        self._key = key
        self._phones = phones
        self._browser = browser

    def by_code(self, address: str, code: str) -> PairedPhone:
        """Pair with the phone that shows this address and code.

        Raises `BadInputError`, `PhoneLostError` or `PairingError` with what to do.
        """
        return self._paired(address, check_code(code))

    def by_qr(self, request: PairingRequest, timeout_s: float) -> PairedPhone:
        """Wait until a phone has read the QR code, then pair with it. Raises as `by_code` does."""
        window = self._browser.wait_for(ServiceType.PAIRING, request.service_name, timeout_s)
        if window is None:
            raise PairingError(
                f"No phone read the QR code within {timeout_s:.0f} seconds: phone and computer "
                "must be on the same network, and the network must pass multicast."
            )
        return self._paired(window.address, request.password)

    def _paired(self, address: str, secret: str) -> PairedPhone:
        guid = pair(address, secret, self._key)
        self._phones.remember(guid)
        port = self._browser.wait_for(ServiceType.SECURE, guid, ADVERTISED_WITHIN_S)
        if port is None:
            reason = "it does not advertise its port; take the address that the phone shows"
            return PairedPhone(guid, None, None, reason)
        self._phones.remember(guid, port.address)
        try:
            link = connect_tcp(port.address, self._key)
            try:
                serial = read_serial(link, ANSWER_TIMEOUT_S)
            finally:
                link.close()
        except ShardloomError as error:
            return PairedPhone(guid, port.address, None, str(error))
        return PairedPhone(guid, port.address, serial)
