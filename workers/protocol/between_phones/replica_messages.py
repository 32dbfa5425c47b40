"""What phones say to each other about receipts they keep, and what a host asks of that.

Between phones nothing is a question that is waited on: each message stands by itself, may be lost
and may come twice. They are taken from admitted keys that the signed list of members names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

from workers.protocol.bounds import ByteCount, Integer, Items, Octets, Text
from workers.protocol.commands import SIGNATURE_BYTES, Done, NextHop
from workers.protocol.message import Message, Reply, WorkerCommand
from workers.protocol.wire import Kind

MAXIMUM_PACKED_BYTES: Final = 4_096
MAXIMUM_PUT: Final = 16
MAXIMUM_NAMED: Final = 64
"""Records that one message names."""
MAXIMUM_MEMBERS: Final = 256
MAXIMUM_STATEMENT_BYTES: Final = 512
MAXIMUM_LISTING_BYTES: Final = 1 << 16
MAXIMUM_NODES: Final = 16
FAN_OUT: Final = 16
"""Children of a node of a tree, and records up to which a node names them all."""
SHORT_HASH_BYTES: Final = 16
MAXIMUM_LISTED: Final = 1_024

Key = Annotated[bytes, Octets(32, 32)]
RecordDigest = Annotated[bytes, Octets(32, 32)]
Packed = Annotated[bytes, Octets(1, MAXIMUM_PACKED_BYTES)]
Count = Annotated[int, Integer(0, 1 << 50)]
Statement = Annotated[bytes, Octets(1, MAXIMUM_STATEMENT_BYTES)]
Listing = Annotated[bytes, Octets(1, MAXIMUM_LISTING_BYTES)]
Signature = Annotated[bytes, Octets(SIGNATURE_BYTES, SIGNATURE_BYTES)]


class PeerMessage(Message):
    """What a phone says to another about receipts."""


class SignerRoot(NamedTuple):
    """The root over all records that a phone keeps of a signer."""

    signer: Key
    root: RecordDigest


class TreeNode(NamedTuple):
    """A node of a signer's tree by the hexadecimal digits its records begin with.

    Either all of these records (`complete`), or the hashes of its 16 children, cut short.
    """

    prefix: Annotated[str, Text(0, 63, ascii_only=True)]
    complete: bool
    hashes: Annotated[tuple[Annotated[bytes, Octets(SHORT_HASH_BYTES, 32)], ...], Items(FAN_OUT)]


@dataclass(frozen=True)
class PutRecords(PeerMessage, kind=Kind.PUT_RECORDS):
    """Keep these; `answer` where the sender wants to hear that they are on the disk."""

    records: Annotated[tuple[Packed, ...], Items(MAXIMUM_PUT, minimum=1)]
    answer: bool


@dataclass(frozen=True)
class HaveRecords(PeerMessage, kind=Kind.HAVE_RECORDS):
    """These are on the sender's disk."""

    records: Annotated[tuple[RecordDigest, ...], Items(MAXIMUM_NAMED, minimum=1)]


@dataclass(frozen=True)
class OfferRecords(PeerMessage, kind=Kind.OFFER_RECORDS):
    """The sender has these and thinks that the receiver should: it says which it has or wants."""

    signer: Key
    records: Annotated[tuple[RecordDigest, ...], Items(MAXIMUM_NAMED, minimum=1)]


@dataclass(frozen=True)
class WantRecords(PeerMessage, kind=Kind.WANT_RECORDS):
    """Put these."""

    signer: Key
    records: Annotated[tuple[RecordDigest, ...], Items(MAXIMUM_NAMED, minimum=1)]
    answer: bool
    """Whether the sender was offered them and will say that it has them."""


@dataclass(frozen=True)
class ShowRoots(PeerMessage, kind=Kind.SHOW_ROOTS):
    """What the sender keeps of signers that both keep, and which list of members it goes by."""

    number: Count
    members: RecordDigest
    roots: Annotated[tuple[SignerRoot, ...], Items(MAXIMUM_MEMBERS + 1)]


@dataclass(frozen=True)
class ShowNodes(PeerMessage, kind=Kind.SHOW_NODES):
    """Nodes of a signer's tree that differ."""

    signer: Key
    nodes: Annotated[tuple[TreeNode, ...], Items(MAXIMUM_NODES, minimum=1)]


@dataclass(frozen=True)
class TellMembers(PeerMessage, kind=Kind.TELL_MEMBERS):
    """The list of members that the sender goes by, as the host signed it."""

    statement: Statement
    signature: Signature
    listing: Listing


@dataclass(frozen=True)
class SetMembers(WorkerCommand[Done], kind=Kind.SET_MEMBERS):
    """Keep receipts with these phones; `ways` is where some of them are reached from this one."""

    statement: Statement
    signature: Signature
    listing: Listing
    ways: Annotated[tuple[NextHop, ...], Items(MAXIMUM_MEMBERS)]


@dataclass(frozen=True)
class ReplicasShown(Reply):
    """How a phone's store stands."""

    number: Count
    """Of the list of members that it goes by."""
    kept: Count
    kept_bytes: ByteCount
    owed: Count
    """Records that some phone which should have them has not acknowledged yet."""
    unstored: Count
    """Of what it published since it started: how many fewer than two phones acknowledged."""
    conflicts: Count


@dataclass(frozen=True)
class ShowReplicas(WorkerCommand[ReplicasShown], kind=Kind.SHOW_REPLICAS):
    """Say how the store of receipts stands."""


class ListedRecord(NamedTuple):
    """A record that a phone keeps."""

    signer: Key
    digest: RecordDigest


@dataclass(frozen=True)
class RecordsListed(Reply):
    """Records in order of signer and digest; `more` where others come after these."""

    records: Annotated[tuple[ListedRecord, ...], Items(MAXIMUM_LISTED)]
    more: bool


@dataclass(frozen=True)
class ListRecords(WorkerCommand[RecordsListed], kind=Kind.LIST_RECORDS):
    """Name the records kept, those after one."""

    after: ListedRecord | None


@dataclass(frozen=True)
class RecordsFetched(Reply):
    """Those of the records that are kept."""

    records: Annotated[tuple[Packed, ...], Items(MAXIMUM_NAMED)]


@dataclass(frozen=True)
class FetchRecords(WorkerCommand[RecordsFetched], kind=Kind.FETCH_RECORDS):
    """Show records, whole."""

    records: Annotated[tuple[RecordDigest, ...], Items(MAXIMUM_NAMED, minimum=1)]
