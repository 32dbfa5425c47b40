"""Errors a person can act on. The message is one plain line; anything else is a bug of ours."""


class ShardloomError(Exception):
    """Base of every expected failure; `str(error)` is the line that is shown."""


class BadInputError(ShardloomError):
    """Something given from outside (file, argument, key) cannot be used as it is."""


class PhoneLostError(ShardloomError):
    """A phone stopped answering while it was needed."""


class PhoneUnauthorizedError(ShardloomError):
    """The phone has not accepted this computer's key."""


class HashMismatchError(ShardloomError):
    """Bytes that landed are not the bytes that were sent."""


class DoesNotFitError(ShardloomError):
    """No assignment fits the rack; says what is missing."""

    def __init__(self, message: str, missing_bytes: int = 0) -> None:
        super().__init__(message)
        self.missing_bytes = missing_bytes


class WorkerError(ShardloomError):
    """A worker answered a command with a failure."""


class LedgerError(ShardloomError):
    """The ledger refused an operation or cannot be opened."""


def reason_of(error: BaseException) -> str:
    """Return what went wrong in words, without the number that the system gives it."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
