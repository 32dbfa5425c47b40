"""Which phones keep receipts together, signed by the host, and which of them keep whose.

Whose receipts a phone keeps follows from the list alone, by rendezvous hashing (Thaler and
Ravishankar, 1998): each member has a weight for each signer, and the heaviest three keep what it
signs. All that a key signs lies with the same phones, so that what contradicts itself meets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated, Any, Final, NamedTuple, Self

import rfc8785

from workers.errors import ReceiptError
from workers.identity.receipts import verify_signature
from workers.protocol.between_phones.replica_messages import MAXIMUM_LISTING_BYTES, MAXIMUM_MEMBERS
from workers.protocol.bounds import Digest, FieldError, Form, Integer, Items, read_fields
from workers.protocol.commands import CurveKey
from workers.protocol.forms import field_forms

REPLICAS: Final = 3
STORED_AT: Final = 2
"""Phones besides the signer that have to acknowledge a record before it counts as stored."""
MEMBERS_DOMAIN: Final = b"poip/v1/members\0"
_WEIGHT_TAG: Final = b"poip/v1/rendezvous\0"


class Member(NamedTuple):
    """A phone: its Ed25519 key in hexadecimal and its CURVE key (Z85)."""

    public_key: Annotated[str, Digest()]
    transport_key: CurveKey


@dataclass(frozen=True)
class Members:
    """The phones of a host's ledger. Of two lists the one with the higher number holds."""

    host_key: Annotated[str, Digest()]
    number: Annotated[int, Integer(1, (1 << 53) - 1)]
    members: Annotated[tuple[Member, ...], Items(MAXIMUM_MEMBERS)]
    former: Annotated[tuple[Annotated[str, Digest()], ...], Items(MAXIMUM_MEMBERS)] = ()
    """Keys that sign no more, or whose phones are away: what they signed is kept all the same."""

    @property
    def signers(self) -> tuple[bytes, ...]:
        """Those whose records are kept: the host, members and former ones."""
        keys = (self.host_key, *(each.public_key for each in self.members), *self.former)
        return tuple(map(bytes.fromhex, keys))

    @cached_property
    def listing(self) -> bytes:
        """The canonical JSON (RFC 8785) of who is on it."""
        listed = {"members": [list(each) for each in self.members], "former": list(self.former)}
        return rfc8785.dumps(listed)  # type: ignore[arg-type]

    @cached_property
    def statement(self) -> bytes:
        """The canonical JSON that is signed: two of one number prove that the host lied."""
        return ListStatement(self.host_key, self.number, self.digest.hex()).data

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the listing."""
        return hashlib.sha256(self.listing).digest()


@dataclass(frozen=True)
class ListStatement:
    """What a host signs of a list; short, so that it can be kept and shown by itself."""

    host_key: Annotated[str, Digest()]
    number: Annotated[int, Integer(1, (1 << 53) - 1)]
    listing: Annotated[str, Digest()]

    @property
    def data(self) -> bytes:
        """The bytes that are signed, without the domain tag."""
        return rfc8785.dumps(vars(self))

    @classmethod
    def read(cls, data: bytes, signature: bytes) -> Self:
        """Return a statement that its host signed, in canonical form. Raises `ReceiptError`."""
        statement = cls(*_fields(data, _STATEMENT_FORMS))
        verify_signature(MEMBERS_DOMAIN + data, signature, bytes.fromhex(statement.host_key))
        if statement.data != data:
            raise ReceiptError("receipt.not_canonical")
        return statement


@dataclass(frozen=True)
class SignedMembers:
    """A list that its host signed."""

    members: Members
    signature: bytes

    @classmethod
    def read(cls, statement: bytes, signature: bytes, listing: bytes) -> Self:
        """Return a list whose host signed it, in canonical form. Raises `ReceiptError`."""
        told = ListStatement.read(statement, signature)
        members = Members(told.host_key, told.number, *_fields(listing, _LISTING_FORMS))
        _refuse_twice(members)
        if members.listing != listing or members.digest.hex() != told.listing:
            raise ReceiptError("receipt.not_canonical")
        return cls(members, signature)

    @classmethod
    def made(cls, members: Members, sign: Callable[[bytes], bytes]) -> Self:
        """Return a list, signed by its host."""
        return cls(members, sign(MEMBERS_DOMAIN + members.statement))


class Placement:
    """Who keeps whose receipts, by one list of members."""

    def __init__(self, members: Members) -> None:
        self.members = members
        self.transport = {
            bytes.fromhex(each.public_key): each.transport_key for each in members.members
        }
        self.signers = frozenset(members.signers)
        self.key_of = {transport: key for key, transport in self.transport.items()}
        self._order = lru_cache(maxsize=4 * MAXIMUM_MEMBERS)(self._ordered)

    def order(self, signer: bytes) -> tuple[str, ...]:
        """Return the transport keys of members but the signer's own, the first to keep first."""
        return self._order(signer)

    def keepers(self, signer: bytes) -> tuple[str, ...]:
        """Return the transport keys of those who keep what the signer signs."""
        return self._order(signer)[:REPLICAS]

    def _ordered(self, signer: bytes) -> tuple[str, ...]:
        others = [
            (weight(key, signer), transport)
            for key, transport in self.transport.items()
            if key != signer
        ]
        return tuple(transport for _, transport in sorted(others, reverse=True))


def weight(member: bytes, signer: bytes) -> bytes:
    """Return how much a member (32-byte key) is to keep what a signer signs; more is greater."""
    return hashlib.sha256(_WEIGHT_TAG + member + signer).digest()


_STATEMENT_FORMS: Final = field_forms(ListStatement)
_LISTING_FORMS: Final = {
    name: form for name, form in field_forms(Members).items() if name in ("members", "former")
}


def _fields(data: bytes, forms: dict[str, Form]) -> list[Any]:
    if len(data) > MAXIMUM_LISTING_BYTES:
        raise ReceiptError("receipt.too_large")
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise ReceiptError("receipt.no_json") from None
    if not isinstance(content, dict):
        raise ReceiptError("receipt.other_fields")
    try:
        return read_fields(forms, content)
    except FieldError as error:
        raise ReceiptError(error.reason, **dict(error.fields)) from None


def _refuse_twice(members: Members) -> None:
    for keys in zip(*members.members, strict=True):
        if len({*keys}) != len(keys):
            raise ReceiptError("members.twice")
