"""What phones keep for each other: receipts, and what the host signed: heads and lists.

A record is deflated. Its digest is of kind, signer and signed bytes, never of the signature.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import Final, Self

from workers.errors import ReceiptError
from workers.identity.checkpoint import LogCheckpoint
from workers.identity.receipts import ReceiptBody, read_receipt, verify_receipt
from workers.protocol.between_phones.replica_messages import MAXIMUM_PACKED_BYTES
from workers.protocol.commands import (
    MAXIMUM_NOTE_CHARACTERS,
    MAXIMUM_RECEIPT_BYTES,
    SIGNATURE_BYTES,
)
from workers.replicas.members import ListStatement, SignedMembers

RECEIPT: Final = 1
HEAD: Final = 2
LIST: Final = 3
_TAG: Final = b"poip/v1/record\0"
_KEY_BYTES: Final = 32
_HEADER_BYTES: Final = 1 + _KEY_BYTES
_LEVEL: Final = 9
_MOST_BYTES: Final = _HEADER_BYTES + SIGNATURE_BYTES + MAXIMUM_RECEIPT_BYTES
_UNTOLD: Final = frozenset({"sequence", "previous"})
"""What tells one signature of a receipt from the next, and is no statement about the work."""


@dataclass(frozen=True)
class SignedRecord:
    """One signed statement, and what it may contradict."""

    kind: int
    signer: bytes
    sequence: int
    """The receipt's number, of which a key gives each once; a list's number, a head's size."""
    opening: str
    """Which opening of which stage it is about; empty of a head."""
    content: bytes
    """Of what it states; two statements on one opening agree in it."""
    digest: bytes
    packed: bytes
    host_key: bytes
    """Whose ledger it is about."""

    @classmethod
    def of_receipt(cls, data: bytes, signature: bytes, signer: bytes) -> Self:
        """Return a receipt as a record, not checked here. Raises `ReceiptError`."""
        return cls._receipt(
            data, signer, _packed(RECEIPT, signer, signature, data), read_receipt(data)
        )

    @classmethod
    def of_head(cls, note: str) -> Self:
        """Return a head that its host signed. Raises `ReceiptError`."""
        checkpoint = LogCheckpoint.read(note)
        body = checkpoint.body.encode()
        signer = checkpoint.log_key
        packed = _packed(HEAD, signer, b"", note.encode())
        digest = _digest(HEAD, signer, body)
        content = hashlib.sha256(body).digest()
        return cls(HEAD, signer, checkpoint.size, "", content, digest, packed, signer)

    @classmethod
    def of_members(cls, signed: SignedMembers) -> Self:
        """Return what a host signed of a list of members."""
        members = signed.members
        signer, data = bytes.fromhex(members.host_key), members.statement
        packed = _packed(LIST, signer, signed.signature, data)
        return cls._list(signer, members.number, data, packed)

    @classmethod
    def _list(cls, signer: bytes, number: int, data: bytes, packed: bytes) -> Self:
        content = hashlib.sha256(data).digest()
        return cls(LIST, signer, number, "", content, _digest(LIST, signer, data), packed, signer)

    @classmethod
    def read(cls, packed: bytes, *, checked: bool = True) -> Self:
        """Return a record as it came. Raises `ReceiptError` unless all about it holds.

        Signatures are not looked at where not `checked`: what lies on the phone's own disk was.
        """
        whole = _inflated(packed)
        kind, signer, rest = whole[0], whole[1:_HEADER_BYTES], whole[_HEADER_BYTES:]
        if kind == HEAD and len(rest) <= MAXIMUM_NOTE_CHARACTERS:
            return cls._read_head(signer, rest)
        signature, data = rest[:SIGNATURE_BYTES], rest[SIGNATURE_BYTES:]
        if kind == LIST:
            statement = ListStatement.read(data, signature)
            if statement.host_key != signer.hex():
                raise ReceiptError("record.odd")
            return cls._list(signer, statement.number, data, packed)
        if kind != RECEIPT:
            raise ReceiptError("record.odd")
        body = verify_receipt(data, signature, signer) if checked else read_receipt(data)
        return cls._receipt(data, signer, packed, body)

    @classmethod
    def _read_head(cls, signer: bytes, note: bytes) -> Self:
        try:
            record = cls.of_head(note.decode())
        except UnicodeDecodeError:
            raise ReceiptError("record.odd") from None
        if record.signer != signer:
            raise ReceiptError("record.odd")
        return record

    @classmethod
    def _receipt(cls, data: bytes, signer: bytes, packed: bytes, body: ReceiptBody) -> Self:
        stated = {name: value for name, value in json.loads(data).items() if name not in _UNTOLD}
        content = hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).digest()
        opening = f"{body.transaction}\n{body.stage}\n{body.nonce}"
        digest = _digest(RECEIPT, signer, data)
        host_key = bytes.fromhex(body.terms.host_key)
        return cls(RECEIPT, signer, body.sequence, opening, content, digest, packed, host_key)

    @property
    def is_receipt(self) -> bool:
        """Whether it is a phone's receipt."""
        return self.kind == RECEIPT

    @property
    def kind_name(self) -> str:
        """What it is: `receipt`, `head` or `list`."""
        return {RECEIPT: "receipt", HEAD: "head", LIST: "list"}[self.kind]

    @property
    def number(self) -> tuple[int, int]:
        """What of its kind it is: a signer signs each once."""
        return self.kind, self.sequence

    def contradicts(self, other: SignedRecord) -> bool:
        """Tell whether both together prove that their signer lied, by two signatures alone.

        An honest phone gives a number once and states one thing about an opening, whose nonce it
        drew itself; an honest host signs one root for a size and one list for a number.
        """
        if (self.kind, self.signer) != (other.kind, other.signer) or self.digest == other.digest:
            return False
        if self.sequence == other.sequence:
            return True
        return (
            bool(self.opening) and self.opening == other.opening and self.content != other.content
        )

    def signed(self) -> tuple[bytes, bytes]:
        """Return what was signed and the signature; of a head the whole note, and nothing."""
        rest = _inflated(self.packed)[_HEADER_BYTES:]
        return (
            (rest, b"") if self.kind == HEAD else (rest[SIGNATURE_BYTES:], rest[:SIGNATURE_BYTES])
        )


def receipt_digest(data: bytes, signer: bytes) -> bytes:
    """Return by what name phones keep a receipt."""
    return _digest(RECEIPT, signer, data)


def _digest(kind: int, signer: bytes, data: bytes) -> bytes:
    return hashlib.sha256(_TAG + bytes([kind]) + signer + data).digest()


def _packed(kind: int, signer: bytes, signature: bytes, data: bytes) -> bytes:
    packed = zlib.compress(bytes([kind]) + signer + signature + data, _LEVEL)
    if len(packed) > MAXIMUM_PACKED_BYTES:
        raise ReceiptError("receipt.too_large")
    return packed


def _inflated(packed: bytes) -> bytes:
    """Return the bytes of a record, no more than one may have. Raises `ReceiptError`."""
    inflate = zlib.decompressobj()
    try:
        whole = inflate.decompress(packed, _MOST_BYTES + 1)
    except zlib.error:
        raise ReceiptError("record.odd") from None
    if not inflate.eof or inflate.unused_data or not _HEADER_BYTES < len(whole) <= _MOST_BYTES:
        raise ReceiptError("record.odd")
    return whole
