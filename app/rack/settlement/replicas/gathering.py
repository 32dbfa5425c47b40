"""What phones keep of receipts, asked of each, beside the journal: what one has and not the other.

What a phone shows is checked by its signer's signature, so that a phone can hide what it keeps and
cannot invent. A contradiction that the journal can punish is put on record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.core.errors import LedgerError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.ledger.ledger import Ledger
from app.ledger.rules.evidence import SignedReceipt
from app.ledger.rules.phones.reused_numbers import ReusedNumber
from app.ledger.rules.verdict import ReceiptStatus
from app.ledger.storage.addresses import LedgerPlace
from app.ledger.views.discrepancies import (
    JournalReceipt,
    PhoneHoldings,
    compare,
    contradictions,
    rivals,
)
from app.ledger.views.discrepancy_rows import ContradictionRow, Discrepancies
from app.ledger.views.pages import read_receipts
from app.pipeline.worker_client import WorkerClient
from app.rack.context import RackContext
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.phone import Phone
from app.rack.snapshot import TimelineKind
from workers.errors import ReceiptError
from workers.protocol.between_phones.replica_messages import (
    MAXIMUM_NAMED,
    FetchRecords,
    ListedRecord,
    ListRecords,
    ShowReplicas,
)
from workers.replicas.records import SignedRecord

MOST_PAGES: Final = 256
"""Of what one phone lists: more than its quotas let it keep."""
MOST_FETCHED: Final = 16_384
LOOK_INTERVAL_S: Final = 30.0
_log = logging.getLogger("shardloom.rack")


class ReplicaGathering:
    """Asks phones and compares. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        ledger_thread: LedgerThread,
        ledger_place: LedgerPlace,
        phones: Callable[[], Collection[Phone]],
    ) -> None:
        self._context = context
        self._ledger_thread = ledger_thread
        self._ledger_place = ledger_place
        self._phones = phones
        self._told: set[str] = set()
        self._conflicts: dict[Serial, int] = {}

    async def look(self) -> None:
        """Ask each phone whether anything contradicts itself; find out what, where more does."""
        worse = False
        for phone in list(self._phones()):
            if phone.client is None or not phone.usable:
                continue
            try:
                count = (await phone.client.call(ShowReplicas())).conflicts
            except ShardloomError as error:
                _log.info("%s does not say what it keeps: %s", phone.serial, error)
                continue
            worse |= count > self._conflicts.get(phone.serial, 0)
            self._conflicts[phone.serial] = count
        if worse:
            await self.compare()

    async def compare(self) -> Discrepancies:
        """Compare what phones keep with the journal. Raises `LedgerError`."""
        journal = await self._context.pool.run(read_receipts, self._ledger_place)
        gathered = _Gathered({each.digest for each in journal})
        for phone in list(self._phones()):
            await self._ask(phone, gathered)
        await self._fetch_rivals(journal, gathered)
        serials = {phone.worker.public_key: str(phone.serial) for phone in self._phones()}
        rows = contradictions(gathered.shown.values(), serials)
        await self._punish(gathered.shown.values(), rows)
        self._tell(rows)
        return compare(
            journal,
            gathered.holdings,
            gathered.shown,
            tuple(gathered.asked),
            tuple(gathered.silent),
            serials,
            rows,
        )

    async def _ask(self, phone: Phone, gathered: _Gathered) -> None:
        client = phone.client
        if client is None or not phone.usable:
            gathered.silent.append(phone.serial)
            return
        gathered.asked.append(phone.serial)
        try:
            listed = await _listed(client)
            for each in listed:
                gathered.holdings.note(phone.serial, each.signer, each.digest)
            lacking = [each.digest for each in listed if gathered.lacks(each.digest)]
            await self._fetch(client, lacking, gathered)
        except ShardloomError as error:
            _log.info("%s did not say all that it keeps: %s", phone.serial, error)
            gathered.silent.append(phone.serial)

    async def _fetch_rivals(self, journal: Sequence[JournalReceipt], gathered: _Gathered) -> None:
        """Fetch what the journal has of the same numbers and stages as what it has not."""
        clients = {each.serial: each.client for each in self._phones() if each.client is not None}
        for rival in rivals(journal, gathered.shown.values()):
            for serial in gathered.holdings.phones.get(rival.digest, ()):
                client = clients.get(serial)
                if client is None or rival.digest in gathered.shown:
                    continue
                try:
                    await self._fetch(client, [rival.digest], gathered)
                except ShardloomError as error:
                    _log.info("%s did not show a receipt: %s", serial, error)

    async def _fetch(
        self, client: WorkerClient, digests: Sequence[bytes], gathered: _Gathered
    ) -> None:
        for first in range(0, len(digests), MAXIMUM_NAMED):
            if len(gathered.shown) >= MOST_FETCHED:
                return
            group = tuple(digests[first : first + MAXIMUM_NAMED])
            answer = await client.call(FetchRecords(group))
            checked = await self._context.pool.run(_checked, answer.records)
            gathered.shown.update((each.digest, each) for each in checked if each.digest in group)

    async def _punish(
        self, records: Iterable[SignedRecord], rows: Sequence[ContradictionRow]
    ) -> None:
        """Put receipts on record that contradict the journal's or each other: it costs stake."""
        receipts = [each for each in records if each.is_receipt]
        if not receipts:
            return
        pairs = [each for each in rows if each.kind == "receipt"]
        if await self._ledger_thread.run(lambda ledger: _punished(ledger, receipts, pairs)):
            self._context.changed()

    def _tell(self, rows: Iterable[ContradictionRow]) -> None:
        """Say of each key once that it contradicted itself."""
        for row in rows:
            if row.signer in self._told:
                continue
            self._told.add(row.signer)
            code = "replicas.phone_lied" if row.serial else "replicas.host_lied"
            fact = Fact(code, phone=row.serial) if row.serial else Fact(code, number=row.number)
            serial = Serial(row.serial) if row.serial else None
            self._context.timeline.add(TimelineKind.ERROR, fact, serial)
            self._context.changed()


@dataclass
class _Gathered:
    """What phones said so far."""

    known: set[bytes]
    """What the journal has."""
    holdings: PhoneHoldings = field(default_factory=PhoneHoldings)
    shown: dict[bytes, SignedRecord] = field(default_factory=dict)
    asked: list[Serial] = field(default_factory=list)
    silent: list[Serial] = field(default_factory=list)

    def lacks(self, digest: bytes) -> bool:
        """Tell whether a record is to be fetched."""
        return digest not in self.known and digest not in self.shown


async def _listed(client: WorkerClient) -> list[ListedRecord]:
    """Return all that a phone says it keeps, up to a bound. Raises `ShardloomError`."""
    found: list[ListedRecord] = []
    for _ in range(MOST_PAGES):
        page = await client.call(ListRecords(found[-1] if found else None))
        if found and page.records and page.records[0] <= found[-1]:
            break
        found += page.records
        if not page.more or not page.records:
            break
    return found


def _checked(packed: Iterable[bytes]) -> list[SignedRecord]:
    records = []
    for each in packed:
        try:
            records.append(SignedRecord.read(each))
        except ReceiptError as error:
            _log.info("a phone shows a record that does not hold: %s", error)
    return records


def _punished(
    ledger: Ledger, receipts: Iterable[SignedRecord], pairs: Iterable[ContradictionRow]
) -> int:
    return sum(_is_punished(ledger, each) for each in receipts) + punish_reused(ledger, pairs)


def punish_reused(ledger: Ledger, pairs: Iterable[ContradictionRow]) -> int:
    """Put receipts of one number on record; return of how many pairs their signer paid."""
    return sum(_is_reused(ledger, each) for each in pairs)


def _is_reused(ledger: Ledger, pair: ContradictionRow) -> bool:
    """Tell whether two receipts are of one number; either may be about work of this ledger."""
    key = bytes.fromhex(pair.signer)
    one, two = (
        SignedReceipt(each.data, bytes.fromhex(each.signature), key)
        for each in (pair.first, pair.second)
    )
    for both in (ReusedNumber(one, two), ReusedNumber(two, one)):
        try:
            return ledger.contradictions.of_one_number(both)
        except LedgerError as error:
            _log.info("two receipts that contradict each other cost nothing: %s", error)
    return False


def _is_punished(ledger: Ledger, record: SignedRecord) -> bool:
    """Tell whether a receipt contradicts the journal's of that stage, which is then on record.

    One that the journal lacks stays out of it: a transaction that ended takes no receipts.
    """
    data, signature = record.signed()
    try:
        transaction, stage, _ = record.opening.split("\n")
        if not ledger.deals.has_receipt(TransactionId(transaction), int(stage)):
            return False
        recorded = ledger.record_receipt(data, signature, record.signer)
    except LedgerError as error:
        _log.info("a receipt that phones keep is not for the journal: %s", error)
        return False
    return recorded is ReceiptStatus.EQUIVOCATION
