"""A whole rack that signs, loses two phones at one moment and heals: what that takes, counted."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from app.simulation.receipts.air import Air
from app.simulation.receipts.phones import KeepingPhone, SigningHost
from workers.replicas.members import Placement, SignedMembers
from workers.replicas.records import SignedRecord

SETTLE_S: Final = 60.0
SIGNED_A_SECOND: Final = 8.0
_STEP_S: Final = 0.25


@dataclass(frozen=True)
class RackLoss:
    """What came of it; times in virtual seconds, traffic with CURVE, ZeroMQ and TCP around it."""

    phones: int
    receipts: int
    stored: int
    """Receipts that two phones had acknowledged when two were lost."""
    lost: int
    """Of these, on no disk that is left."""
    stored_after_s: float
    """How long it took at most until a receipt counted as stored, to a tick."""
    healed_s: float
    """From the host's word on who is left until three phones had each receipt again."""
    returned_s: float
    """From the return of a phone that was away until it had all that it keeps."""
    bytes_a_receipt: float
    """All that was sent while receipts were signed, for each of them."""
    healing_bytes: int
    idle_bytes_per_second: float
    """What a phone sends where nothing is signed."""


def lose_two_of(phones: int, receipts: int, seed: int) -> RackLoss:
    """Let a rack sign, lose two phones at the worst moment, heal; then let one be away."""
    return _Rack(phones, seed).play(receipts)


class _Rack:
    def __init__(self, count: int, seed: int) -> None:
        self._random = random = Random(seed)  # noqa: S311 - chance that repeats, no secret
        self._host = SigningHost(random)
        self._phones = [KeepingPhone(number, random) for number in range(count)]
        self._air = Air(self._phones, random)
        self._signed = self._host.members(self._phones)
        self._records: list[SignedRecord] = []
        self._slowest_s = 0.0

    def play(self, receipts: int) -> RackLoss:
        """Do all of it."""
        count = len(self._phones)
        self._tell(self._signed)
        self._air.run(SETTLE_S)
        before = self._air.sent_bytes
        self._air.run(SETTLE_S)
        idle = (self._air.sent_bytes - before) / SETTLE_S / count
        before = self._air.sent_bytes
        self._sign(receipts)
        signing_bytes = self._air.sent_bytes - before
        stored = [each for each in self._records if self._is_stored(each)]
        self._lose_two()
        lost = [each for each in stored if not self._holders(each)]
        before = self._air.sent_bytes
        healed_s = self._until_even()
        healing_bytes = self._air.sent_bytes - before
        return RackLoss(
            phones=count,
            receipts=receipts,
            stored=len(stored),
            lost=len(lost),
            stored_after_s=self._slowest_s,
            healed_s=healed_s,
            returned_s=self._away_and_back(receipts),
            bytes_a_receipt=signing_bytes / receipts,
            healing_bytes=healing_bytes,
            idle_bytes_per_second=idle,
        )

    def _sign(self, receipts: int) -> None:
        """Let phones in turn sign, and wait until the last one counts as stored."""
        waiting: dict[bytes, float] = {}
        for place in range(receipts):
            phone = self._phones[place % len(self._phones)]
            if phone.node is not None:
                record = phone.receipt(self._host.public_key)
                phone.node.publish(record, self._air.now_s)
                self._air.flush(phone)
                self._records.append(record)
                waiting[record.digest] = self._air.now_s
            self._air.run(1.0 / SIGNED_A_SECOND)
            self._note_stored(waiting)
        while waiting and self._air.now_s < SETTLE_S * 10:
            self._air.run(_STEP_S)
            self._note_stored(waiting)

    def _note_stored(self, waiting: dict[bytes, float]) -> None:
        for record in self._records:
            if record.digest in waiting and self._is_stored(record):
                after_s = self._air.now_s - waiting.pop(record.digest)
                self._slowest_s = max(self._slowest_s, after_s)

    def _is_stored(self, record: SignedRecord) -> bool:
        signer = next(each for each in self._phones if each.public_key == record.signer)
        return signer.node is not None and signer.node.is_stored(record.digest)

    def _lose_two(self) -> None:
        """Lose two keepers of the newest receipt, disks and all."""
        keepers = Placement(self._signed.members).keepers(self._records[-1].signer)
        gone = [each for each in self._phones if each.transport_key in keepers[:2]]
        for phone in gone:
            phone.node = None
            self._phones.remove(phone)
        self._signed = self._host.members(self._phones)
        self._tell(self._signed)

    def _away_and_back(self, receipts: int) -> float:
        """Let one phone be away while others sign; return how long it takes to make up for it."""
        away = self._phones[0]
        away.node = None
        self._sign(receipts // 4)
        away.restart(self._signed, self._air.now_s)
        return self._until_even()

    def _until_even(self) -> float:
        begin_s = self._air.now_s
        while self._air.now_s < begin_s + SETTLE_S and not self._is_even():
            self._air.run(_STEP_S)
        return self._air.now_s - begin_s

    def _is_even(self) -> bool:
        placement = Placement(self._signed.members)
        disks = {phone.transport_key: phone.disk for phone in self._phones}
        return all(
            disks[keeper].holds(record.digest)
            for record in self._records
            for keeper in placement.keepers(record.signer)
        )

    def _holders(self, record: SignedRecord) -> list[KeepingPhone]:
        return [phone for phone in self._phones if phone.disk.holds(record.digest)]

    def _tell(self, signed: SignedMembers) -> None:
        for phone in self._phones:
            if phone.node is not None:
                phone.node.set_members(signed, self._air.now_s)
                self._air.flush(phone)
