"""What goes wrong in a request's attempts: which phones it then goes on without, and who is blamed.

Only who is known to be at fault is lost to the rack for it. Where one of two phones is wrong and
nobody can tell which, both are set aside: nothing is held against them, they are taken up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from app.core.errors import ShardloomError
from app.core.identifiers import Serial
from app.pipeline.attempt import Attempt
from app.pipeline.failures import OffenceError, StageFailedError, UnusableRowsError
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
    _astray: int = 0
    _disputes: int = 0

    def fail_over(self, failure: StageFailedError, attempt: Attempt) -> None:
        """Go on without a phone that failed."""
        phone = self.workplace.fleet.phones[failure.serial]
        self.request.failovers += 1
        reason = f"{phone.name} {failure.reason}"
        if _takes_part(phone, attempt) and not isinstance(failure, OffenceError):
            self.workplace.fleet.mark_lost(phone, reason)
        self._recover(reason)
        next_token = len(self.request.tokens) + 1
        going_on = (
            "is read again" if self.request.vector_model else f"goes on at token {next_token}"
        )
        self.workplace.timeline.add(
            TimelineKind.FAILOVER, f"The text {going_on} without {phone.name}.", phone.serial
        )

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
        between = [f"from {sender.name} to {receiver.name}" for sender, receiver in broken]
        text = f"The way {' and '.join(between)} broke" if broken else "A step was lost on its way"
        self._recover(f"{text}.")
        next_token = len(self.request.tokens) + 1
        text = f"{text}: the text goes on at token {next_token} with the same phones."
        self.workplace.timeline.add(TimelineKind.FAILOVER, text)

    def look_where_lost(self, attempt: Attempt, signed: Mapping[Serial, ReceiptBody]) -> None:
        """Set the phones aside between which steps are lost again and again for no known reason.

        Their receipts tell how many steps each has done. Raises `ShardloomError` where phones were
        set aside too often.
        """
        if self._astray <= STEPS_ASTRAY:
            return
        around = place_of_loss(attempt, signed)
        if around:
            self._astray = 0
            phones = [self.workplace.fleet.phones[serial] for serial in around]
            names = " and ".join(phone.name for phone in phones)
            self._set_aside(phones, attempt, f"Steps are lost again and again at {names}")

    def rows_unusable(self, dispute: UnusableRowsError, attempt: Attempt) -> None:
        """Go on without two phones of which one lies about the other; nobody is blamed for it.

        Raises `ShardloomError` where that happened too often.
        """
        phones = self.workplace.fleet.phones
        sender, receiver = phones[dispute.sender], phones[dispute.receiver]
        text = f"{receiver.name} cannot use what {sender.name} sent it ({dispute.reason})"
        self.request.failovers += 1
        self._set_aside((sender, receiver), attempt, text)

    def _set_aside(self, phones: Iterable[Phone], attempt: Attempt, text: str) -> None:
        self._disputes += 1
        for phone in phones:
            if _takes_part(phone, attempt):
                self.workplace.fleet.set_aside(phone, f"{text}; which phone is wrong is not known.")
        if self._disputes > DISPUTES:
            raise ShardloomError(f"{text}, and this is not the first time.")
        self._recover(f"{text}.")
        going_on = f"{text}: the request goes on without."
        self.workplace.timeline.add(TimelineKind.FAILOVER, going_on)

    def _recover(self, reason: str) -> None:
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
