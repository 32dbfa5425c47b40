"""What phones keep beside what the journal holds: receipts, and what contradicts itself.

Pure: who asks phones hands in what they listed and showed, checked by signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.core.identifiers import Serial
from app.ledger.views.discrepancy_rows import (
    ContradictionRow,
    Discrepancies,
    ReceiptRow,
    SignedText,
)
from workers.errors import ReceiptError
from workers.identity.receipts import read_receipt
from workers.replicas.members import STORED_AT
from workers.replicas.records import SignedRecord, receipt_digest

MOST_ROWS: Final = 1_000
"""Rows of a kind that are told; how many there are in all is told besides."""


@dataclass(frozen=True)
class JournalReceipt:
    """A receipt of the journal: its entry, and what it says of itself."""

    entry: int
    signer: bytes
    digest: bytes
    sequence: int
    transaction: str
    stage: int
    serial: str

    @classmethod
    def read(cls, entry: int, data: str, signer: bytes) -> JournalReceipt | None:
        """Return a receipt as it stands in an entry; None for a form that phones do not keep."""
        try:
            body = read_receipt(data)
        except ReceiptError:
            return None
        digest = receipt_digest(data.encode(), signer)
        told = (body.sequence, body.transaction, body.stage, body.serial)
        return cls(entry, signer, digest, *told)


@dataclass
class PhoneHoldings:
    """Which phones keep which records, by digest."""

    signers: dict[bytes, bytes] = field(default_factory=dict)
    phones: dict[bytes, list[Serial]] = field(default_factory=dict)

    def note(self, phone: Serial, signer: bytes, digest: bytes) -> None:
        """Note that a phone listed a record."""
        self.signers[digest] = signer
        self.phones.setdefault(digest, []).append(phone)


def compare(
    journal: Iterable[JournalReceipt],
    holdings: PhoneHoldings,
    shown: Mapping[bytes, SignedRecord],
    asked: tuple[Serial, ...],
    silent: tuple[Serial, ...],
    serials: Mapping[bytes, str],
    lies: tuple[ContradictionRow, ...] = (),
) -> Discrepancies:
    """Compare; `shown` are the records that the journal lacks, checked, `serials` whose keys are.

    `lies` are what `contradictions` found.
    """
    known = {each.digest: each for each in journal}
    kept = holdings.phones
    floors = _floors(known, kept)
    missed = [each for each in known.values() if each.digest not in kept]
    lost = [each for each in missed if each.sequence >= floors.get(each.signer, 1 << 60)]
    extra = [each for each in shown.values() if each.is_receipt and each.digest not in known]
    return Discrepancies(
        asked=asked,
        silent=silent,
        receipts=len(known),
        stored=sum(len(kept.get(digest, ())) >= STORED_AT for digest in known),
        only_phones=tuple(_kept_row(each, kept, serials) for each in extra[:MOST_ROWS]),
        only_phones_count=len(extra),
        only_journal=tuple(_journal_row(each) for each in lost[:MOST_ROWS]),
        only_journal_count=len(lost),
        thin=sum(len(kept.get(digest, ())) == 1 for digest in known),
        older=len(missed) - len(lost),
        contradictions=lies,
        unreadable=len(kept.keys() - known.keys() - shown.keys()),
    )


def contradictions(
    records: Iterable[SignedRecord], serials: Mapping[bytes, str]
) -> tuple[ContradictionRow, ...]:
    """Return each pair of records that contradict each other; at most `MOST_ROWS`."""
    by_slot: dict[tuple[bytes, object], list[SignedRecord]] = {}
    for record in records:
        slots: list[object] = [record.number]
        if record.opening:
            slots.append(record.opening)
        for slot in slots:
            by_slot.setdefault((record.signer, slot), []).append(record)
    pairs = {
        (min(one.digest, two.digest), max(one.digest, two.digest)): (one, two)
        for group in by_slot.values()
        for place, one in enumerate(group)
        for two in group[place + 1 :]
        if one.contradicts(two)
    }
    return tuple(_contradiction(*pair, serials) for pair in list(pairs.values())[:MOST_ROWS])


def rivals(
    journal: Iterable[JournalReceipt], records: Iterable[SignedRecord]
) -> list[JournalReceipt]:
    """Return the journal's receipts of the same number or stage as one of the records."""
    numbers, stages = set[tuple[bytes, int]](), set[tuple[bytes, str, int]]()
    for record in records:
        if record.is_receipt:
            transaction, stage, _ = record.opening.split("\n")
            numbers.add((record.signer, record.sequence))
            stages.add((record.signer, transaction, int(stage)))
    return [
        each
        for each in journal
        if (each.signer, each.sequence) in numbers
        or (each.signer, each.transaction, each.stage) in stages
    ]


def _floors(
    known: Mapping[bytes, JournalReceipt], kept: Mapping[bytes, list[Serial]]
) -> dict[bytes, int]:
    """Return the oldest number of each signer of which phones keep a receipt of the journal's."""
    floors: dict[bytes, int] = {}
    for receipt in known.values():
        if receipt.digest in kept:
            floors[receipt.signer] = min(receipt.sequence, floors.get(receipt.signer, 1 << 60))
    return floors


def _kept_row(
    record: SignedRecord, kept: Mapping[bytes, list[Serial]], serials: Mapping[bytes, str]
) -> ReceiptRow:
    transaction, stage, _ = record.opening.split("\n")
    serial = serials.get(record.signer, record.signer.hex())
    phones = tuple(kept.get(record.digest, ()))
    named = (serial, transaction, int(stage), record.sequence, record.digest.hex())
    return ReceiptRow(*named, phones)


def _journal_row(receipt: JournalReceipt) -> ReceiptRow:
    named = (receipt.serial, receipt.transaction, receipt.stage, receipt.sequence)
    return ReceiptRow(*named, receipt.digest.hex(), entry=receipt.entry)


def _contradiction(
    one: SignedRecord, two: SignedRecord, serials: Mapping[bytes, str]
) -> ContradictionRow:
    return ContradictionRow(
        kind=one.kind_name,
        signer=one.signer.hex(),
        serial=serials.get(one.signer, ""),
        number=one.sequence,
        first=_text(one),
        second=_text(two),
    )


def _text(record: SignedRecord) -> SignedText:
    data, signature = record.signed()
    return SignedText(data.decode(), signature.hex())
