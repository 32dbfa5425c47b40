"""What phones keep of the ledger: heads that they cosigned, and each other's receipts."""

from __future__ import annotations

from app.core.nursery import Nursery
from app.ledger.storage.addresses import LedgerPlace
from app.ledger.views.discrepancy_rows import Discrepancies
from app.rack.context import RackContext
from app.rack.ledger_thread import LedgerThread
from app.rack.paths.path_finder import PathFinder
from app.rack.phones.fleet import Fleet
from app.rack.settlement.replicas import gathering, membership
from app.rack.settlement.replicas.gathering import ReplicaGathering
from app.rack.settlement.replicas.membership import ReplicaMembership
from app.rack.settlement.witnesses import INTERVAL_S, Witnesses


class LedgerOnPhones:
    """Looks after all of it. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        ledger_thread: LedgerThread,
        place: LedgerPlace,
        fleet: Fleet,
        path_finder: PathFinder,
    ) -> None:
        """`path_finder` knows where phones reach each other."""
        phones = fleet.phones.values
        self._witnesses = Witnesses(context, ledger_thread, place, phones)
        self._membership = ReplicaMembership(context, ledger_thread, phones, path_finder.endpoint)
        self._gathering = ReplicaGathering(context, ledger_thread, place, phones)

    def watch(self, watches: Nursery) -> None:
        """Look after it from now on."""
        for look, name, interval_s in (
            (self._membership.look, "the list of who keeps receipts", membership.LOOK_INTERVAL_S),
            (self._witnesses.look, "the signing of the ledger's head", INTERVAL_S),
            (self._gathering.look, "the receipts on phones", gathering.LOOK_INTERVAL_S),
        ):
            watches.watch(look, name, interval_s)

    async def compare(self) -> Discrepancies:
        """Compare what phones keep of receipts with the journal. Raises `LedgerError`."""
        return await self._gathering.compare()

    async def look_once_more(self) -> None:
        """Have the last head signed before phones are let go."""
        await self._witnesses.look_once_more()
