"""A virtual phone's wireless debugging: its keys, its TLS context, its pairing window."""

from __future__ import annotations

import asyncio
import secrets
import string
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from OpenSSL import SSL

from app.core.errors import BadInputError
from app.devices.wireless.identity import identity_of, load_or_create_key, peer_context
from app.devices.wireless.qr_text import read_qr_text
from app.devices.wireless.service_types import ServiceType
from app.virtual.adbd.authentication import TrustedKeys
from app.virtual.adbd.pairing_server import PairingServer
from app.virtual.radio.advertisement import advertised

_SUFFIX_LETTERS = string.ascii_letters
_SUFFIX_LENGTH = 6


class WirelessDebugging:
    """What Android keeps under Developer options > Wireless debugging."""

    def __init__(self, serial: str, folder: Path, keys: TrustedKeys) -> None:
        self._keys = keys
        self._identity = identity_of(load_or_create_key(folder / "tls_key.pem"))
        self.guid = f"adb-{serial}-{_suffix(folder / 'guid_suffix')}"

    def context(self) -> SSL.Context:
        """Return what only paired computers come through."""
        return peer_context(self._identity, self._is_paired)

    def open_window(self) -> tuple[str, PairingServer]:
        """Open a window with a new code of six digits; return both."""
        code = f"{secrets.randbelow(10**6):06}"
        return code, self._server(code)

    def scan(self, text: str) -> tuple[str, PairingServer]:
        """Open the window that a QR code asks for; return the name to advertise it by.

        Raises `BadInputError` where the text is no pairing QR code.
        """
        asked = read_qr_text(text)
        return asked.service_name, self._server(asked.password)

    async def advertise(self, port: int) -> None:
        """Advertise the port for paired computers until cancelled. Raises `OSError`."""
        async with advertised(ServiceType.SECURE, self.guid, port):
            await asyncio.Event().wait()

    async def run_window(self, server: PairingServer, name: str) -> None:
        """Serve the window until it closes, advertised meanwhile. Raises `OSError`."""
        closed = asyncio.Event()

        async def serve() -> None:
            try:
                await server.run()
            finally:
                closed.set()

        async def advertise() -> None:
            async with advertised(ServiceType.PAIRING, name, server.port):
                await closed.wait()

        for error in await asyncio.gather(serve(), advertise(), return_exceptions=True):
            if isinstance(error, BaseException):
                raise error

    def _server(self, secret: str) -> PairingServer:
        return PairingServer(self._identity, self.guid, secret, self._keys.add)

    def _is_paired(self, key: rsa.RSAPublicKey) -> bool:
        return self._keys.knows(key)


def _suffix(path: Path) -> str:
    """Return the letters that a phone draws once, and keeps."""
    if not path.exists():
        path.write_text("".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(_SUFFIX_LENGTH)))
    suffix = path.read_text()
    if len(suffix) != _SUFFIX_LENGTH or not suffix.isalpha():
        raise BadInputError("virtual_phone.file_damaged", name=path.name)
    return suffix
