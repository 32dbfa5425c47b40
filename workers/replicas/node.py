"""One phone's part in keeping receipts: messages in, messages out, and no clock of its own.

What a phone signs goes to its three keepers at once, and to the next in order while fewer than two
of them answer. Keepers compare trees with each other every few seconds and exchange what differs.
Who holds a record that is not its to keep owes it to those whose it is, and lets go of it then.
Nothing is answered before it is on the disk: whoever runs a node syncs that, then sends.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from workers.protocol.between_phones.replica_messages import (
    MAXIMUM_PUT,
    HaveRecords,
    OfferRecords,
    PeerMessage,
    PutRecords,
    ShowNodes,
    ShowRoots,
    TellMembers,
    WantRecords,
)
from workers.replicas.allowance import CHECK_BYTES, Allowances
from workers.replicas.comparing import TreeComparison
from workers.replicas.debts import Debts
from workers.replicas.keeping import MOST_BYTES, RecordDisk, RecordShelves
from workers.replicas.members import REPLICAS, STORED_AT, Placement, SignedMembers
from workers.replicas.records import SignedRecord

COMPARE_INTERVAL_S: Final = 8.0
STAND_IN_AFTER_S: Final = 5.0
MOST_STAND_INS: Final = 3
MOST_PUT_AT_ONCE: Final = 512
"""Records that one message of another phone is answered with; the rest differs again later."""


class ReplicaNode:
    """The records of one ledger on one phone, and what is said about them."""

    def __init__(self, own_key: bytes, disk: RecordDisk) -> None:
        """`own_key` is the phone's Ed25519 key (32 bytes). Raises `OSError`."""
        self._own_key = own_key
        self.kept = RecordShelves(disk)
        self._signed: SignedMembers | None = None
        self._placement: Placement | None = None
        self._own_transport = ""
        self._debts = Debts()
        self._acknowledged: dict[bytes, set[str]] = {}
        """Of records that others are to keep: who said that it does."""
        self._unstored: dict[bytes, tuple[float, int]] = {}
        """Of own records that too few have: since when, and how many stand-ins were asked."""
        self._outbox: list[tuple[str, PeerMessage]] = []
        self._allowances = Allowances()
        self._compare_s = 0.0

    @property
    def members(self) -> SignedMembers | None:
        """The list of members that is gone by."""
        return self._signed

    @property
    def owed(self) -> int:
        """How many records somebody should have and has not acknowledged."""
        return len(self._debts)

    @property
    def unstored(self) -> int:
        """How many of this phone's records fewer than two others acknowledged."""
        return len(self._unstored)

    def is_stored(self, digest: bytes) -> bool:
        """Tell whether two others acknowledged a record that was published here."""
        return digest not in self._unstored

    def outgoing(self) -> list[tuple[str, PeerMessage]]:
        """Return what is to be sent, by transport key, once the disk was synced."""
        sent, self._outbox = self._outbox, []
        return sent

    def set_members(self, signed: SignedMembers, now_s: float) -> None:
        """Go by another list, where it is the same host's and newer than the one gone by.

        What the host signed of it is kept either way. Raises `OSError` where the disk fails.
        """
        before = self._signed
        if before is not None:
            if signed.members.host_key != before.members.host_key:
                return
            if signed.members.number <= before.members.number:
                self.publish(SignedRecord.of_members(signed), now_s, at_once=False)
                return
        self._signed, self._placement = signed, Placement(signed.members)
        self._own_transport = self._placement.transport.get(self._own_key, "")
        self._allowances.keep_only(frozenset(self._placement.key_of))
        self._compare_s = now_s
        self._owe_anew(now_s)
        self.publish(SignedRecord.of_members(signed), now_s, at_once=False)

    def publish(self, record: SignedRecord, now_s: float, *, at_once: bool = True) -> None:
        """Give a record to those who are to keep it; what is not urgent is offered to them first.

        Raises `OSError` where the disk fails.
        """
        if self.kept.has(record.signer, record.digest):
            return
        self._forget(self.kept.add(record))
        if not self.kept.has(record.signer, record.digest) or self._keeps(record.signer):
            return
        self._acknowledged[record.digest] = set()
        if record.signer == self._own_key:
            self._unstored[record.digest] = now_s, 0
        for phone in self._keepers(record.signer):
            if at_once:
                self._outbox.append((phone, PutRecords((record.packed,), answer=True)))
            self._debts.owe(phone, record.digest, record.signer, now_s, sent=at_once)

    def take(self, sender: str, message: PeerMessage, now_s: float) -> None:
        """Take a message of another phone's, named by its transport key.

        Raises `ReceiptError` for one that no honest phone sends, `OSError` where the disk fails.
        """
        if self._signed is None or self._placement is None:
            return
        if sender not in self._placement.key_of and not isinstance(message, TellMembers):
            return
        if not self._allowances.may(sender, now_s):
            return
        before = len(self._outbox)
        self._allowances.charge(sender, _cost_of(message))
        self._debts.heard(sender, now_s)
        self._answer(sender, message, now_s)
        self._allowances.charge(sender, sum(_size_of(each) for _, each in self._outbox[before:]))

    def tick(self, now_s: float) -> None:
        """Do what is due: offers made again, stand-ins asked, trees compared."""
        self._ask_stand_ins(now_s)
        for phone, signer, digests in self._debts.due(now_s):
            self._outbox.append((phone, OfferRecords(signer, digests)))
        if self._signed is not None and now_s >= self._compare_s:
            self._compare_s = now_s + COMPARE_INTERVAL_S
            trees = self._trees()
            self._outbox += [
                (phone, trees.roots(self._signed, phone)) for phone in trees.partners()
            ]

    def _answer(self, sender: str, message: PeerMessage, now_s: float) -> None:
        match message:
            case TellMembers():
                self.set_members(_signed(message), now_s)
            case PutRecords():
                self._take_records(sender, message, now_s)
            case HaveRecords():
                for digest in message.records:
                    self._acknowledge(sender, digest)
            case OfferRecords():
                self._answer_offer(sender, message)
            case WantRecords():
                self._put(sender, message.signer, message.records, answer=message.answer)
            case ShowRoots():
                self._compare_members(sender, message)
                self._outbox += [
                    (sender, each) for each in self._trees().differing(sender, message)
                ]
            case ShowNodes():
                found = self._trees().compared(sender, message)
                self._outbox += [(sender, each) for each in found.messages]
                self._put(sender, message.signer, found.to_put, answer=False)

    def _take_records(self, sender: str, message: PutRecords, now_s: float) -> None:
        have = []
        for packed in message.records:
            record = SignedRecord.read(packed)
            if self._may_keep(record):
                known = self.kept.has(record.signer, record.digest)
                self._forget(self.kept.add(record))
                if self.kept.has(record.signer, record.digest):
                    have.append(record.digest)
                    if not known and not self._keeps(record.signer):
                        self._hand_on(record.signer, record.digest, now_s, but=sender)
        if have and message.answer:
            self._outbox.append((sender, HaveRecords(tuple(have))))

    def _may_keep(self, record: SignedRecord) -> bool:
        """Tell whether a record is of this ledger and a phone of it, and there is room."""
        if self._placement is None:
            return False
        own_ledger = record.host_key.hex() == self._placement.members.host_key
        known = record.signer in self._placement.signers
        return known and own_ledger and self.kept.live_bytes < MOST_BYTES

    def _acknowledge(self, phone: str, digest: bytes) -> None:
        acknowledged = self._acknowledged.get(digest)
        if acknowledged is None or not self._debts.settle(phone, digest):
            return
        acknowledged.add(phone)
        if len(acknowledged) >= STORED_AT:
            self._unstored.pop(digest, None)
        signer = self._signer_of(digest)
        keepers = self._keepers(signer) if signer is not None else ()
        if signer is not None and len(keepers) == REPLICAS and acknowledged.issuperset(keepers):
            self._forget([digest])
            self.kept.drop(signer, digest)

    def _answer_offer(self, sender: str, message: OfferRecords) -> None:
        shelf = self.kept.shelf(message.signer)
        have = tuple(each for each in message.records if each in shelf)
        lacking = tuple(each for each in message.records if each not in shelf)
        if have:
            self._outbox.append((sender, HaveRecords(have)))
        if lacking:
            self._outbox.append((sender, WantRecords(message.signer, lacking, answer=True)))

    def _put(self, phone: str, signer: bytes, digests: Iterable[bytes], *, answer: bool) -> None:
        shelf = self.kept.shelf(signer)
        kept = sorted({each for each in digests if each in shelf}, key=shelf.order)
        del kept[MOST_PUT_AT_ONCE:]
        for first in range(0, len(kept), MAXIMUM_PUT):
            packed = tuple(map(self.kept.read, kept[first : first + MAXIMUM_PUT]))
            self._outbox.append((phone, PutRecords(packed, answer=answer)))

    def _compare_members(self, sender: str, message: ShowRoots) -> None:
        if self._signed is None:
            return
        own = self._signed.members
        if message.number < own.number or (
            message.number == own.number and message.members != own.digest
        ):
            told = TellMembers(own.statement, self._signed.signature, own.listing)
            self._outbox.append((sender, told))
        elif message.number > own.number:
            self._outbox.append((sender, ShowRoots(own.number, own.digest, ())))

    def _ask_stand_ins(self, now_s: float) -> None:
        """Ask one phone more to keep what the keepers do not acknowledge."""
        order = self._placement.order(self._own_key) if self._placement else ()
        for digest, (since_s, asked) in list(self._unstored.items()):
            if asked == MOST_STAND_INS or now_s - since_s < STAND_IN_AFTER_S * (asked + 1):
                continue
            self._unstored[digest] = since_s, asked + 1
            for phone in order[REPLICAS + asked : REPLICAS + asked + 1]:
                packed = self.kept.read(digest)
                self._outbox.append((phone, PutRecords((packed,), answer=True)))
                self._debts.owe(phone, digest, self._own_key, now_s)

    def _hand_on(self, signer: bytes, digest: bytes, now_s: float, but: str = "") -> None:
        """Owe a record to its keepers, who may have it already; the signer sent it to them too."""
        self._acknowledged.setdefault(digest, set())
        for phone in self._keepers(signer):
            if phone != but:
                self._debts.owe(phone, digest, signer, now_s)
        if but in self._keepers(signer):
            self._acknowledged[digest].add(but)

    def _owe_anew(self, now_s: float) -> None:
        """Owe what lies here and is others' to keep by the list of members gone by now."""
        self._debts.clear()
        known, self._acknowledged = self._acknowledged, {}
        for signer in self.kept.signers:
            if self._keeps(signer):
                continue
            for digest in self.kept.shelf(signer).digests:
                self._acknowledged[digest] = known.get(digest, set())
                for phone in self._keepers(signer):
                    if phone not in self._acknowledged[digest]:
                        self._debts.owe(phone, digest, signer, now_s, sent=False)
                if signer == self._own_key and len(self._acknowledged[digest]) < STORED_AT:
                    self._unstored.setdefault(digest, (now_s, 0))

    def _forget(self, digests: Iterable[bytes]) -> None:
        for digest in digests:
            self._debts.forgive(digest)
            self._acknowledged.pop(digest, None)
            self._unstored.pop(digest, None)

    def _signer_of(self, digest: bytes) -> bytes | None:
        return next((each for each in self.kept.signers if self.kept.has(each, digest)), None)

    def _keepers(self, signer: bytes) -> tuple[str, ...]:
        return self._placement.keepers(signer) if self._placement else ()

    def _keeps(self, signer: bytes) -> bool:
        return self._own_transport in self._keepers(signer)

    def _trees(self) -> TreeComparison:
        if self._placement is None:
            raise AssertionError
        return TreeComparison(self.kept, self._placement, self._own_transport)


def _signed(message: TellMembers) -> SignedMembers:
    return SignedMembers.read(message.statement, message.signature, message.listing)


def _cost_of(message: PeerMessage) -> int:
    match message:
        case PutRecords():
            return CHECK_BYTES * len(message.records)
        case TellMembers():
            return len(message.listing)
    return CHECK_BYTES // 8


def _size_of(message: PeerMessage) -> int:
    if isinstance(message, PutRecords):
        return sum(map(len, message.records))
    return CHECK_BYTES
