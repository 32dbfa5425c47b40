"""Placing layers so that no step goes where two phones disagreed on what passed between them."""

from __future__ import annotations

from collections.abc import Callable

from app.core.assignment import Assignment
from app.core.errors import LedgerError
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.ledger.ledger import Ledger
from app.ledger.rules.phones.distrust import DistrustReason
from app.rack.context import RackContext
from app.rack.layers.problems import Problems, Proposal
from app.rack.ledger_thread import LedgerThread
from app.rack.paths.distrusted_ways import DistrustedWays, Way
from app.rack.paths.path_finder import PathFinder
from app.rack.phones.fleet import Fleet
from app.rack.snapshot import TimelineKind


class Distrust:
    """What one rack distrusts. Lives on the service loop."""

    def __init__(
        self, context: RackContext, fleet: Fleet, problems: Problems, paths: PathFinder
    ) -> None:
        self._context = context
        self._fleet = fleet
        self._problems = problems
        self._paths = paths
        self._ledger_thread: LedgerThread | None = None

    async def keep_in(self, ledger_thread: LedgerThread) -> None:
        """Take over what the journal knows, and put on record what is learnt from now on."""
        known = await ledger_thread.run(lambda ledger: ledger.trust.distrusted)
        for way in known:
            self._ways.add(way)
        self._ledger_thread = ledger_thread

    @property
    def _ways(self) -> DistrustedWays:
        return self._paths.measured.distrusted

    def add(
        self,
        sender: Serial,
        receiver: Serial,
        transaction: TransactionId,
        reason: DistrustReason,
    ) -> None:
        """Send nothing from one phone to the other any more: one is wrong, nobody knows which.

        Layers are placed otherwise before the next text where steps would go that way.
        """
        stood_by = self._ways.standing_by
        self._ways.add((sender, receiver))
        self._note(
            lambda ledger: ledger.trust.distrust(sender, receiver, transaction, reason),
        )
        for serial in sorted(self._ways.standing_by - stood_by):
            told = Fact("dispute.stands_by", phone=self._fleet.name_of(serial))
            self._context.timeline.add(TimelineKind.ERROR, told, serial)
        self._context.changed()

    def forget(self) -> None:
        """Use every way again."""
        self._ways.forget()
        self._note(lambda ledger: ledger.trust.trust_all())

    def _note(self, entry: Callable[[Ledger], None]) -> None:
        """Put something on record; the rack goes by it meanwhile."""
        if self._ledger_thread is not None:
            note = self._noted(self._ledger_thread, entry)
            self._context.nursery.start_soon(note, "putting distrust on record")

    async def _noted(self, ledger_thread: LedgerThread, entry: Callable[[Ledger], None]) -> None:
        try:
            await ledger_thread.run(entry)
        except LedgerError as error:
            told = Fact("penalty.not_recorded", reason=error.fact)
            self._context.timeline.add(TimelineKind.ERROR, told)

    def of(self, assignment: Assignment) -> list[Way]:
        """Return the distrusted ways that an assignment's steps would take."""
        return self._ways.of_ring(assignment.serials)

    def allows(self, assignment: Assignment) -> bool:
        """Tell whether all its phones can be used, and every way between them."""
        usable = all(self._fleet.phones[serial].usable for serial in assignment.serials)
        return usable and not self.of(assignment)

    async def trusted(self, made: Proposal) -> Proposal:
        """Return a plan without a way that is not to be used, the one made where it has none.

        Where the phones that it is made of have no other order one of the two is left out. Raises
        `DoesNotFitError` where the others do not suffice.
        """
        left_out: set[Serial] = set()
        while ways := self.of(made.plan.assignment):
            left_out.add(ways[0][1])
            made = await self._problems.plan(made.objective, made.pins, frozenset(left_out))
        return made
