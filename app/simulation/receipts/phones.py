"""A phone that keeps receipts, and a host that signs for phones: real parts, simulated disks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from random import Random
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workers.identity.checkpoint import LogCheckpoint, signed_note
from workers.identity.receipts import ReceiptBody, canonical_bytes, sign_receipt
from workers.protocol.boundary import Boundary
from workers.protocol.chain import ChainName, Span
from workers.protocol.commands import SignedTerms
from workers.protocol.span_shape import CacheType
from workers.replicas.members import Member, Members, SignedMembers
from workers.replicas.node import ReplicaNode
from workers.replicas.records import SignedRecord

_LAYERS: Final = Span(ChainName.DECODER, 0, 8)


class SimulatedDisk:
    """Records in memory; a power cut takes what was not synced."""

    def __init__(self) -> None:
        self._records: dict[bytes, SignedRecord] = {}
        self._unsynced: list[bytes] = []

    @property
    def size_bytes(self) -> int:
        """How much lies there."""
        return sum(len(record.packed) for record in self._records.values())

    @property
    def live_bytes(self) -> int:
        """The same: nothing dead stays in memory."""
        return self.size_bytes

    def add(self, record: SignedRecord) -> None:
        """Write a record."""
        self._records[record.digest] = record
        self._unsynced.append(record.digest)

    def read(self, digest: bytes) -> bytes:
        """Return a record's bytes."""
        return self._records[digest].packed

    def drop(self, digest: bytes) -> None:
        """Let go of a record."""
        del self._records[digest]

    def records(self) -> Sequence[SignedRecord]:
        """Return all records."""
        return tuple(self._records.values())

    def sync(self) -> None:
        """Be sure of what was written."""
        self._unsynced.clear()

    def cut_power(self) -> None:
        """Lose what was not synced."""
        for digest in self._unsynced:
            self._records.pop(digest, None)
        self._unsynced.clear()

    def holds(self, digest: bytes) -> bool:
        """Tell whether a record lies there."""
        return digest in self._records


class KeepingPhone:
    """One phone: its keys, its disk, its node while it runs."""

    def __init__(self, number: int, random: Random) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(random.randbytes(32))
        self.public_key = self.key.public_key().public_bytes_raw()
        self.transport_key = f"{number:040d}"
        self.disk = SimulatedDisk()
        self.node: ReplicaNode | None = ReplicaNode(self.public_key, self.disk)
        self.sequence = 0
        self._random = random

    @property
    def member(self) -> Member:
        """How a list of members names it."""
        return Member(self.public_key.hex(), self.transport_key)

    def restart(self, signed: SignedMembers, now_s: float) -> None:
        """Begin anew with what is on the disk."""
        self.node = ReplicaNode(self.public_key, self.disk)
        self.node.set_members(signed, now_s)

    def receipt(
        self, host_key: bytes, sequence: int | None = None, nonce: str = ""
    ) -> SignedRecord:
        """Sign a receipt; with a `sequence` or a `nonce` of before it is a lie."""
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        random = self._random
        name = random.randbytes(16).hex()
        body = ReceiptBody(
            transaction=nonce or name,
            stage=0,
            serial=f"phone {self.transport_key.lstrip('0')}",
            span=f"decoder 0-8 {name[:8]}",
            graph=_digest(name),
            blocks=_LAYERS,
            input_root=random.randbytes(32).hex(),
            output_root=random.randbytes(32).hex(),
            steps=64,
            tokens=96,
            numerical_class="CPUExecutionProvider/1.32.0/aarch64 i8mm/4/" + name,
            nonce=nonce or name,
            terms=SignedTerms(_digest("r" + name), _digest("m"), host_key.hex(), 7, _digest(name)),
            shard=_digest("s"),
            sampling=_digest("sampling"),
            alternatives=8,
            boundary=Boundary.F32,
            cache=CacheType.F32,
            sequence=sequence,
            previous=random.randbytes(32).hex(),
            choices=_digest("c"),
        )
        data = canonical_bytes(body)
        return SignedRecord.of_receipt(data, sign_receipt(body, self.key), self.public_key)


class SigningHost:
    """The host's key: lists of members and heads, and more than one of either where it lies."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._key = Ed25519PrivateKey.from_private_bytes(random.randbytes(32))
        self.public_key = self._key.public_key().public_bytes_raw()
        self._number = 0
        self._met: dict[str, None] = {}

    def members(self, phones: Sequence[KeepingPhone], *, anew: bool = True) -> SignedMembers:
        """Sign a list of members; not `anew`, under the number of the one before."""
        self._number += anew
        listed = tuple(phone.member for phone in phones)
        self._met.update(dict.fromkeys(each.public_key for each in listed))
        former = tuple(self._met.keys() - {each.public_key for each in listed})
        members = Members(self.public_key.hex(), self._number, listed, tuple(sorted(former)))
        return SignedMembers.made(members, self.sign)

    def sign(self, message: bytes) -> bytes:
        """Sign whatever it is."""
        return self._key.sign(message)

    def head(self, size: int) -> SignedRecord:
        """Sign a head with a root of its own: two of one size are a lie."""
        checkpoint = LogCheckpoint(self.public_key, size, self._random.randbytes(32))
        return SignedRecord.of_head(signed_note(checkpoint, self._key))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
