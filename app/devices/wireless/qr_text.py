"""The text in a pairing QR code: `WIFI:T:ADB;S:<service name>;P:<password>;;`.

Android reads it under Developer options > Wireless debugging > Pair device with QR code, opens a
pairing window with that password and advertises it by that name.
"""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass
from typing import Final

from app.core.errors import BadInputError

_ALPHABET: Final = string.ascii_letters + string.digits
_NAME_LETTERS: Final = 10
_PASSWORD_LETTERS: Final = 12
_TEXT: Final = re.compile(r"WIFI:T:ADB;S:([A-Za-z0-9_-]{1,63});P:([A-Za-z0-9]{1,64});;")


@dataclass(frozen=True)
class PairingRequest:
    """What a QR code asks of a phone."""

    service_name: str
    password: str

    @property
    def text(self) -> str:
        """What the QR code says."""
        return f"WIFI:T:ADB;S:{self.service_name};P:{self.password};;"


def new_request() -> PairingRequest:
    """Return a request that nobody else can answer."""
    return PairingRequest(f"shardloom-{_random(_NAME_LETTERS)}", _random(_PASSWORD_LETTERS))


def read_qr_text(text: str) -> PairingRequest:
    """Read what `PairingRequest.text` wrote. Raises `BadInputError`."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise BadInputError("pairing.odd_qr_code")
    return PairingRequest(*found.groups())


def _random(letters: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(letters))
