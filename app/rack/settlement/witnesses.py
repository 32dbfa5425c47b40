"""Phones as witnesses of the ledger: they sign its head, and tell where its history was undone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from app.core.errors import ShardloomError, WorkerError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.ledger.journal.tree import JournalTree
from app.ledger.storage.addresses import LedgerPlace
from app.pipeline.worker_client import WorkerClient
from app.rack.context import RackContext
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.phone import Phone
from app.rack.snapshot import TimelineKind
from workers.errors import ReceiptError
from workers.identity.checkpoint import LogCheckpoint, check_cosignature
from workers.protocol.commands import Cosign, ShowHead

INTERVAL_S: Final = 30.0
"""So often phones are asked to sign, where anything was written since they last did."""
LAST_LOOK_S: Final = 2.0
_log = logging.getLogger("shardloom.rack")


class Witnesses:
    """Asks phones for cosignatures. Lives on the service loop.

    Before a phone signs it shows the newest head that it holds. One that is no earlier head of this
    journal proves, by this host's own signature, that the journal was put back, begun anew under
    the same key, or told differently: it is told once of each phone.
    """

    def __init__(
        self,
        context: RackContext,
        ledger_thread: LedgerThread,
        ledger_place: LedgerPlace,
        phones: Callable[[], Iterable[Phone]],
    ) -> None:
        self._context = context
        self._ledger_thread = ledger_thread
        self._tree = JournalTree(ledger_place)
        self._phones = phones
        self._told: set[Serial] = set()
        self._failed: Mapping[str, Fact] = {}
        """Parts of the ledger whose due could not be done, as they were told."""

    async def look(self) -> None:
        """Have the head signed by every phone that can, and put that on record.

        What the ledger does as time goes by is done before: payments that are due, votes counted.
        """
        self._tell_failed(await self._ledger_thread.run(lambda ledger: ledger.look_after()))
        phones = [phone for phone in self._phones() if phone.usable]
        note = await self._ledger_thread.run(lambda ledger: ledger.witnesses.head_to_cosign())
        if note is None or not phones:
            return
        lines: dict[Serial, str] = {}
        for phone in phones:
            line = await self._ask(phone, note)
            if line:
                lines[phone.serial] = line
        if lines:
            await self._ledger_thread.run(
                lambda ledger: ledger.witnesses.record_cosigned(note, lines)
            )
            self._context.changed()

    async def look_once_more(self) -> None:
        """Have the last head signed before the phones are let go, as far as they answer at once."""
        if not self._ledger_thread.is_open:
            return
        with suppress(TimeoutError, ShardloomError):
            async with self._context.clock.timeout(LAST_LOOK_S):
                await self.look()

    async def _ask(self, phone: Phone, note: str) -> str:
        """Return a phone's cosignature, empty where it gives none that holds."""
        if phone.client is None:
            return ""
        try:
            return await self._signed_by(phone, phone.client, LogCheckpoint.read(note), note)
        except (ShardloomError, ReceiptError) as error:
            _log.info("%s does not sign the ledger's head: %s", phone.serial, error)
            return ""

    async def _signed_by(
        self, phone: Phone, client: WorkerClient, checkpoint: LogCheckpoint, note: str
    ) -> str:
        held = (await client.call(ShowHead(checkpoint.log_key))).note
        before = LogCheckpoint.read(held) if held else None
        if before is not None and before.log_key != checkpoint.log_key:
            raise WorkerError("witness.other_ledger", phone=phone.name)
        if before is not None and not await self._is_ours(before, checkpoint.size):
            self._tell(phone, before.size)
            return ""
        proof = await self._proof(before, checkpoint)
        line = (await client.call(Cosign(note, tuple(proof)))).line
        if line:
            check_cosignature(checkpoint, line, phone.worker.public_key)
        return line

    async def _is_ours(self, before: LogCheckpoint, size: int) -> bool:
        """Tell whether a head that this ledger signed is one of the journal as it is."""
        if before.size > size:
            return False
        return await self._context.pool.run(self._tree.root, before.size) == before.root

    async def _proof(self, before: LogCheckpoint | None, checkpoint: LogCheckpoint) -> list[bytes]:
        if before is None:
            return []
        sizes = before.size, checkpoint.size
        return await self._context.pool.run(self._tree.consistency_proof, *sizes)

    def _tell_failed(self, failed: Mapping[str, Fact]) -> None:
        """Tell of each part once, until it was done or fails in another way."""
        new = [fact for part, fact in failed.items() if self._failed.get(part) != fact]
        self._failed = failed
        for fact in new:
            self._context.timeline.add(TimelineKind.ERROR, fact)
        if new:
            self._context.changed()

    def _tell(self, phone: Phone, size: int) -> None:
        if phone.serial not in self._told:
            self._told.add(phone.serial)
            fact = Fact("ledger.other_history", phone=phone.name, size=size)
            self._context.timeline.add(TimelineKind.ERROR, fact, phone.serial)
            self._context.changed()
