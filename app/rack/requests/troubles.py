"""What goes wrong in a request's attempts: which phones it then goes on without, and who is blamed.

Only who is known to be at fault is lost to the rack for it. Where one of two phones is wrong and
nobody can tell which, both are set aside: nothing is held against them, they are taken up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from app.core.errors import ShardloomError
from app.core.facts import Fact, FieldValue
from app.core.identifiers import Serial, TransactionId
from app.ledger.rules.phones.distrust import DistrustReason
from app.pipeline.attempt import Attempt
from app.pipeline.failures import DisputedRowsError, OffenceError, StageFailedError
from app.rack.phones.phone import Phone
from app.rack.requests.request import Request
from app.rack.requests.workplace import Workplace
from app.rack.snapshot import RequestState, TimelineKind
from workers.identity.receipts import ReceiptBody

STEPS_ASTRAY: Final = 3
"""How many steps of a request may be lost without a broken way before the phones around the place
are set aside."""
DISPUTES: Final = 3
"""How often phones of a request may be set aside of which nobody knows whether they are wrong."""


@dataclass
class Troubles:
    """Those of one request. Lives on the service loop."""

    request: Request
    workplace: Workplace
    fed_by_host: bool = False
    """Whether the ring does not go on by itself any more: somebody in it changed how far it may."""
    _astray: int = 0
    _disputes: int = 0

    def fail_over(self, failure: StageFailedError, attempt: Attempt) -> None:
        """Go on without a phone that failed."""
        phone = self.workplace.fleet.phones[failure.serial]
        self.request.failovers += 1
        reason = failure.fact.but(phone=phone.name)
        if _takes_part(phone, attempt) and not isinstance(failure, OffenceError):
            self.workplace.fleet.mark_lost(phone, reason)
        self._recover(reason)
        if self.request.vector_model:
            told = Fact("request.read_without", phone=phone.name)
        else:
            next_token = len(self.request.tokens) + 1
            told = Fact("request.goes_on_without", phone=phone.name, token=next_token)
        self.workplace.timeline.add(TimelineKind.FAILOVER, told, phone.serial)

    async def step_lost(self, attempt: Attempt) -> None:
        """Look for the way that lost a step between phones that all answer; go on with the same."""
        serials = [stage.serial for stage in attempt.stages]
        try:
            broken = await self.workplace.assigner.broken_ways(serials)
        except StageFailedError as failure:
            self.fail_over(failure, attempt)
            return
        self._astray += not broken
        self.request.failovers += 1
        lost = _what_was_lost(broken)
        self._recover(Fact("request.astray", lost=lost))
        told = Fact("request.goes_on", lost=lost, token=len(self.request.tokens) + 1)
        self.workplace.timeline.add(TimelineKind.FAILOVER, told)

    def look_where_lost(self, attempt: Attempt, signed: Mapping[Serial, ReceiptBody]) -> None:
        """Set the phones aside between which steps are lost again and again for no known reason.

        Their receipts tell how many steps each has done. Raises `ShardloomError` where phones were
        set aside too often.
        """
        if self._astray <= STEPS_ASTRAY:
            return
        phones = [self.workplace.fleet.phones[each] for each in place_of_loss(attempt, signed)]
        if phones:
            self._astray = 0
            names = tuple(phone.name for phone in phones)
            self._set_aside(phones, attempt, Fact("loss.set_aside", phones=names))
            if self._disputes > DISPUTES:
                raise ShardloomError("loss.not_the_first", phones=names)
            self._go_on(Fact("loss.goes_on", phones=names))

    def rows_unusable(self, dispute: DisputedRowsError, attempt: Attempt) -> None:
        """Go on without two phones of which one lies about the other; nobody is blamed for it.

        Raises `ShardloomError` where that happened too often.
        """
        phones = self.workplace.fleet.phones
        sender, receiver = phones[dispute.sender], phones[dispute.receiver]
        names: dict[str, FieldValue] = {
            "receiver": receiver.name,
            "sender": sender.name,
            "reason": dispute.reason,
        }
        self.request.failovers += 1
        self.workplace.assigner.distrust.add(
            dispute.sender,
            dispute.receiver,
            attempt.transaction,
            DistrustReason.ROWS_UNUSABLE,
        )
        self._set_aside((sender, receiver), attempt, Fact("dispute.one_is_wrong", **names))
        if self._disputes > DISPUTES:
            raise ShardloomError("dispute.not_the_first", **names)
        self._go_on(Fact("dispute.goes_on_without_both", **names))

    def run_changed(self) -> None:
        """Go on with the same phones, fed by this computer: nobody knows which changed the run."""
        self.fed_by_host = True
        self.request.failovers += 1
        self._go_on(Fact("request.fed_by_host"))

    def signed_otherwise(
        self, transaction: TransactionId, edges: Sequence[tuple[Serial, Serial]]
    ) -> None:
        """Blame nobody where two neighbours signed different things, and use that way no more."""
        for edge in edges:
            sender, receiver = (self.workplace.fleet.name_of(serial) for serial in edge)
            told = Fact("dispute.signed_otherwise", sender=sender, receiver=receiver)
            self.workplace.timeline.add(TimelineKind.ERROR, told)
            self.workplace.assigner.distrust.add(
                *edge, transaction, DistrustReason.SIGNED_OTHERWISE
            )

    def _set_aside(self, phones: Iterable[Phone], attempt: Attempt, reason: Fact) -> None:
        self._disputes += 1
        for phone in phones:
            if _takes_part(phone, attempt):
                self.workplace.fleet.set_aside(phone, reason)

    def _go_on(self, told: Fact) -> None:
        self._recover(told)
        self.workplace.timeline.add(TimelineKind.FAILOVER, told)

    def _recover(self, reason: Fact) -> None:
        now_s = self.workplace.clock.monotonic_s()
        self.request.enter(RequestState.RECOVERING, reason, now_s)
        self.workplace.changed()


def place_of_loss(attempt: Attempt, signed: Mapping[Serial, ReceiptBody]) -> tuple[Serial, ...]:
    """Return the phones on both sides of where steps of an attempt ended; none where all came on.

    This computer stands at both ends of the ring. Who signed for nothing tells nothing.
    """
    told = [(each.serial, signed[each.serial]) for each in attempt.stages if each.serial in signed]
    done: list[tuple[Serial | None, int]] = [
        (None, len(attempt.steps)),
        *((serial, body.steps) for serial, body in told),
        (None, attempt.completed_steps),
    ]
    for (sender, sent), (receiver, came) in pairwise(done):
        if came < sent:
            return tuple(serial for serial in (sender, receiver) if serial is not None)
    return ()


def _takes_part(phone: Phone, attempt: Attempt) -> bool:
    """Tell whether the phone's worker of now is one of the attempt's."""
    return any(stage.client is phone.client for stage in attempt.stages)


def _what_was_lost(broken: Sequence[tuple[Phone, Phone]]) -> Fact:
    """Return what was lost with the ways that broke, or without any."""
    if not broken:
        return Fact("request.step_lost")
    ways = [Fact("request.way", sender=one.name, receiver=other.name) for one, other in broken]
    return Fact("request.ways_broke", ways=tuple(ways))
