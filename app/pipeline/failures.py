"""Why an attempt ends early, and which phone that says something about."""

from __future__ import annotations

from app.core.errors import ShardloomError
from app.core.facts import Fact, FieldValue
from app.core.identifiers import Serial


class StageFailedError(ShardloomError):
    """A stage of the ring cannot go on; the field `phone` is its serial, for want of a name."""

    def __init__(self, code: str, /, *, phone: Serial, **fields: FieldValue) -> None:
        super().__init__(code, phone=phone, **fields)
        self.serial = phone


class StepLostError(StageFailedError):
    """A step that nobody computes did not come back: a phone's fault, or that of a way."""


class OffenceError(StageFailedError):
    """A phone said what it may not say: no slip of a way, as its own socket brought it."""


class RunChangedError(ShardloomError):
    """The ring went on for longer than the host allowed, or not as it did.

    How far it may go passes every phone on its way, and nobody signs for it: any of them may have
    changed it, and nobody is blamed.
    """


class WrongAnswerError(ShardloomError):
    """What the last stage answered is none that an honest one would have sent."""


class DisputedRowsError(ShardloomError):
    """A phone could not use what another sent it; which of the two is wrong nobody can prove."""

    def __init__(self, sender: Serial, receiver: Serial, reason: Fact | str) -> None:
        """`reason` is the receiver's own words."""
        super().__init__("stage.rows_unusable", receiver=receiver, sender=sender, reason=reason)
        self.sender = sender
        self.receiver = receiver
        self.reason = reason
