"""Who keeps receipts together: the list that this host signs, told to every phone of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from app.core.device import DeviceState
from app.core.errors import ShardloomError
from app.core.identifiers import Serial
from app.pipeline.worker_client import WorkerClient
from app.rack.context import RackContext
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.phone import Phone
from workers.protocol.between_phones.replica_messages import SetMembers
from workers.protocol.commands import NextHop
from workers.replicas.members import Member, SignedMembers

LOOK_INTERVAL_S: Final = 2.0
AWAY_AFTER_S: Final = 20.0
"""A phone lost for so long keeps nothing any more: another takes its place until it is back."""
_PRESENT: Final = frozenset({DeviceState.READY, DeviceState.JAILED})
_log = logging.getLogger("shardloom.rack")
FindEndpoint = Callable[[Phone, Phone], str | None]


@dataclass(frozen=True)
class _Told:
    """What a worker was told last."""

    client: WorkerClient
    number: int
    ways: tuple[NextHop, ...]


class ReplicaMembership:
    """Keeps the list of members and tells it. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        ledger_thread: LedgerThread,
        phones: Callable[[], Collection[Phone]],
        endpoint: FindEndpoint,
    ) -> None:
        """`endpoint` tells where a phone reaches another, None where no way is known."""
        self._context = context
        self._ledger_thread = ledger_thread
        self._phones = phones
        self._endpoint = endpoint
        self._members: dict[Serial, Member] = {}
        self._signed: SignedMembers | None = None
        self._told: dict[Serial, _Told] = {}

    @property
    def number(self) -> int:
        """The number of the newest list; 0 before the first."""
        return self._signed.members.number if self._signed else 0

    @property
    def keys(self) -> dict[bytes, Serial]:
        """The Ed25519 keys of phones met so far, with their serials."""
        return {phone.worker.public_key: phone.serial for phone in self._phones()}

    async def look(self) -> None:
        """Sign a new list where members changed, and tell who has not heard of it."""
        members = self._members_now()
        if members and (self._signed is None or members != self._members):
            await self._sign(members)
        for phone in self._phones():
            if phone.serial in self._members and phone.state in _PRESENT:
                await self._tell(phone)

    async def _sign(self, members: dict[Serial, Member]) -> None:
        number = max(self.number + 1, self._context.clock.wall_ms())
        listed = tuple(sorted(members.values()))
        self._signed = await self._ledger_thread.run(
            lambda ledger: ledger.witnesses.sign_members(listed, number)
        )
        self._members = members

    def _members_now(self) -> dict[Serial, Member]:
        """Return those that are here, and those that went a short while ago."""
        now_s, found = self._context.clock.monotonic_s(), {}
        for phone in self._phones():
            if phone.state in _PRESENT and phone.client is not None and phone.worker.public_key:
                transport = phone.client.address.public_key
                found[phone.serial] = Member(phone.worker.public_key.hex(), transport)
            elif phone.serial in self._members and not _is_away(phone, now_s):
                found[phone.serial] = self._members[phone.serial]
        return found

    async def _tell(self, phone: Phone) -> None:
        client, signed = phone.client, self._signed
        if client is None or signed is None:
            return
        told = _Told(client, self.number, self._ways(phone))
        if self._told.get(phone.serial) == told:
            return
        members = signed.members
        command = SetMembers(members.statement, signed.signature, members.listing, told.ways)
        try:
            await client.call(command)
        except ShardloomError as error:
            _log.info("%s was not told who keeps receipts: %s", phone.serial, error)
            return
        self._told[phone.serial] = told

    def _ways(self, phone: Phone) -> tuple[NextHop, ...]:
        others: Iterable[Phone] = (each for each in self._phones() if each is not phone)
        ways = ((self._endpoint(phone, each), self._members.get(each.serial)) for each in others)
        return tuple(
            NextHop(endpoint, member.transport_key)
            for endpoint, member in ways
            if endpoint is not None and member is not None
        )


def _is_away(phone: Phone, now_s: float) -> bool:
    return phone.lost_at_s is not None and now_s - phone.lost_at_s > AWAY_AFTER_S
