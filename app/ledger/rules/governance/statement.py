"""A statement that a keeper signed: canonical JSON under a domain tag, for one ledger.

The form is closed: a field too many or too few is refused, so that nothing is signed that nobody
reads. Numbers are whole; amounts are decimal digits in a string, as in the journal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import LedgerError, reason_of
from app.ledger.entry import Fields, octets, text
from workers.errors import ReceiptError
from workers.identity.receipts import verify_signature

MOST_BYTES: Final = 16_384
_TAG: Final = "poip/v1/"


@dataclass(frozen=True)
class SignedStatement:
    """What was signed, as it was signed; `keeper` is an Ed25519 key, 32 bytes."""

    data: str
    signature: bytes
    keeper: bytes

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Return the statement in an entry or a file. Raises `LedgerError`."""
        return cls(text(fields, "data"), octets(fields, "signature", 64), octets(fields, "key", 32))

    def to_fields(self) -> dict[str, Any]:
        """Return it as an entry or a file holds it."""
        return {"data": self.data, "signature": self.signature.hex(), "key": self.keeper.hex()}

    @property
    def name(self) -> str:
        """The SHA-256 of what was signed, hexadecimal."""
        return hashlib.sha256(self.data.encode()).hexdigest()

    def read(self, kind: str, host_key: bytes, names: Collection[str]) -> Fields:
        """Return what it says of that kind, which has fields of these names and no others.

        Raises `LedgerError` where it is malformed, of another ledger or not signed so.
        """
        fields = _parsed(self.data)
        if text(fields, "type") != _TAG + kind:
            raise LedgerError("statement.other_type", wanted=kind)
        if fields.keys() != {"type", "ledger", *names}:
            raise LedgerError("statement.other_fields", names=tuple(sorted(names)))
        if text(fields, "ledger") != host_key.hex():
            raise LedgerError("statement.other_ledger")
        try:
            verify_signature(_message(kind, self.data), self.signature, self.keeper)
        except ReceiptError as error:
            raise LedgerError("statement.not_signed", reason=reason_of(error)) from None
        return fields


def sign_statement(
    kind: str, host_key: bytes, fields: Mapping[str, Any], key: Ed25519PrivateKey
) -> SignedStatement:
    """Return a statement to that ledger, signed. Raises `LedgerError` for what is not JSON."""
    whole = {**fields, "type": _TAG + kind, "ledger": host_key.hex()}
    try:
        data = rfc8785.dumps(whole).decode()
    except ValueError as error:
        raise LedgerError("journal.cannot_hold", reason=str(error)) from None
    public = key.public_key().public_bytes_raw()
    return SignedStatement(data, key.sign(_message(kind, data)), public)


def _message(kind: str, data: str) -> bytes:
    return f"{_TAG}{kind}\0".encode() + data.encode()


def _parsed(data: str) -> Fields:
    if len(data.encode(errors="replace")) > MOST_BYTES:
        raise LedgerError("statement.too_long", most=MOST_BYTES)
    try:
        fields = json.loads(data)
        canonical = rfc8785.dumps(fields).decode()
    except (ValueError, RecursionError):
        raise LedgerError("statement.no_json") from None
    if not isinstance(fields, dict) or canonical != data:
        raise LedgerError("statement.no_json")
    return fields
