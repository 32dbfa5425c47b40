"""Failures a worker reports to the host in one plain line."""


class ReportedError(Exception):
    """Base of every expected failure; `str(error)` is the reason the host is given.

    `code` tells apart what the host must treat in its own way.
    """

    code = ""


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


class WireError(Exception):
    """A message that does not follow the protocol."""
