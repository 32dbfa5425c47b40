"""Heads of a ledger as witnesses sign them: checkpoints, signed notes, cosignatures.

After C2SP: tlog-checkpoint (origin, size, root), signed-note (lines of signatures) and
tlog-cosignature (`cosignature/v1`). A log's name ends in its own public key, a witness's likewise,
so that whoever holds a note can check it with nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workers.errors import ReceiptError
from workers.identity.merkle import HASH_BYTES
from workers.identity.receipts import verify_signature
from workers.protocol.commands import MAXIMUM_NOTE_CHARACTERS

_LOG_NAME: Final = "shardloom.ledger/"
_WITNESS_NAME: Final = "shardloom.phone/"
_NOTE_TYPE: Final = b"\x01"
_COSIGNATURE_TYPE: Final = b"\x04"
_KEY_HASH_BYTES: Final = 4
_TIME_BYTES: Final = 8
_NAME = re.compile(r"[a-z.]+/([0-9a-f]{64})")
_SIZE = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class LogCheckpoint:
    """What a log was at one moment: its key (32 bytes), its size and the root over that."""

    log_key: bytes
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """The text that is signed: origin, size and root, a line each."""
        return f"{log_name(self.log_key)}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def read(cls, note: str) -> Self:
        """Return the checkpoint of a note whose log signed it. Raises `ReceiptError` otherwise."""
        body, separator, signatures = note.partition("\n\n")
        lines = f"{body}\n".splitlines(keepends=True)
        if len(note) > MAXIMUM_NOTE_CHARACTERS or not separator or len(lines) != 3:
            raise ReceiptError("checkpoint.of_another_form")
        origin, size, root = (line.rstrip("\n") for line in lines)
        if not _SIZE.fullmatch(size):
            raise ReceiptError("checkpoint.odd_size")
        read = cls(_key_in(origin, _LOG_NAME), int(size), _decoded(root, HASH_BYTES))
        if read.body != f"{body}\n":
            raise ReceiptError("checkpoint.not_canonical")
        line = signatures.split("\n", maxsplit=1)[0]
        signature = _signature_in(line, origin, _NOTE_TYPE, read.log_key)
        verify_signature(read.body.encode(), signature, read.log_key)
        return read


def log_name(key: bytes) -> str:
    """Return the origin of the ledger with that public key (32 bytes)."""
    return f"{_LOG_NAME}{key.hex()}"


def signed_note(checkpoint: LogCheckpoint, key: Ed25519PrivateKey) -> str:
    """Return the checkpoint as a note signed by its log."""
    signature = key.sign(checkpoint.body.encode())
    line = _line(log_name(checkpoint.log_key), _NOTE_TYPE, checkpoint.log_key, signature)
    return f"{checkpoint.body}\n{line}\n"


def cosigned(checkpoint: LogCheckpoint, key: Ed25519PrivateKey, time_s: int) -> str:
    """Return the line by which a witness says that it saw no other history, without an end."""
    public = key.public_key().public_bytes_raw()
    signature = key.sign(_cosigned_text(checkpoint, time_s))
    stamped = time_s.to_bytes(_TIME_BYTES, "big") + signature
    return _line(f"{_WITNESS_NAME}{public.hex()}", _COSIGNATURE_TYPE, public, stamped)


def check_cosignature(checkpoint: LogCheckpoint, line: str, witness_key: bytes) -> int:
    """Return the second since 1970 at which a witness says it signed.

    Raises `ReceiptError` where the line is not that witness's, about that checkpoint.
    """
    name = f"{_WITNESS_NAME}{witness_key.hex()}"
    stamped = _signature_in(line, name, _COSIGNATURE_TYPE, witness_key, _TIME_BYTES)
    time_s = int.from_bytes(stamped[:_TIME_BYTES], "big")
    verify_signature(_cosigned_text(checkpoint, time_s), stamped[_TIME_BYTES:], witness_key)
    return time_s


def _cosigned_text(checkpoint: LogCheckpoint, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{checkpoint.body}".encode()


def _key_hash(name: str, kind: bytes, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + kind + key).digest()[:_KEY_HASH_BYTES]


def _line(name: str, kind: bytes, key: bytes, signature: bytes) -> str:
    signed = _key_hash(name, kind, key) + signature
    return f"— {name} {base64.b64encode(signed).decode()}"


def _signature_in(line: str, name: str, kind: bytes, key: bytes, extra_bytes: int = 0) -> bytes:
    start = f"— {name} "
    if not line.startswith(start):
        raise ReceiptError("note.of_another_name")
    signed = _decoded(line.removeprefix(start), _KEY_HASH_BYTES + extra_bytes + 64)
    if signed[:_KEY_HASH_BYTES] != _key_hash(name, kind, key):
        raise ReceiptError("note.of_another_key")
    return signed[_KEY_HASH_BYTES:]


def _key_in(name: str, kind: str) -> bytes:
    match = _NAME.fullmatch(name)
    if match is None or not name.startswith(kind):
        raise ReceiptError("checkpoint.of_no_ledger")
    return bytes.fromhex(match.group(1))


def _decoded(text: str, length: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ReceiptError("note.no_base64") from None
    if len(data) != length or base64.b64encode(data).decode() != text:
        raise ReceiptError("note.of_another_size", found=len(data), wanted=length)
    return data
