"""Commands about receipts that phones keep for each other."""

from __future__ import annotations

from workers.protocol.between_phones.replica_messages import (
    MAXIMUM_LISTED,
    FetchRecords,
    ListRecords,
    RecordsFetched,
    RecordsListed,
    ReplicasShown,
    SetMembers,
    ShowReplicas,
)
from workers.protocol.commands import Done
from workers.replicas.members import SignedMembers
from workers.replicas.node import ReplicaNode
from workers.ring.parts import Handlers, WorkerParts

_NOTHING = ReplicasShown(number=0, kept=0, kept_bytes=0, owed=0, unstored=0, conflicts=0)


class ReplicaCommands:
    """Each method carries out a command, and raises a `ReportedError` where that cannot be."""

    def __init__(self, parts: WorkerParts) -> None:
        self._replicas = parts.replicas
        self.handlers: Handlers = {
            SetMembers: self.set_members,
            ShowReplicas: self.show,
            ListRecords: self.list_records,
            FetchRecords: self.fetch,
        }

    def set_members(self, command: SetMembers) -> Done:
        """Keep receipts together with the phones of a list that the host signed."""
        signed = SignedMembers.read(command.statement, command.signature, command.listing)
        self._replicas.set_members(signed, command.ways)
        return Done()

    def show(self, _command: ShowReplicas) -> ReplicasShown:
        """Say how the store stands."""
        return self._replicas.ask(_shown) or _NOTHING

    def list_records(self, command: ListRecords) -> RecordsListed:
        """Name the next records."""
        most = MAXIMUM_LISTED + 1
        found = self._replicas.ask(lambda node: node.kept.listed(command.after, most)) or []
        return RecordsListed(tuple(found[:MAXIMUM_LISTED]), more=len(found) == most)

    def fetch(self, command: FetchRecords) -> RecordsFetched:
        """Show records, as they were signed."""
        found = self._replicas.ask(lambda node: node.kept.found(command.records)) or []
        return RecordsFetched(tuple(found))


def _shown(node: ReplicaNode) -> ReplicasShown:
    return ReplicasShown(
        number=node.members.members.number if node.members else 0,
        kept=len(node.kept),
        kept_bytes=node.kept.size_bytes,
        owed=node.owed,
        unstored=node.unstored,
        conflicts=sum(1 for _ in node.kept.conflicts()),
    )
