"""Failures a worker reports to the host: a code of `workers.protocol.reasons` and its fields."""

from __future__ import annotations


class ReportedError(Exception):
    """Base of every expected failure; the host is told reason and fields, the text is for logs.

    `code` tells apart what the host must treat in its own way.
    """

    code = ""

    def __init__(self, reason: str, /, **fields: str | float) -> None:
        """Take a code of `workers.protocol.reasons` and what is to be filled in."""
        self.reason = reason
        self.fields = tuple((name, f"{value}") for name, value in fields.items())
        told = ", ".join(f"{name}={value}" for name, value in self.fields)
        super().__init__(f"{reason}({told})" if told else reason)


class RequestRefusedError(ReportedError):
    """A command or step that cannot be done as it was asked."""


class BoundaryOverflowError(ReportedError):
    """Hidden states too large for the form in which they are to be sent."""

    code = "boundary-overflow"


class EngineError(ReportedError):
    """A shard that cannot be loaded or run."""


class UnusableRowsError(EngineError):
    """Rows that no shard could run as they came: whoever sent them is at fault, not this worker."""

    code = "unusable-rows"


class StepMissingError(UnusableRowsError):
    """A step that came before the one that was due: that one may have been lost on its way."""

    code = "missing-step"


class NotFiniteError(EngineError):
    """A shard's own output holds infinities or what is not a number."""

    code = "not-finite"


class StoreError(ReportedError):
    """A file of the store that is missing or is not what its name says."""


class TranscriptFullError(ReportedError):
    """A transaction that reached the memory set aside for its transcript."""


class IdentityError(ReportedError):
    """Signing key or sequence number that cannot be used."""


class ReceiptError(ReportedError):
    """A receipt, hello proof or public key that must not be accepted."""


class WireError(ReportedError):
    """A message that does not follow the protocol."""
